import { query } from '../database/query.ts';

/** The values of the gauges for alerts. An age is in seconds, and 0 when there is no item. */
export interface GaugesRow {
  /** Number of open campaigns whose deadline has passed, up to 10,000. */
  readonly overdue: number;
  readonly overdue_seconds: number;
  /** Number of refunds that are not settled, up to 10,000. */
  readonly refunds: number;
  readonly refunds_seconds: number;
  /** Number of open overpaid refunds, up to 10,000. The sum below includes only these. */
  readonly overpaid_refunds: number;
  readonly overpaid_refunds_rupiah: number;
  readonly overpaid_refunds_seconds: number;
  /** Number of campaigns whose payments are being checked after the deadline, up to 10,000. */
  readonly verifying: number;
  /** When the last backup was finished, in seconds since 1970; 0 when there is none. */
  readonly backup_at: number;
  readonly installed_at: number;
  readonly quarantined: boolean;
  /** Age of the oldest event without a checkpoint of the public log, in seconds. */
  readonly checkpoint_lag: number;
  /** Number of campaigns whose audit log contradicts their public log. */
  readonly broken_logs: number;
}

/** Collects the gauges. It needs only a few index lookups, whatever the size of the market. */
export const collectGauges = query<[], GaugesRow>(
  'collect_gauges',
  `with clock as materialized (select clock_timestamp() as now),
  overdue as (
    select deadline from sambatan.campaigns
    where status in ('active', 'locked') and deadline < (select now from clock)
    order by status, deadline limit 10000),
  refunds as (
    select created_at from sambatan.transactions
    where kind = 'refund' and status in ('due', 'proof_submitted')
      and (paid_in_time is null or not sambatan.is_retained(campaign_id, transaction_id))
    order by kind, status, created_at limit 10000),
  overpaid_refunds as (
    select amount, created_at from sambatan.transactions
    where kind = 'adjustment' and status = 'due'
    order by kind, status, created_at limit 10000),
  verifying as (
    select campaign_id from sambatan.campaigns where status = 'verifying' limit 10000)
  select (select count(*)::integer from overdue) as overdue,
    coalesce(extract(epoch from now - (select min(deadline) from overdue)), 0)::float8
      as overdue_seconds,
    (select count(*)::integer from refunds) as refunds,
    coalesce(extract(epoch from now - (select min(created_at) from refunds)), 0)::float8
      as refunds_seconds,
    (select count(*)::integer from overpaid_refunds) as overpaid_refunds,
    (select coalesce(sum(amount), 0)::float8 from overpaid_refunds) as overpaid_refunds_rupiah,
    coalesce(extract(epoch from now - (select min(created_at) from overpaid_refunds)), 0)::float8
      as overpaid_refunds_seconds,
    (select count(*)::integer from verifying) as verifying,
    coalesce(extract(epoch from (select max(finished_at) from sambatan.backups)), 0)::float8
      as backup_at,
    coalesce((select extract(epoch from created_at) from sambatan.installation), 0)::float8
      as installed_at,
    sambatan.is_quarantined() as quarantined,
    -- A pass ends at least every five seconds. If none has ended for longer, nobody knows whether
    -- there are events without a checkpoint.
    coalesce((select greatest(extract(epoch from clock.now - oldest_pending_at),
        case when passed_at < clock.now - interval '15 seconds'
          then extract(epoch from clock.now - passed_at) end, 0)
      from sambatan.log_writer), 0)::float8 as checkpoint_lag,
    coalesce((select broken_campaigns from sambatan.log_writer), 0) as broken_logs
  from clock`,
);

/** The number of items in each work queue, and the age of the oldest item in seconds. */
export const measureWork = query<
  [max: number],
  { readonly queue: string; readonly items: number; readonly seconds: number }
>(
  'measure_work',
  `select queue, items,
    coalesce(extract(epoch from clock_timestamp() - oldest), 0)::float8 as seconds
  from sambatan.work_queues($1, null)`,
);

/**
 * The number of free three-digit unique codes that a receiving account has for its busiest price.
 */
export interface FreeCodesRow {
  readonly account: string;
  readonly free: number;
}

/**
 * The number of free three-digit codes of each active account, at the price for which the most
 * codes are in use. Only the latest 10,000 open payments are counted; a burst of payments is among
 * them.
 */
export const freeCodes = query<[], FreeCodesRow>(
  'free_codes',
  `with newest as (
    select account_id, amount, unique_code from sambatan.transactions
    where kind = 'payment' and status = 'due'
    order by created_at desc, transaction_id desc limit 10000),
  used as (
    select account_id, amount, count(*) as codes from newest
    where unique_code between 1 and 999 group by account_id, amount)
  select a.bank || ' ' || right(a.number, 4) as account,
    (999 - least(999, coalesce(max(u.codes), 0)))::integer as free
  from sambatan.receiving_accounts a
  left join used u on u.account_id = a.account_id
  where a.is_active
  group by a.account_id`,
);

export const knowInvariants = query<[names: string[]], never>(
  'know_invariants',
  `insert into sambatan.invariant_checks (name) select unnest($1::text[])
  on conflict (name) do nothing`,
);

/**
 * Reserves for this worker the invariant whose check is the longest overdue. If the worker is
 * killed during the check, another check is due after an hour.
 */
export const takeInvariant = query<[names: string[], hours: number], { readonly name: string }>(
  'claim_invariant',
  `update sambatan.invariant_checks set started_at = clock_timestamp()
  where name = (
    select name from sambatan.invariant_checks
    where name = any ($1)
      and (checked_at is null or checked_at < clock_timestamp() - $2 * interval '1 hour')
      and (started_at is null or started_at <= checked_at
        or started_at < clock_timestamp() - interval '1 hour')
    order by checked_at nulls first, name limit 1 for update skip locked)
  returning name`,
);

export const noteInvariant = query<[name: string, violations: bigint], never>(
  'note_invariant',
  `update sambatan.invariant_checks set checked_at = clock_timestamp(), violations = $2
  where name = $1`,
);

export const invariantChecks = query<
  [names: string[]],
  { readonly name: string; readonly checked: number; readonly violations: bigint }
>(
  'invariant_checks',
  `select name, extract(epoch from checked_at)::float8 as checked, violations
  from sambatan.invariant_checks where name = any ($1) and checked_at is not null`,
);

/** The number of e-mails in the current periods of the mail budget. */
export const mailBudgetUse = query<
  [keys: string[]],
  { readonly key: string; readonly used: number }
>(
  'mail_budget_use',
  `select key, attempts as used from sambatan_auth.attempts
  where key = any ($1) and ends_at > now()`,
);
