-- The audit log tells of the waiting list, of money and of disputes as well.
alter table sambatan.audit_logs
  drop constraint audit_logs_event_check,
  add constraint audit_logs_event_check check (event in (
    'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full',
    'campaign_reopened', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
    'campaign_verifying', 'campaign_below_minimum', 'campaign_continued',
    'campaign_shortfall', 'deadline_extended', 'participant_joined', 'participant_confirmed',
    'participant_cancelled', 'participant_refunded', 'participant_fulfilled', 'waiting_joined',
    'waiting_offered', 'waiting_accepted', 'waiting_declined', 'waiting_lapsed',
    'waiting_withdrawn', 'waiting_closed', 'payment_proof_submitted', 'payment_settled',
    'payment_rejected', 'payment_late', 'refund_settled', 'refund_failed', 'refund_reversed',
    'payout_released', 'payout_settled', 'payout_reversed', 'dispute_opened',
    'dispute_resolved')),
  -- What is about a participation names it.
  drop constraint audit_logs_participation,
  add constraint audit_logs_participation check (
    event ~ '^(participant|payment|refund|dispute)_' = (participation_id is not null));
