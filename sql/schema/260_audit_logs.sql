-- The audit log: one hash chain per campaign, append-only. docs/events.md describes the events.

create table sambatan.audit_logs (
  -- There is no foreign key, because PostgreSQL would check it for every row of a join. It is not
  -- needed: the functions that write to this table have locked the campaign's row, and a campaign
  -- is never deleted.
  campaign_id uuid not null,
  seq bigint not null check (seq > 0),
  occurred_at timestamptz not null,
  participation_id uuid,
  event text not null check (event in (
    'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full',
    'campaign_reopened', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
    'campaign_verifying', 'campaign_below_minimum', 'campaign_continued',
    'campaign_shortfall', 'campaign_shipped', 'deadline_extended', 'participant_joined',
    'participant_confirmed', 'participant_cancelled', 'participant_refunded',
    'participant_fulfilled', 'participant_changed', 'waiting_joined',
    'waiting_offered', 'waiting_accepted', 'waiting_declined', 'waiting_lapsed',
    'waiting_withdrawn', 'waiting_closed', 'payment_proof_submitted', 'payment_settled',
    'payment_rejected', 'payment_late', 'refund_settled', 'refund_failed', 'refund_reversed',
    'refund_doubled', 'refund_recovered', 'refund_lost', 'payout_released', 'payout_settled',
    'payout_reversed', 'dispute_opened', 'dispute_resolved')),
  actor text not null check (actor ~ '^(system|service|(user|operator):[0-9a-f-]{36})$'),
  metadata jsonb not null,
  hash bytea not null,
  primary key (campaign_id, seq),
  -- Only events about a participation have a participation_id.
  constraint audit_logs_participation check (
    event ~ '^(participant|payment|refund|dispute)_' = (participation_id is not null))
);
-- Each index of this table slows down every join, so there is no index on occurred_at alone.
create index audit_logs_by_campaign_time on sambatan.audit_logs (campaign_id, occurred_at);
-- Most events are about participations, and few are about a campaign itself. These partial indexes
-- contain only the events about campaigns. They find such events of one campaign, or of all
-- campaigns for operators.
create index audit_logs_of_campaign on sambatan.audit_logs (campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_time on sambatan.audit_logs (occurred_at, campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_event
  on sambatan.audit_logs (event, occurred_at, campaign_id, seq) where participation_id is null;

create trigger audit_logs_append_only before update or delete on sambatan.audit_logs
  for each row execute function sambatan.refuse_change();
create trigger audit_logs_no_truncate before truncate on sambatan.audit_logs
  for each statement execute function sambatan.refuse_change();
