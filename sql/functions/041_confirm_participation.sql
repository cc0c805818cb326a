-- Confirms one reserved participation whose payment was verified, and settles that payment. The day
-- on which the buyer uploaded the proof counts as the day of the payment, so the payment counts
-- even if the deadline has passed since then. Refuses with the same codes as release_participation.
create or replace function sambatan.confirm_participation(
  p_campaign_id uuid, p_participation_id uuid, p_actor text, p_reference text default null
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  paid_on constant date := sambatan.proof_day(p_campaign_id, p_participation_id);
  p sambatan.participants := sambatan.reserved_participation(c, p_participation_id,
    'participant_confirmed', sambatan.paid_moment(null, paid_on, now_at));
begin
  perform sambatan.settle_payment(c, p, null, now_at, p_actor, p_reference,
    sambatan.next_verified_receipt(p_campaign_id, p_participation_id), null, paid_on);
  p := sambatan.confirm_reserved(c, p, now_at, p_actor);
  perform sambatan.schedule_run(p_campaign_id, now_at);
  return p;
end
$$;
