import { query } from '../../database/query.ts';
import { isAfterCursor, positionColumn } from '../entries/cursor.ts';

export interface DisputeRow {
  readonly dispute_id: string;
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly reason: string;
  readonly opened_at: Date;
  readonly resolution: 'upheld' | 'dismissed' | null;
  readonly explanation: string | null;
  readonly resolved_at: Date | null;
  readonly position: bigint;
  /** The number of pictures that the buyer added. */
  readonly pictures: number;
}

const disputeColumns = `d.dispute_id, d.campaign_id, d.participation_id, d.reason, d.opened_at,
    d.resolution, d.explanation, d.resolved_at,
    ${positionColumn('d.opened_at')},
    (select count(*)::int from sambatan.dispute_pictures k
      where k.campaign_id = d.campaign_id and k.dispute_id = d.dispute_id) as pictures`;

export const openDispute = query<
  [campaignId: string, participationId: string, disputeId: string, reason: string, actor: string],
  DisputeRow
>('open_dispute', `select ${disputeColumns} from sambatan.open_dispute($1, $2, $3, $4, $5) d`, {
  changes: 'rows',
});

export const resolveDispute = query<
  [disputeId: string, resolution: 'upheld' | 'dismissed', explanation: string, actor: string],
  DisputeRow
>('resolve_dispute', `select ${disputeColumns} from sambatan.resolve_dispute($1, $2, $3, $4) d`, {
  changes: 'rows',
});

/** Query for a page of open disputes, the oldest first. */
export const listDisputes = query<
  [after: number | null, afterId: string | null, limit: number],
  DisputeRow
>(
  'list_disputes',
  `select ${disputeColumns} from sambatan.disputes d
  where d.resolved_at is null and ${isAfterCursor('d.opened_at', 'd.dispute_id', ['$1', '$2'])}
  order by d.opened_at, d.dispute_id limit $3`,
);

/** The first decision of an appealed dispute. */
export interface EarlierDecisionRow {
  /** The id of the open dispute. */
  readonly dispute_id: string;
  readonly reason: string;
  readonly explanation: string;
}

/**
 * Query for the decision before each of these disputes. Returns no row for the first dispute of a
 * participation.
 */
export const earlierDecisions = query<[disputeIds: readonly string[]], EarlierDecisionRow>(
  'earlier_decisions',
  `select d.dispute_id, e.reason, e.explanation
  from sambatan.disputes d
  cross join lateral (
    select reason, explanation from sambatan.disputes
    where campaign_id = d.campaign_id and participation_id = d.participation_id
      and opened_at < d.opened_at and resolution = 'dismissed'
    order by opened_at desc limit 1) e
  where d.dispute_id = any ($1)`,
);

export interface LastDisputeRow extends DisputeRow {
  /** Whether the buyer may open another dispute after the decision. */
  readonly may_again: boolean;
}

/** Query for the last dispute of a participation. */
export const lastDispute = query<[campaignId: string, participationId: string], LastDisputeRow>(
  'last_dispute',
  `select ${disputeColumns},
    sambatan.why_not_disputed($1, $2, null, clock_timestamp()) is null as may_again
  from sambatan.disputes d
  where d.campaign_id = $1 and d.participation_id = $2 order by d.opened_at desc limit 1`,
);

/** Locks the open dispute of a participation. */
export const lockOpenDispute = query<
  [campaignId: string, participationId: string],
  { readonly dispute_id: string }
>(
  'lock_open_dispute',
  `select dispute_id from sambatan.disputes
  where campaign_id = $1 and participation_id = $2 and resolved_at is null for update`,
);

/** Adds a picture after the others. Returns no row if the dispute has three pictures already. */
export const addDisputePicture = query<
  [campaignId: string, disputeId: string, content: Buffer],
  { readonly number: number }
>(
  'add_dispute_picture',
  `insert into sambatan.dispute_pictures (campaign_id, dispute_id, number, content)
  select $1, $2, count(*) + 1, $3 from sambatan.dispute_pictures
  where campaign_id = $1 and dispute_id = $2 having count(*) < 3
  returning number`,
);

/** Query for the participation of a dispute. */
export const findDispute = query<
  [disputeId: string],
  { readonly campaign_id: string; readonly participation_id: string }
>(
  'find_dispute',
  'select campaign_id, participation_id from sambatan.disputes where dispute_id = $1',
);

export const findDisputePicture = query<
  [campaignId: string, disputeId: string, number: number],
  { readonly content: Buffer }
>(
  'find_dispute_picture',
  `select content from sambatan.dispute_pictures
  where campaign_id = $1 and dispute_id = $2 and number = $3`,
);
