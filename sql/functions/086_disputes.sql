-- Normalizes a text for comparison: only letters and digits, in lower case, separated by single
-- spaces.
create or replace function sambatan.bare_words(p_text text)
returns text language sql immutable parallel safe as $$
  select btrim(regexp_replace(lower(p_text), '[^[:alnum:]]+', ' ', 'g'))
$$;

-- Returns whether a buyer is allowed to open a dispute, or to open it again. The result is null if
-- it is allowed, or else the code of the refusal. A dismissed dispute can be opened once more
-- within seven days, with a different text. An upheld dispute, or a second dismissal, is final. If
-- p_reason is null, the text is not checked.
create or replace function sambatan.why_not_disputed(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_at timestamptz
) returns text language sql stable as $$
  select case
    when bool_or(d.resolved_at is null) then 'dispute_open_already'
    when bool_or(d.resolution = 'upheld') or count(*) > 1
      or max(d.resolved_at) <= p_at - interval '7 days' then 'dispute_decided'
    when bool_or(sambatan.bare_words(d.reason) = sambatan.bare_words(p_reason))
      then 'dispute_says_nothing_new'
  end
  from sambatan.disputes d
  where d.campaign_id = p_campaign_id and d.participation_id = p_participation_id
$$;

-- Opens a buyer's dispute about a paid order that was not refunded. The campaign's payout is
-- blocked until an operator resolves the dispute. Refuses: campaign_not_found,
-- participation_not_found, participation_transition_not_allowed, dispute_not_paid,
-- dispute_open_already, dispute_decided, dispute_says_nothing_new.
create or replace function sambatan.open_dispute(
  p_campaign_id uuid, p_participation_id uuid, p_dispute_id uuid, p_reason text, p_actor text
) returns sambatan.disputes language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants;
  d sambatan.disputes;
  why text;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif c.status <> 'fulfilled' or p.status not in ('confirmed', 'fulfilled') then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'dispute_opened'));
  end if;
  why := sambatan.why_not_disputed(p_campaign_id, p_participation_id, p_reason, now_at);
  if why is not null then
    perform sambatan.refuse(why);
  elsif p.undelivered_slots >= p.quantity or not exists (
    select 1 from sambatan.transactions t where t.campaign_id = p_campaign_id
      and t.cause = 'payment:' || p_participation_id and t.status = 'settled')
  then
    perform sambatan.refuse('dispute_not_paid');
  end if;
  insert into sambatan.disputes (campaign_id, dispute_id, participation_id, reason, opened_by,
      opened_at)
    values (p_campaign_id, p_dispute_id, p_participation_id, p_reason, p_actor, now_at)
    returning * into d;
  perform sambatan.record_event(p_campaign_id, 'dispute_opened', p_actor, now_at,
    p_participation_id, jsonb_build_object('dispute_id', p_dispute_id));
  return d;
end
$$;

-- Resolves a dispute. If the resolution is upheld, the buyer gets a refund; if it is dismissed, the
-- seller keeps the money. Refuses: dispute_not_found, dispute_resolved_already,
-- payout_settled_already.
create or replace function sambatan.resolve_dispute(
  p_dispute_id uuid, p_resolution text, p_explanation text, p_actor text
) returns sambatan.disputes language plpgsql as $$
declare
  d sambatan.disputes;
  c sambatan.campaigns;
  p sambatan.participants;
  now_at timestamptz;
  back bigint := 0;
begin
  select * into d from sambatan.disputes where dispute_id = p_dispute_id;
  if not found then
    perform sambatan.refuse('dispute_not_found');
  end if;
  c := sambatan.lock_campaign(d.campaign_id);
  now_at := clock_timestamp();
  update sambatan.disputes set resolution = p_resolution, explanation = p_explanation,
      resolved_by = p_actor, resolved_at = now_at
    where campaign_id = c.campaign_id and dispute_id = p_dispute_id and resolved_at is null
    returning * into d;
  if not found then
    perform sambatan.refuse('dispute_resolved_already');
  end if;
  select * into strict p from sambatan.participants
    where campaign_id = d.campaign_id and participation_id = d.participation_id;
  if p_resolution = 'upheld' and p.status in ('confirmed', 'fulfilled')
    and p.undelivered_slots < p.quantity
  then
    back := sambatan.revoke_slots(
      c, p, p.quantity - p.undelivered_slots, now_at, p_actor, 'dispute');
    perform sambatan.refresh_payout(c.campaign_id, now_at, p_actor);
  end if;
  perform sambatan.record_event(d.campaign_id, 'dispute_resolved', p_actor, now_at,
    d.participation_id, jsonb_build_object('dispute_id', p_dispute_id,
      'resolution', p_resolution, 'refund', back, 'is_final', sambatan.why_not_disputed(
        d.campaign_id, d.participation_id, null, now_at) is not null));
  perform sambatan.release_when_received(d.campaign_id, now_at);
  return d;
end
$$;
