-- A refund that reached its buyer twice is booked twice, beside a claim for what is to come back.
alter table sambatan.transactions
  drop constraint transactions_purpose_check,
  add constraint transactions_purpose_check
    check (purpose in ('unique_code', 'credit', 'reversal', 'claim'));
alter table sambatan.audit_logs
  drop constraint audit_logs_event_check,
  add constraint audit_logs_event_check check (event in (
    'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full',
    'campaign_reopened', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
    'campaign_verifying', 'campaign_below_minimum', 'campaign_continued',
    'campaign_shortfall', 'campaign_shipped', 'deadline_extended', 'participant_joined', 'participant_confirmed',
    'participant_cancelled', 'participant_refunded', 'participant_fulfilled',
    'participant_changed', 'waiting_joined',
    'waiting_offered', 'waiting_accepted', 'waiting_declined', 'waiting_lapsed',
    'waiting_withdrawn', 'waiting_closed', 'payment_proof_submitted', 'payment_settled',
    'payment_rejected', 'payment_late', 'refund_settled', 'refund_failed', 'refund_reversed',
    'refund_doubled', 'refund_recovered', 'refund_lost', 'payout_released', 'payout_settled',
    'payout_reversed', 'dispute_opened', 'dispute_resolved'));

-- What was given up may come back after all.
create or replace function sambatan.check_transaction_transition() returns trigger
language plpgsql as $$
begin
  if (old.campaign_id, old.transaction_id, old.kind, old.cause, old.created_at)
      is distinct from (new.campaign_id, new.transaction_id, new.kind, new.cause, new.created_at)
    or (old.status in ('settled', 'void') and (old.status, old.amount, old.surcharge)
        is distinct from (new.status, new.amount, new.surcharge)
      and (old.purpose, old.status::text, new.status::text, new.amount)
        is distinct from ('claim', 'void', 'settled', old.amount))
    or (old.status = 'pending' and new.status = 'proof_submitted')
  then
    raise exception using errcode = 'SB001',
      message = format('a movement that is %s may not be changed like that', old.status);
  end if;
  return new;
end
$$;

-- A notification tells of an order; its refunds are looked for by it.
create index gateway_calls_refunds_of_order
  on sambatan.gateway_calls (campaign_id, order_reference) where kind = 'refund';
