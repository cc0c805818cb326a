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

/** Appends one event; the campaign's row is locked by it if it is not yet. */
export const recordEvent = query<
  [
    campaignId: string,
    event: AuditEvent,
    actor: string,
    at: Date,
    participationId: string | null,
    metadata: object,
  ],
  AuditRow
>('record_event', `select ${columns} from sambatan.record_event($1, $2, $3, $4, $5, $6)`);

/** A page of one campaign's log, newest first. */
export const listAudit = query<
  [campaignId: string, before: bigint | null, limit: number],
  AuditRow
>(
  'list_audit',
  `select ${columns} from sambatan.audit_logs
  where campaign_id = $1 and seq < coalesce($2, 9223372036854775807)
  order by seq desc limit $3`,
);

/** What happened to campaigns themselves after a place in the log of each, oldest first. */
export const campaignEventsAfter = query<[campaignIds: string[], after: bigint[]], AuditRow>(
  'campaign_events_after',
  `select e.* from unnest($1::uuid[], $2::bigint[]) as w (campaign_id, after)
  cross join lateral (
    select ${columns} from sambatan.audit_logs a
    where a.campaign_id = w.campaign_id and a.seq > w.after and a.participation_id is null
    order by a.seq limit 100) e
  order by e.campaign_id, e.seq`,
);

export interface BrokenChain {
  readonly campaign_id: string;
  readonly seq: bigint;
  readonly problem: string;
}

/** The first broken row of each chain; of all campaigns with null. */
export const verifyAudit = query<[campaignId: string | null], BrokenChain>(
  'verify_audit',
  'select campaign_id, seq, problem from sambatan.verify_audit($1)',
);

/** The campaigns after one, by id: what a long verification goes through. */
export const campaignIdsAfter = query<
  [after: string | null, limit: number],
  { readonly campaign_id: string }
>(
  'campaign_ids_after',
  `select campaign_id from sambatan.campaigns
  where campaign_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  order by campaign_id limit $2`,
);
