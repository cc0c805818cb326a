import { query } from '../database/query.ts';
import type { AuditEvent } from './events.ts';

export interface AuditRow {
  readonly campaign_id: string;
  readonly seq: bigint;
  readonly occurred_at: Date;
  readonly participation_id: string | null;
  readonly event: AuditEvent;
  readonly actor: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const columns = 'campaign_id, seq, occurred_at, participation_id, event, actor, metadata';

/**
 * Appends one event to the log. It locks the campaign's row, unless the transaction has locked it
 * before.
 */
export const recordEvent = query<
  [
    campaignId: string,
    event: AuditEvent,
    actor: string,
    at: Date,
    participationId: string | null,
    metadata: object,
  ],
  Pick<AuditRow, 'seq'>
>('record_event', 'select seq from sambatan.record_event($1, $2, $3, $4, $5, $6)', { changes: 1 });

/** A page of one campaign's log, newest first. */
export const listAudit = query<
  [campaignId: string, before: bigint | null, limit: number],
  AuditRow
>(
  'list_audit',
  `select ${columns} from sambatan.audit_events
  where campaign_id = $1 and seq < coalesce($2, 9223372036854775807)
  order by seq desc limit $3`,
);

/** For each campaign, the campaign events after a sequence number, oldest first. */
export const campaignEventsAfter = query<[campaignIds: string[], after: bigint[]], AuditRow>(
  'campaign_events_after',
  `select e.* from unnest($1::uuid[], $2::bigint[]) as w (campaign_id, after)
  cross join lateral (
    select ${columns} from sambatan.audit_events a
    where a.campaign_id = w.campaign_id and a.seq > w.after and a.participation_id is null
      and not a.event between 'waiting_joined' and 'waiting_closed'
    order by a.seq limit 100) e
  order by e.campaign_id, e.seq`,
);

/**
 * The number of taken slots at evenly spaced points in time. Each point needs about twenty index
 * lookups, even in a log of a million events.
 */
export const slotsOverTime = query<
  [campaignId: string, from: Date, to: Date, steps: number],
  { readonly at: Date; readonly slots: number }
>(
  'slots_over_time',
  `with s as materialized (
    select campaign_id, audit_seq from sambatan.campaign_states where campaign_id = $1)
  select m.at, sambatan.slots_at(s.campaign_id, m.at, s.audit_seq) as slots
  from s
  cross join (
    select $2::timestamptz + n * ($3::timestamptz - $2::timestamptz) / $4::integer as at
    from generate_series(0, $4::integer) n) m
  order by m.at`,
);

export interface BrokenLog {
  readonly campaign_id: string;
  readonly seq: bigint;
  readonly problem: string;
}

/** The first broken row of each audit log, of one campaign or (with null) of all campaigns. */
export const verifyAudit = query<[campaignId: string | null], BrokenLog>(
  'verify_audit',
  'select campaign_id, seq, problem from sambatan.verify_audit($1)',
);

/** The first contradiction between a campaign's audit log and its public log, if there is one. */
export const verifyLogTrees = query<[campaignId: string | null], BrokenLog>(
  'verify_log_trees',
  'select campaign_id, seq, problem from sambatan.verify_log_trees($1)',
);

/**
 * The ids of campaigns after a given id, in order, so that a long verification can go page by page.
 */
export const campaignIdsAfter = query<
  [after: string | null, limit: number],
  { readonly campaign_id: string }
>(
  'campaign_ids_after',
  `select campaign_id from sambatan.campaign_states
  where campaign_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  order by campaign_id limit $2`,
);

/**
 * Builds a query of the campaign events of all campaigns, newest first. `key` lists the first
 * columns of the index to use.
 */
const ofMarket = (key: readonly string[], place: string, condition = '') => {
  const columnsOf = (prefix: string) => key.map((name) => `${prefix}${name} desc`).join(', ');
  return `select l.*, c.title from (
    select ${columns} from sambatan.audit_events
    where participation_id is null and (${key.join(', ')}) < (${place})${condition}
    order by ${columnsOf('')} limit $1) l
  join sambatan.campaigns c on c.campaign_id = l.campaign_id
  order by ${columnsOf('l.')}`;
};

const place = `coalesce($2::timestamptz, 'infinity'),
      coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
      coalesce($4::bigint, 9223372036854775807)`;

/** Campaign events of all campaigns, newest first. */
export const listMarketAudit = query<
  [limit: number, beforeTime: Date | null, beforeCampaign: string | null, beforeSeq: bigint | null],
  AuditRow & { readonly title: string }
>('list_market_audit', ofMarket(['occurred_at', 'campaign_id', 'seq'], place));

/** The campaign events with one name, of all campaigns, newest first. */
export const listMarketAuditOfEvent = query<
  [
    limit: number,
    beforeTime: Date | null,
    beforeCampaign: string | null,
    beforeSeq: bigint | null,
    event: AuditEvent,
  ],
  AuditRow & { readonly title: string }
>(
  'list_market_audit_of_event',
  // A range condition for the event: with it, only the index that begins with the event gives this
  // order.
  ofMarket(['event', 'occurred_at', 'campaign_id', 'seq'], `$5, ${place}`, ' and event >= $5'),
);

/**
 * A page of one campaign's log, newest first; optionally only one event, actor or participation.
 * When few rows match, PostgreSQL reads the campaign's whole log: about 100 ms for 100,000 rows.
 */
export const searchAudit = query<
  [
    campaignId: string,
    before: bigint | null,
    limit: number,
    event: AuditEvent | null,
    actor: string | null,
    participationId: string | null,
  ],
  AuditRow
>(
  'search_audit',
  `select ${columns} from sambatan.audit_events
  where campaign_id = $1 and seq < coalesce($2, 9223372036854775807)
    and ($4::sambatan.audit_event is null or event = $4) and ($5::text is null or actor = $5)
    and ($6::uuid is null or participation_id = $6)
  order by seq desc limit $3`,
);

/** Creates the cursor of a campaign that has none. */
export const makeCursor = query<[campaignId: string], never>(
  'make_cursor',
  `insert into sambatan.notification_cursors (campaign_id, seq) values ($1, 0)
  on conflict (campaign_id) do nothing`,
);

/**
 * A campaign's cursor, which is then locked. No row when another worker has locked it or there is
 * none.
 */
export const lockCursor = query<[campaignId: string], { readonly seq: bigint }>(
  'lock_cursor',
  `select seq from sambatan.notification_cursors where campaign_id = $1
  for update skip locked`,
);

export const moveCursor = query<[campaignId: string, seq: bigint], never>(
  'move_cursor',
  `update sambatan.notification_cursors set seq = $2, moved_at = clock_timestamp()
  where campaign_id = $1`,
);

/**
 * A campaign's events after a sequence number, oldest first. No event is missed: a sequence number
 * is assigned while the campaign's row is locked, so it never becomes visible after a higher one.
 */
export const auditAfter = query<[campaignId: string, after: bigint, limit: number], AuditRow>(
  'audit_after',
  `select ${columns} from sambatan.audit_events
  where campaign_id = $1 and seq > $2 order by seq limit $3`,
);

export const auditEntry = query<[campaignId: string, seq: bigint], AuditRow>(
  'audit_entry',
  `select ${columns} from sambatan.audit_events where campaign_id = $1 and seq = $2`,
);

/**
 * One query of a sweep over all campaigns. It returns the last id that it checked, and the
 * campaigns that have unread events.
 */
export const lagging = query<
  [after: string | null, limit: number],
  { readonly last: string | null; readonly checked: number; readonly behind: string[] }
>(
  'lagging',
  `with step as materialized (
    select campaign_id, audit_seq from sambatan.campaign_states
    where campaign_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
    order by campaign_id limit $2)
  select (select campaign_id from step order by campaign_id desc limit 1) as last,
    count(*)::integer as checked,
    coalesce(array_agg(s.campaign_id) filter (where s.audit_seq > coalesce(k.seq, 0)), '{}')
      as behind
  from step s
  left join lateral (
    select seq from sambatan.notification_cursors where campaign_id = s.campaign_id limit 1) k
    on true`,
);
