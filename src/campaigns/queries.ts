import type { StoredCampaignStatus } from '../database/status-words.ts';
import { query } from '../database/query.ts';
import type { Lookup, Query } from '../database/query.ts';
import type { CampaignSort, PaymentTiming } from './campaign.ts';

export interface CampaignRow {
  readonly campaign_id: string;
  readonly brand_id: string;
  readonly brand_name: string;
  readonly product_id: string;
  readonly product_name: string;
  readonly picture_digest: string | null;
  readonly picture_width: number | null;
  readonly picture_height: number | null;
  readonly weight_grams: number | null;
  readonly title: string;
  readonly description: string;
  readonly status: StoredCampaignStatus;
  readonly payment_timing: PaymentTiming;
  readonly total_slots: number;
  readonly minimum_slots: number;
  readonly min_slots_per_user: number | null;
  readonly max_slots_per_user: number | null;
  readonly filled_slots: number;
  readonly confirmed_slots: number;
  readonly participant_count: number;
  readonly waiting_entries: number;
  readonly reserved_slots: number;
  readonly progress_floor: number;
  /** The price in whole rupiah. */
  readonly price_per_slot: bigint;
  readonly hold_seconds: number;
  readonly deadline: Date;
  readonly opens_at: Date | null;
  readonly closing_outcome: StoredCampaignStatus | null;
  readonly slots_at_close: number | null;
  readonly extended_at: Date | null;
  readonly payment_term_seconds: number;
  readonly payment_grace_seconds: number;
  readonly verification_seconds: number;
  readonly decision_seconds: number;
  readonly verifying_at: Date | null;
  readonly decision_opened_at: Date | null;
  readonly decided_at: Date | null;
  readonly shipped_at: Date | null;
  readonly received_after: Date | null;
  readonly audit_seq: bigint;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly opened_at: Date | null;
  readonly filled_at: Date | null;
  readonly completed_at: Date | null;
  readonly failed_at: Date | null;
  readonly cancelled_at: Date | null;
}

const ownColumns = `campaign_id, brand_id, product_id, title, description, status, payment_timing,
    total_slots, minimum_slots, min_slots_per_user, max_slots_per_user, filled_slots,
    confirmed_slots, participant_count, waiting_entries, reserved_slots, progress_floor,
    price_per_slot, hold_seconds, deadline, opens_at, closing_outcome, slots_at_close, extended_at,
    payment_term_seconds, payment_grace_seconds, verification_seconds, decision_seconds,
    verifying_at, decision_opened_at, decided_at, shipped_at, received_after, audit_seq, created_at, updated_at, opened_at, filled_at, completed_at, failed_at, cancelled_at`;

/** Adds the names of brand and product to the rows of a query of campaigns. */
const withNames = (relation: string) => `select c.*, b.name as brand_name, p.name as product_name,
    p.picture_digest, p.picture_width, p.picture_height, p.weight_grams
  from (${relation}) c
  join sambatan.brands b on b.brand_id = c.brand_id
  join sambatan.products p on p.product_id = c.product_id`;

export const campaignById: Lookup<CampaignRow> = {
  one: query<[campaignId: string], CampaignRow>(
    'find_campaign',
    withNames(`select ${ownColumns} from sambatan.campaigns where campaign_id = $1`),
  ),
  many: query<[campaignIds: string[]], CampaignRow>(
    'find_campaigns',
    withNames(`select ${ownColumns} from sambatan.campaigns where campaign_id = any ($1)`),
  ),
  idOf: (row) => row.campaign_id,
};

/** One campaign; its row stays locked until the transaction ends. */
export const lockCampaign = query<[campaignId: string], CampaignRow>(
  'lock_campaign',
  withNames(
    `select ${ownColumns} from sambatan.campaigns where campaign_id = $1 for no key update`,
  ),
);

export const insertCampaign = query<
  [
    campaignId: string,
    brandId: string,
    productId: string,
    title: string,
    description: string,
    status: StoredCampaignStatus,
    paymentTiming: PaymentTiming,
    totalSlots: number,
    minimumSlots: number,
    minSlotsPerUser: number | null,
    maxSlotsPerUser: number | null,
    pricePerSlot: bigint,
    holdSeconds: number,
    deadline: Date,
    opensAt: Date | null,
    now: Date,
    holdGraceSeconds: number,
    termSeconds: number,
    graceSeconds: number,
    verificationSeconds: number,
    decisionSeconds: number,
  ],
  never
>(
  'insert_campaign',
  `with details as (
    insert into sambatan.campaign_details (campaign_id, brand_id, product_id, title, description,
      status, payment_timing, total_slots, minimum_slots, min_slots_per_user, max_slots_per_user,
      price_per_slot, hold_seconds, deadline, opens_at, created_at, opened_at, hold_grace_seconds,
      payment_term_seconds, payment_grace_seconds, verification_seconds, decision_seconds)
    values ($1, $2, $3, $4, $5, $6::sambatan.campaign_status, $7, $8, $9, $10, $11, $12, $13, $14,
      $15, $16, case when $6::sambatan.campaign_status = 'active' then $16::timestamptz end,
      $17, $18, $19, $20, $21))
  insert into sambatan.campaign_states (campaign_id, status, total_slots, updated_at, next_run_at)
  values ($1, $6::sambatan.campaign_status, $8, $16,
    case when $6::sambatan.campaign_status = 'active' then $14::timestamptz
      when $6::sambatan.campaign_status = 'scheduled' then $15::timestamptz end)`,
);

/** Returns whether there is an account to which buyers can transfer money. */
export const hasReceivingAccount = query<[], { readonly is_there: boolean }>(
  'has_receiving_account',
  'select exists (select 1 from sambatan.receiving_accounts where is_active) as is_there',
);

/** Writes all fields that a seller can edit. It does not write the counters or the status. */
export const updateCampaign = query<
  [
    campaignId: string,
    title: string,
    description: string,
    paymentTiming: PaymentTiming,
    totalSlots: number,
    minimumSlots: number,
    minSlotsPerUser: number | null,
    maxSlotsPerUser: number | null,
    pricePerSlot: bigint,
    holdSeconds: number,
    deadline: Date,
    opensAt: Date | null,
  ],
  never
>(
  'update_campaign',
  `with details as (
    update sambatan.campaign_details set title = $2, description = $3, payment_timing = $4,
      total_slots = $5, minimum_slots = $6, min_slots_per_user = $7, max_slots_per_user = $8,
      price_per_slot = $9, hold_seconds = $10, deadline = $11, opens_at = $12
    where campaign_id = $1)
  update sambatan.campaign_states set total_slots = $5,
    next_run_at = case when status = 'scheduled' then $12 else next_run_at end
  where campaign_id = $1`,
);

/** The parameters of all list queries. A query that does not use one of them gets null for it. */
type ListParameters = [
  statuses: StoredCampaignStatus[],
  limit: number,
  afterValue: Date | number | null,
  afterId: string | null,
  brandId: string | null,
  words: string | null,
];

/** The sort columns of each order, and the start value with which its first page begins. */
const orders = {
  deadline: { column: 'deadline', type: 'timestamptz', direction: 'asc', first: '-infinity' },
  progress: { column: 'progress_floor', type: 'integer', direction: 'desc', first: '2147483647' },
  newest: { column: undefined, type: 'integer', direction: 'desc', first: '0' },
} as const;

const edge = {
  asc: { sign: '>', id: '00000000-0000-0000-0000-000000000000' },
  desc: { sign: '<', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' },
} as const;

/**
 * Builds the list query of one order; a page begins after a row's sort value and id. Without a
 * brand or search words, each status is read by one index scan in the right order, and the scans
 * are merged. So a million campaigns are as fast as a thousand. The campaigns of one brand or of a
 * search are few enough to sort.
 *
 * The first page has a start value too. A condition "no value is given, or the row is after it"
 * would read all rows before a later page, because no index scan can start at an "or".
 */
function list(
  sort: CampaignSort,
  kind: 'all' | 'of_brand' | 'matching',
): Query<ListParameters, CampaignRow> {
  const { column, type, direction, first } = orders[sort];
  const key = column === undefined ? ['campaign_id'] : [column, 'campaign_id'];
  const order = (prefix: string) => key.map((name) => `${prefix}${name} ${direction}`).join(', ');
  const value = `coalesce($3::${type}, '${first}')`;
  const id = `coalesce($4::uuid, '${edge[direction].id}')`;
  const start =
    column === undefined
      ? `campaign_id ${edge[direction].sign} ${id}`
      : `(${column}, campaign_id) ${edge[direction].sign} (${value}, ${id})`;
  const ordered = `order by ${order('')} limit $2`;
  // For the order by id PostgreSQL could choose an index of the campaigns of all statuses, and for
  // a rare status it would read all of them. With a range of statuses only the index that begins
  // with the status gives this order.
  const ofStatus =
    column === undefined
      ? {
          where: `(status, campaign_id) ${edge[direction].sign} (s.wanted, ${id}) and status >= s.wanted`,
          order: `order by status ${direction}, campaign_id ${direction} limit $2`,
        }
      : { where: `status = s.wanted and ${start}`, order: ordered };
  // Every variant of the query uses every parameter, so that all have the same parameter list.
  const unused = `and $3::${type} is not distinct from $3`;
  const page = `where ${ofStatus.where} ${unused} ${ofStatus.order}`;
  // The index by progress belongs to the table of the counters, which has a copy of the status.
  const ofEachStatus =
    sort === 'progress'
      ? `select c.* from (select campaign_id from sambatan.campaign_states ${page}) k
      cross join lateral (
        select ${ownColumns} from sambatan.campaigns i where i.campaign_id = k.campaign_id offset 0) c`
      : `select ${ownColumns} from sambatan.campaigns ${page}`;
  const relation = {
    all: `select l.* from unnest($1::sambatan.campaign_status[]) as s (wanted)
    cross join lateral (${ofEachStatus}) l
    where $5::uuid is null and $6::text is null`,
    of_brand: `select ${ownColumns} from sambatan.campaigns
    where brand_id = $5 and status = any ($1)
      and ($6::text is null or search @@ to_tsquery('simple', $6)) and ${start} ${unused} ${ordered}`,
    // Find the matching rows first and sort them afterwards: reading in the order of the list would
    // read all rows for a rare word.
    matching: `select ${ownColumns} from (
      select * from sambatan.campaigns where search @@ to_tsquery('simple', $6) offset 0) m
    where status = any ($1) and $5::uuid is null and ${start} ${unused} ${ordered}`,
  }[kind];
  return query(
    `list_campaigns_${kind}_by_${sort}`,
    `${withNames(relation)} order by ${order('c.')} limit $2`,
    { shared: true },
  );
}

function listsOf(sort: CampaignSort) {
  return {
    all: list(sort, 'all'),
    ofBrand: list(sort, 'of_brand'),
    matching: list(sort, 'matching'),
  };
}

export const listCampaigns = {
  deadline: listsOf('deadline'),
  progress: listsOf('progress'),
  newest: listsOf('newest'),
} as const satisfies Record<CampaignSort, unknown>;

export interface SummaryRow {
  readonly status: StoredCampaignStatus;
  readonly campaigns: bigint;
  readonly slots: bigint;
}

/**
 * The number of published campaigns and of their taken slots, by status. Ended campaigns are
 * counted from an index that contains their final number of slots; only open campaigns are read
 * from the table.
 */
export const summarize = query<[], SummaryRow>(
  'summarize',
  `select status, count(*) as campaigns,
    coalesce(sum(slots_at_close) filter (where status = 'fulfilled'), 0) as slots
  from sambatan.campaign_details where status in ('fulfilled', 'expired', 'cancelled')
  group by status
  union all
  select status, count(*), coalesce(sum(filled_slots), 0)
  from sambatan.campaign_states where status in ('scheduled', 'active', 'locked', 'verifying')
  group by status`,
);
