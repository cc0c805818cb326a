-- Types for rows that settle_campaigns first collects in memory and then writes with one SQL
-- statement per table: changes of participations, new ledger rows, and audit events.

create type sambatan.participation_change as (
  campaign_id uuid,
  participation_id uuid,
  status sambatan.participant_status,
  moved_at timestamptz
);
create type sambatan.due_ledger_entry as (
  campaign_id uuid,
  kind sambatan.transaction_kind,
  participation_id uuid,
  amount bigint,
  cause text,
  actor text,
  created_at timestamptz,
  pay_by timestamptz
);
create type sambatan.pending_writes as (
  moves sambatan.participation_change[],
  dues sambatan.due_ledger_entry[],
  entries sambatan.audit_logs[]
);
