import type { StoredCampaignStatus } from '../database/status-words.ts';
import type { AuditRow } from '../audit/queries.ts';
import { query } from '../database/query.ts';

export const openCampaign = query<
  [campaignId: string, actor: string, paysOnline: boolean],
  Pick<AuditRow, 'seq'>
>('open_campaign', 'select seq from sambatan.open_campaign($1, $2, $3)', { changes: 1 });

export const extendDeadline = query<
  [campaignId: string, deadline: Date, reason: string, actor: string],
  Pick<AuditRow, 'seq'>
>('extend_deadline', 'select seq from sambatan.extend_deadline($1, $2, $3, $4)', { changes: 1 });

export const cancelCampaign = query<
  [campaignId: string, reason: string, actor: string],
  { readonly has_ended: boolean }
>('cancel_campaign', 'select sambatan.cancel_campaign($1, $2, $3) as has_ended', { changes: 1 });

export const decideBelowMinimum = query<
  [campaignId: string, goesOn: boolean, asOperator: boolean, note: string | null, actor: string],
  { readonly is_off: boolean }
>('decide_below_minimum', 'select sambatan.decide_below_minimum($1, $2, $3, $4, $5) as is_off', {
  changes: 1,
});

export const shipCampaign = query<[campaignId: string, days: number, actor: string], never>(
  'ship_campaign',
  'select sambatan.ship_campaign($1, $2, $3)',
  { changes: 1 },
);

/**
 * Query for shipped campaigns in which the time for the buyers' reports is over, so that some
 * orders may count as received. The campaign that has been due for the longest time is first.
 */
export const listReceiptsDue = query<[limit: number], { readonly campaign_id: string }>(
  'list_receipts_due',
  `select campaign_id from sambatan.campaign_details
  where receipts_due_at <= (select clock_timestamp()) order by receipts_due_at limit $1`,
);

/**
 * Query that marks at most `limit` orders of one shipped campaign as received. It returns their
 * number.
 */
export const receiveUnanswered = query<
  [campaignId: string, limit: number],
  { readonly received: number }
>('receive_unanswered', 'select sambatan.receive_unanswered($1, $2) as received', { changes: 1 });

export interface Due {
  readonly campaign_id: string;
  readonly next_run_at: Date;
}

/**
 * Query for due campaigns, without locks. The campaign that has been due for the longest time is
 * first. The clock is read in a subquery, so that it is read only once. Otherwise PostgreSQL would
 * read every campaign with a planned time, because it assumes that the value of the clock changes
 * from row to row.
 */
export const listDue = query<[limit: number], Due>(
  'list_due',
  `select campaign_id, next_run_at from sambatan.campaign_states
  where next_run_at <= (select clock_timestamp()) order by next_run_at limit $1`,
);

/** Query for full campaigns. A sweep completes them before their deadline. */
export const listFull = query<[after: string | null, limit: number], Due>(
  'list_full',
  `select campaign_id, next_run_at from sambatan.campaigns
  where status = 'locked'
    and campaign_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  order by campaign_id limit $2`,
);

export interface Settled {
  readonly campaign_id: string;
  /** The audit rows of the campaign's status changes, as JSON from PostgreSQL. */
  readonly transitions: readonly SettledTransition[];
  /** Number of settled participations. */
  readonly settled: number;
  readonly more: boolean;
}

export interface SettledTransition {
  readonly campaign_id: string;
  readonly seq: number;
  readonly occurred_at: string;
  readonly event: AuditRow['event'];
  readonly slots_taken: number;
  readonly total_slots: number;
  readonly metadata: AuditRow['metadata'] | null;
}

/**
 * Query that settles campaigns in one transaction. Each campaign is locked and checked again. It
 * settles at most `participationsAtOnce` participations in total. Refuses: clock_skewed when the
 * clocks of process and database differ too much.
 */
export const settleCampaigns = query<
  [
    campaignIds: string[],
    completeFull: boolean,
    participationsAtOnce: number,
    processClock: Date | null,
    paysOnline: boolean,
  ],
  Settled
>(
  'settle_campaigns',
  `select campaign_id, to_jsonb(transitions) as transitions, settled, more
  from sambatan.settle_campaigns($1, $2, $3, $4, $5)`,
  { writes: true },
);

/**
 * Query for two times of the database's clock. The first is the time since when a campaign has been
 * due (null when no campaign is due). The second is the time at which the next campaign becomes
 * due.
 */
export const nextDue = query<
  [],
  { readonly overdue_since: Date | null; readonly next_at: Date | null; readonly now: Date }
>(
  'next_due',
  `with clock as materialized (select clock_timestamp() as now)
  select now,
    (select min(next_run_at) from sambatan.campaign_states where next_run_at <= clock.now) as overdue_since,
    (select min(next_run_at) from sambatan.campaign_states where next_run_at > clock.now) as next_at
  from clock`,
);

/** Query that records that this worker is alive, with the result of its last run if it has run. */
export const heartbeat = query<
  [workerId: string, lastRunAt: Date | null, lastRunTransitions: number | null],
  never
>(
  'beat',
  `insert into sambatan.workers (worker_id, last_run_at, last_run_transitions)
  values ($1, $2, $3)
  on conflict (worker_id) do update set seen_at = clock_timestamp(),
    last_run_at = coalesce(excluded.last_run_at, sambatan.workers.last_run_at),
    last_run_transitions =
      coalesce(excluded.last_run_transitions, sambatan.workers.last_run_transitions)`,
);

export interface WorkerRow {
  readonly worker_id: string;
  readonly started_at: Date;
  readonly seen_at: Date;
  readonly last_run_at: Date | null;
  readonly last_run_transitions: number | null;
}

/**
 * Query for the workers that reported during the last day. The worker that reported last is first.
 */
export const listWorkers = query<[], WorkerRow>(
  'list_workers',
  `select worker_id, started_at, seen_at, last_run_at, last_run_transitions
  from sambatan.workers order by seen_at desc limit 20`,
);

/**
 * Query for campaigns that should have been opened or closed before now. The campaign that has been
 * overdue for the longest time is first.
 */
export const listOverdue = query<
  [graceSeconds: number, limit: number],
  Due & {
    readonly title: string;
    readonly status: StoredCampaignStatus;
    readonly closing_outcome: string | null;
  }
>(
  'list_overdue',
  `select campaign_id, next_run_at, title, status::text, closing_outcome::text from sambatan.campaigns
  where next_run_at < (select clock_timestamp()) - $1 * interval '1 second' order by next_run_at limit $2`,
);

/**
 * Query for completed campaigns with fewer paid slots than their minimum that wait for a decision.
 * The campaign that has waited for the longest time is first. Each row has the time until which
 * only the seller may decide.
 */
export const listUndecided = query<
  [limit: number],
  {
    readonly campaign_id: string;
    readonly title: string;
    readonly decision_opened_at: Date;
    readonly sellers_until: Date;
  }
>(
  'list_undecided',
  `select campaign_id, title, decision_opened_at,
    decision_opened_at + decision_seconds * interval '1 second' as sellers_until
  from sambatan.campaigns
  where status = 'fulfilled' and decision_opened_at is not null and decided_at is null
  order by decision_opened_at, campaign_id limit $1`,
);

export const removeWorker = query<[workerId: string], never>(
  'remove_worker',
  'delete from sambatan.workers where worker_id = $1',
);

/**
 * Queries that delete expired rows: counts of rate limits, answers stored for idempotency keys,
 * workers that no longer report, and invitations, because they contain e-mail addresses.
 */
export const deleteExpiredRows = {
  attempts: query<[], never>(
    'delete_expired_attempts',
    `delete from sambatan.join_attempts
    where window_started_at < now() - interval '10 minutes'`,
  ),
  keys: query<[], never>(
    'delete_expired_idempotency_keys',
    `delete from sambatan.idempotency_keys where ctid = any (array(
      select ctid from sambatan.idempotency_keys
      where answered_at < now() - interval '30 days' order by answered_at limit 10000))`,
  ),
  requestKeys: query<[], never>(
    'delete_expired_request_keys',
    `delete from sambatan.request_keys where ctid = any (array(
      select ctid from sambatan.request_keys
      where created_at < now() - interval '24 hours' order by created_at limit 10000))`,
  ),
  refusedJoins: query<[], never>(
    'delete_expired_refused_joins',
    `delete from sambatan.refused_joins where ctid = any (array(
      select ctid from sambatan.refused_joins
      where answered_at < now() - interval '30 days' order by answered_at limit 10000))`,
  ),
  /**
   * Query that voids old unpaid payments of cancelled participations, for which no transfer is
   * expected any more. Their unique codes can then be used again.
   */
  payments: query<[], never>(
    'void_abandoned_payments',
    `update sambatan.transactions t set status = 'void', reason = 'left'
    from (
      select t.campaign_id, t.transaction_id from sambatan.transactions t
      left join sambatan.participants p on p.campaign_id = t.campaign_id
        and p.participation_id = t.participation_id
      where t.kind = 'payment' and t.status in ('due', 'rejected')
        and t.created_at < now() - interval '30 days' and t.pay_by < now() - interval '15 days'
        and (p.participation_id is null or p.status in ('cancelled', 'refunded'))
      order by t.created_at limit 1000) old
    where t.campaign_id = old.campaign_id and t.transaction_id = old.transaction_id`,
  ),
  workers: query<[], never>(
    'delete_expired_workers',
    `delete from sambatan.workers where seen_at < now() - interval '1 day'`,
  ),
  invitations: query<[], never>(
    'delete_expired_invitations',
    `delete from sambatan.brand_invitations where expires_at < now() - interval '30 days'`,
  ),
} as const;
