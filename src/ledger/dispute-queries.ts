import { query } from '../database/query.ts';

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
}

const disputeColumns = `dispute_id, campaign_id, participation_id, reason, opened_at, resolution,
    explanation, resolved_at, (extract(epoch from opened_at) * 1000000)::bigint as position`;

export const openDispute = query<
  [campaignId: string, participationId: string, disputeId: string, reason: string, actor: string],
  DisputeRow
>('open_dispute', `select ${disputeColumns} from sambatan.open_dispute($1, $2, $3, $4, $5)`);

export const resolveDispute = query<
  [disputeId: string, resolution: 'upheld' | 'dismissed', explanation: string, actor: string],
  DisputeRow
>('resolve_dispute', `select ${disputeColumns} from sambatan.resolve_dispute($1, $2, $3, $4)`);

/** A page of open disputes, the oldest first. */
export const listDisputes = query<
  [after: number | null, afterId: string | null, limit: number],
  DisputeRow
>(
  'list_disputes',
  `select ${disputeColumns} from sambatan.disputes
  where resolved_at is null and (opened_at, dispute_id) > (
    timestamptz 'epoch' + coalesce($1::bigint, 0) * interval '1 microsecond',
    coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))
  order by opened_at, dispute_id limit $3`,
);

/** How a dispute that is disputed once more was decided the first time. */
export interface EarlierDecisionRow {
  /** The one that is open. */
  readonly dispute_id: string;
  readonly reason: string;
  readonly explanation: string;
}

/** The decisions before these disputes; no row for one that is the first. */
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
  /** Whether its buyer may dispute once more. */
  readonly may_again: boolean;
}

/** The last dispute of a participation. */
export const lastDispute = query<[campaignId: string, participationId: string], LastDisputeRow>(
  'last_dispute',
  `select ${disputeColumns},
    sambatan.why_not_disputed($1, $2, null, clock_timestamp()) is null as may_again
  from sambatan.disputes
  where campaign_id = $1 and participation_id = $2 order by opened_at desc limit 1`,
);
