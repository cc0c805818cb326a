-- Joins: many requests, of any campaigns, in one transaction, each with its own answer. What it
-- does is what the same requests would do one after the other, in the order of the arrays.
--
-- The campaigns' rows are locked first, in order of their ids; the clock and everything that
-- decides is read after that. With p_wait false a row that somebody else holds is not waited for:
-- its requests answer 'campaign_busy' and leave no trace, so that one stuck campaign cannot hold
-- up the others of the batch.
--
-- Takes one element per request in each array: the key and its request hash are null for a request
-- without an Idempotency-Key; the caller is who the rate limit counts. p_attempt_limit is joins a
-- minute per caller, 0 for none. With p_again the same batch was sent before and may have been
-- committed: a participation that is there already is answered as joined. Its id is the key that
-- makes this safe; the lock makes it final.
-- Gives one row per request: 'joined', or the code of a refusal with what its message needs.
-- Replayed is true where a key had been answered before; joined_at is then the first answer's.
create or replace function sambatan.join_campaigns(
  p_campaign_ids uuid[], p_participation_ids uuid[], p_user_ids uuid[], p_quantities integer[],
  p_addresses text[], p_notes text[], p_keys text[], p_request_hashes bytea[],
  p_actors text[], p_callers text[], p_attempt_limit integer, p_wait boolean, p_again boolean
) returns table (
  ordinal integer, outcome text, params jsonb, participation_id uuid, joined_at timestamptz,
  replayed boolean
) language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
  n constant integer := cardinality(p_campaign_ids);
  held uuid[];                    -- the campaigns whose rows this transaction holds
  r record;
  c sambatan.campaigns;
  at_campaign uuid;
  now_at timestamptz;
  answer text;
  detail jsonb;
  slots_of_user integer;
  metadata jsonb;
  has_keys constant boolean := array_remove(p_keys, null) <> '{}';
  -- one element per request
  answers text[] := array_fill(null::text, array[n]);
  details jsonb[] := array_fill(null::jsonb, array[n]);
  times timestamptz[] := array_fill(null::timestamptz, array[n]);
  holds timestamptz[] := array_fill(null::timestamptz, array[n]);
  ids uuid[] := p_participation_ids;
  replays boolean[] := array_fill(false, array[n]);
  -- slots that the user of this rank has been given in this batch
  given integer[] := array_fill(0, array[n]);
  -- one element per audit row
  e_campaigns uuid[] := '{}';
  e_seqs bigint[] := '{}';
  e_times timestamptz[] := '{}';
  e_participations uuid[] := '{}';
  e_events text[] := '{}';
  e_actors text[] := '{}';
  e_metadata jsonb[] := '{}';
  e_hashes bytea[] := '{}';
  e integer := 0;
  -- the campaigns as they are to be stored
  changed sambatan.campaigns[] := '{}';
begin
  if p_wait then
    select array_agg(campaign_id) into held from (
      select campaign_id from sambatan.campaigns where campaign_id = any (p_campaign_ids)
      order by campaign_id for no key update) l;
  else
    select array_agg(campaign_id) into held from (
      select campaign_id from sambatan.campaigns where campaign_id = any (p_campaign_ids)
      order by campaign_id for no key update skip locked) l;
  end if;

  for r in
    with requests as materialized (
      select q.*, q.campaign_id = any (held) as is_held
      from unnest(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, p_keys,
          p_request_hashes, p_actors, p_callers)
        with ordinality
        as q (campaign_id, participation_id, user_id, quantity, key, request_hash, actor, caller,
          ordinal)
    ), attempts as (
      -- Counted for what is decided here only: a busy campaign's requests come again.
      insert into sambatan.join_attempts as a (caller, window_started_at, attempts)
      select caller, clock_timestamp(), count(*) from requests
      where p_attempt_limit > 0 and is_held group by caller order by caller
      on conflict (caller) do update set
        window_started_at = case when a.window_started_at
          > excluded.window_started_at - interval '1 minute'
          then a.window_started_at else excluded.window_started_at end,
        attempts = case when a.window_started_at
          > excluded.window_started_at - interval '1 minute'
          then a.attempts else 0 end + excluded.attempts
      returning caller, window_started_at, attempts
    )
    select q.ordinal::integer as ordinal, q.campaign_id, q.participation_id, q.user_id, q.quantity,
      q.key, q.request_hash, q.actor, q.is_held,
      case when p_attempt_limit > 0 then a.attempts - count(*) over (partition by q.caller)
        + row_number() over (partition by q.caller order by q.ordinal) end as attempt,
      a.window_started_at,
      dense_rank() over (order by q.campaign_id, q.user_id) as user_rank,
      case when q.key is not null then first_value(q.ordinal::integer) over (
        partition by q.campaign_id, q.user_id, q.key order by q.ordinal) end as first_of_key,
      k.request_hash as known_hash, k.outcome as known_outcome, k.params as known_params,
      k.participation_id as known_id, k.answered_at, s.joined_at as stored_at
    from requests q
    left join attempts a using (caller)
    left join sambatan.idempotency_keys k
      on k.campaign_id = q.campaign_id and k.user_id = q.user_id and k.key = q.key
    left join sambatan.participants s on p_again
      and s.campaign_id = q.campaign_id and s.participation_id = q.participation_id
    order by q.campaign_id, q.ordinal
  loop
    if r.campaign_id is distinct from at_campaign then
      if c.campaign_id is not null then
        changed := changed || c;
      end if;
      at_campaign := r.campaign_id;
      select * into c from sambatan.campaigns where campaign_id = r.campaign_id;
      now_at := clock_timestamp();
    end if;

    answer := null;
    detail := null;
    slots_of_user := 0;
    if c.campaign_id is null or c.status = 'draft' then
      answer := 'campaign_not_found';
    elsif not r.is_held then
      answer := 'campaign_busy';
    elsif r.stored_at is not null then
      answer := 'joined';
      times[r.ordinal] := r.stored_at;
      replays[r.ordinal] := true;
    elsif r.attempt > p_attempt_limit then
      answer := 'rate_limited';
      detail := jsonb_build_object('retry_after_seconds', greatest(1, ceil(extract(epoch from
        r.window_started_at + interval '1 minute' - clock_timestamp()))));
    elsif coalesce(r.known_hash, p_request_hashes[r.first_of_key]) <> r.request_hash then
      answer := 'idempotency_key_reused';
    elsif r.known_hash is not null then
      answer := r.known_outcome;
      detail := r.known_params;
      ids[r.ordinal] := coalesce(r.known_id, r.participation_id);
      times[r.ordinal] := r.answered_at;
      replays[r.ordinal] := true;
    elsif r.first_of_key < r.ordinal then
      answer := answers[r.first_of_key];
      detail := details[r.first_of_key];
      ids[r.ordinal] := ids[r.first_of_key];
      times[r.ordinal] := times[r.first_of_key];
      replays[r.ordinal] := true;
    end if;

    if answer is not null then
      null;
    elsif c.closing_as is not null then
      answer := 'campaign_closing';
    elsif c.status not in ('active', 'locked') then
      answer := 'campaign_not_active';
      detail := jsonb_build_object('status', c.status);
    elsif now_at >= c.deadline then
      answer := 'deadline_passed';
    else
      if c.max_slots_per_user is not null or c.min_slots_per_user is not null then
        select coalesce(sum(p.quantity), 0) + given[r.user_rank] into slots_of_user
        from sambatan.participants p
        where p.user_id = r.user_id and p.campaign_id = r.campaign_id
          and p.status in ('pending_payment', 'confirmed', 'fulfilled');
      end if;
      if slots_of_user + r.quantity
        not between coalesce(c.min_slots_per_user, 1) and coalesce(c.max_slots_per_user, 2147483647)
      then
        answer := 'quantity_out_of_bounds';
        detail := jsonb_build_object('minimum', coalesce(c.min_slots_per_user, 1),
          'maximum', c.max_slots_per_user, 'held', slots_of_user);
      elsif r.quantity > c.total_slots - c.filled_slots then
        answer := 'slots_unavailable';
        detail := jsonb_build_object('remaining', c.total_slots - c.filled_slots);
      else
        answer := 'joined';
        times[r.ordinal] := now_at;
        given[r.user_rank] := given[r.user_rank] + r.quantity;
        c.filled_slots := c.filled_slots + r.quantity;
        c.participant_count := c.participant_count + 1;
        c.updated_at := now_at;
        if c.payment_timing = 'upfront' then
          holds[r.ordinal] := now_at + c.hold_seconds * interval '1 second';
          c.due_at := least(c.due_at, holds[r.ordinal]);
        end if;

        e := e + 1;
        c.audit_seq := c.audit_seq + 1;
        metadata := jsonb_build_object('quantity', r.quantity, 'slots_taken', c.filled_slots,
          'total_slots', c.total_slots);
        c.audit_hash := sha256(c.audit_hash || sambatan.audit_content(c.campaign_id, c.audit_seq,
          now_at, r.participation_id, 'participant_joined', r.actor, metadata));
        e_campaigns[e] := c.campaign_id;
        e_seqs[e] := c.audit_seq;
        e_times[e] := now_at;
        e_participations[e] := r.participation_id;
        e_events[e] := 'participant_joined';
        e_actors[e] := r.actor;
        e_metadata[e] := metadata;
        e_hashes[e] := c.audit_hash;

        if c.filled_slots = c.total_slots then
          c.status := 'locked';
          c.filled_at := now_at;
          e := e + 1;
          c.audit_seq := c.audit_seq + 1;
          metadata := jsonb_build_object('slots_taken', c.filled_slots,
            'total_slots', c.total_slots);
          c.audit_hash := sha256(c.audit_hash || sambatan.audit_content(c.campaign_id, c.audit_seq,
            now_at, null, 'campaign_full', 'system', metadata));
          e_campaigns[e] := c.campaign_id;
          e_seqs[e] := c.audit_seq;
          e_times[e] := now_at;
          e_participations[e] := null;
          e_events[e] := 'campaign_full';
          e_actors[e] := 'system';
          e_metadata[e] := metadata;
          e_hashes[e] := c.audit_hash;
        end if;
      end if;
    end if;
    answers[r.ordinal] := answer;
    details[r.ordinal] := detail;
    times[r.ordinal] := coalesce(times[r.ordinal], now_at);
  end loop;
  if c.campaign_id is not null then
    changed := changed || c;
  end if;

  update sambatan.campaigns as t set
    status = s.status, filled_slots = s.filled_slots, participant_count = s.participant_count,
    due_at = s.due_at, audit_seq = s.audit_seq, audit_hash = s.audit_hash,
    updated_at = s.updated_at, filled_at = s.filled_at
  from unnest(changed) s
  where t.campaign_id = s.campaign_id and t.audit_seq <> s.audit_seq;

  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, joined_at,
    updated_at, hold_expires_at, shipping_address, note)
  select q.campaign_id, q.participation_id, q.user_id, q.quantity, q.joined_at, q.joined_at,
    q.hold_expires_at, q.shipping_address, q.note
  from unnest(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, times, holds,
      p_addresses, p_notes, answers, replays)
    as q (campaign_id, participation_id, user_id, quantity, joined_at, hold_expires_at,
      shipping_address, note, answer, replayed)
  where q.answer = 'joined' and not q.replayed;

  insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event, actor,
    metadata, hash)
  select * from unnest(e_campaigns, e_seqs, e_times, e_participations, e_events, e_actors,
    e_metadata, e_hashes);

  if has_keys then
    insert into sambatan.idempotency_keys (campaign_id, user_id, key, request_hash, outcome, params,
      participation_id, answered_at)
    select q.campaign_id, q.user_id, q.key, q.request_hash, q.answer, q.detail,
      case when q.answer = 'joined' then q.participation_id end, q.answered_at
    from unnest(p_campaign_ids, p_user_ids, p_keys, p_request_hashes, answers, details, ids, times,
        replays)
      as q (campaign_id, user_id, key, request_hash, answer, detail, participation_id, answered_at,
        replayed)
    where q.key is not null and not q.replayed and q.answer not in
      ('campaign_not_found', 'campaign_busy', 'rate_limited', 'idempotency_key_reused');
  end if;

  return query
    select t.ordinal::integer, t.answer, t.detail, t.participation_id, t.at, t.replayed
    from unnest(answers, details, ids, times, replays) with ordinality
      as t (answer, detail, participation_id, at, replayed, ordinal);
end
$$;
