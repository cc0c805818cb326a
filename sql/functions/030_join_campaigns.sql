-- Executes many join requests, for any campaigns, in one transaction. Each request gets its own
-- answer. The result is the same as if the requests ran one after the other, in the order of the
-- arrays.
--
-- Locks the campaigns' rows first, in order of their ids. Only then reads the clock and all data on
-- which the answers depend. With p_wait false, does not wait for a row that another transaction has
-- locked: the requests for that campaign get the answer 'campaign_busy' and write nothing, so that
-- one locked campaign does not delay the other joins of the batch.
--
-- Each array has one element per request. The requests for one campaign are adjacent and in order
-- of arrival. Key and request hash are null for a request without an Idempotency-Key.
-- p_attempt_limit is the maximum number of joins per minute for each caller; 0 means no limit.
-- p_again is true if the same batch was sent before and may have been committed. In this case, a
-- request whose participation exists already gets the answer 'joined', and nothing is changed. The
-- answer is final, because the campaign's row is locked. A refusal in a retry is stored in
-- refused_joins. If the first attempt runs later than the retry, it is refused too and takes no
-- slot.
--
-- Returns one row per request, in order. The outcome is 'joined', or the code of a refusal with the
-- parameters of its message. replayed is true if the request had been answered before; joined_at is
-- then the time of the first answer.
--
-- A simple join needs no idempotency keys, rate limits or bounds per buyer. This data is read once
-- for the whole batch, and only if one of the requests needs it. So a simple join needs only one
-- iteration of the loop, and writes only the rows of that join.
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
  -- PL/pgSQL keeps arrays in variables expanded, so access to an element is fast.
  campaign_ids constant uuid[] := p_campaign_ids;
  user_ids constant uuid[] := p_user_ids;
  quantities constant integer[] := p_quantities;
  actors constant text[] := p_actors;
  request_hashes constant bytea[] := p_request_hashes;
  has_keys constant boolean := array_remove(p_keys, null) <> '{}';
  locked uuid[];                    -- the campaigns whose rows this transaction has locked
  r record;
  c sambatan.campaigns;
  c_is_locked boolean;
  now_at timestamptz;
  quantity integer;
  answer text;
  detail jsonb;
  slots_of_user integer;
  minimum integer;
  metadata jsonb;
  known sambatan.idempotency_keys;
  -- One element per request. An array stays empty if no request needs it.
  answers text[] := array_fill(null::text, array[n]);
  details jsonb[] := array_fill(null::jsonb, array[n]);
  times timestamptz[] := array_fill(null::timestamptz, array[n]);
  holds timestamptz[] := array_fill(null::timestamptz, array[n]);
  ids uuid[] := p_participation_ids;
  replays boolean[] := array_fill(false, array[n]);
  stored_at timestamptz[] := '{}';
  limited_until timestamptz[] := '{}';
  known_keys sambatan.idempotency_keys[] := '{}';
  refused sambatan.refused_joins[] := '{}';
  first_of_key integer[] := '{}';
  -- For each request, the index of its buyer; for each index, the number of slots that this buyer
  -- has so far.
  buyer_of integer[] := '{}';
  slots_of_buyer integer[] := '{}';
  -- One element per audit row.
  e_campaigns uuid[] := '{}';
  e_seqs bigint[] := '{}';
  e_times timestamptz[] := '{}';
  e_participations uuid[] := '{}';
  e_events text[] := '{}';
  e_actors text[] := '{}';
  e_metadata jsonb[] := '{}';
  e_hashes bytea[] := '{}';
  e integer := 0;
  -- The new state of the campaigns. Contains no campaign that another transaction has locked.
  changed sambatan.campaigns[] := '{}';
begin
  if p_wait then
    select array_agg(campaign_id) into locked from (
      select campaign_id from sambatan.campaigns where campaign_id = any (p_campaign_ids)
      order by campaign_id for no key update) l;
  else
    select array_agg(campaign_id) into locked from (
      select campaign_id from sambatan.campaigns where campaign_id = any (p_campaign_ids)
      order by campaign_id for no key update skip locked) l;
  end if;

  if p_again then
    for r in
      select q.ordinal, s.joined_at
      from unnest(p_campaign_ids, p_participation_ids) with ordinality
        as q (campaign_id, participation_id, ordinal)
      join sambatan.participants s using (campaign_id, participation_id)
    loop
      stored_at[r.ordinal] := r.joined_at;
    end loop;
  end if;

  -- The table is almost always empty. Therefore this condition needs one lookup per campaign
  -- instead of one per join.
  if exists (select from sambatan.refused_joins where campaign_id = any (locked)) then
    for r in
      select q.ordinal, d.campaign_id, d.participation_id, d.outcome, d.params, d.answered_at
      from unnest(p_campaign_ids, p_participation_ids) with ordinality
        as q (campaign_id, participation_id, ordinal)
      join sambatan.refused_joins d using (campaign_id, participation_id)
    loop
      refused[r.ordinal] := row(r.campaign_id, r.participation_id, r.outcome, r.params,
        r.answered_at);
    end loop;
  end if;

  if p_attempt_limit > 0 then
    for r in
      with requests as materialized (
        -- Requests for a busy campaign are not counted, because the service sends them again.
        select q.caller, q.ordinal, row_number() over (partition by q.caller order by q.ordinal)
          as nth, count(*) over (partition by q.caller) as here
        from unnest(p_campaign_ids, p_callers) with ordinality
          as q (campaign_id, caller, ordinal)
        where q.campaign_id = any (locked)
      ), counted as (
        insert into sambatan.join_attempts as a (caller, window_started_at, attempts)
        select caller, clock_timestamp(), count(*) from requests group by caller order by caller
        on conflict (caller) do update set
          window_started_at = case when a.window_started_at
            > excluded.window_started_at - interval '1 minute'
            then a.window_started_at else excluded.window_started_at end,
          attempts = case when a.window_started_at
            > excluded.window_started_at - interval '1 minute'
            then a.attempts else 0 end + excluded.attempts
        returning caller, window_started_at, attempts
      )
      select q.ordinal, a.window_started_at + interval '1 minute' as until
      from requests q join counted a using (caller)
      where a.attempts - q.here + q.nth > p_attempt_limit
    loop
      limited_until[r.ordinal] := r.until;
    end loop;
  end if;

  if has_keys then
    for r in
      select q.ordinal, q.first, k as known
      from (
        select u.*, first_value(u.ordinal::integer) over (
          partition by u.campaign_id, u.user_id, u.key order by u.ordinal) as first
        from unnest(p_campaign_ids, p_user_ids, p_keys) with ordinality
          as u (campaign_id, user_id, key, ordinal)
        where u.key is not null) q
      left join sambatan.idempotency_keys k
        on k.campaign_id = q.campaign_id and k.user_id = q.user_id and k.key = q.key
      where q.first < q.ordinal or k.key is not null
    loop
      first_of_key[r.ordinal] := r.first;
      known_keys[r.ordinal] := r.known;
    end loop;
  end if;

  if exists (select from sambatan.campaigns b where b.campaign_id = any (locked)
    and (b.max_slots_per_user is not null or b.min_slots_per_user is not null))
  then
    for r in
      with buyers as (
        select b.campaign_id, b.user_id, row_number() over () as place, coalesce((
            select sum(p.quantity) from sambatan.participants p
            where p.user_id = b.user_id and p.campaign_id = b.campaign_id
              and p.status in ('pending_payment', 'confirmed', 'fulfilled')), 0) as slots
        from (select distinct q.campaign_id, q.user_id
          from unnest(p_campaign_ids, p_user_ids) as q (campaign_id, user_id)) b
      )
      select q.ordinal, b.place, b.slots
      from unnest(p_campaign_ids, p_user_ids) with ordinality as q (campaign_id, user_id, ordinal)
      join buyers b using (campaign_id, user_id)
    loop
      buyer_of[r.ordinal] := r.place;
      slots_of_buyer[r.place] := r.slots;
    end loop;
  end if;

  for i in 1..n loop
    if c.campaign_id is distinct from campaign_ids[i] or i = 1 then
      if c_is_locked then
        changed := changed || c;
      end if;
      select * into c from sambatan.campaigns where campaign_id = campaign_ids[i];
      -- If the campaign does not exist, c contains only this id, which shows where the requests of
      -- the next campaign begin.
      c.campaign_id := campaign_ids[i];
      c_is_locked := campaign_ids[i] = any (locked);
      now_at := clock_timestamp();
    end if;

    quantity := quantities[i];
    answer := null;
    detail := null;
    if c.status is null or c.status = 'draft' then
      answer := 'campaign_not_found';
    elsif c_is_locked is not true then
      answer := 'campaign_busy';
    elsif stored_at[i] is not null then
      answer := 'joined';
      times[i] := stored_at[i];
      replays[i] := true;
    elsif refused[i].outcome is not null then
      answer := refused[i].outcome;
      detail := refused[i].params;
      times[i] := refused[i].answered_at;
      replays[i] := true;
    elsif limited_until[i] is not null then
      answer := 'rate_limited';
      detail := jsonb_build_object('retry_after_seconds',
        greatest(1, ceil(extract(epoch from limited_until[i] - clock_timestamp()))));
    elsif first_of_key[i] is not null then
      known := known_keys[i];
      if coalesce(known.request_hash, request_hashes[first_of_key[i]]) <> request_hashes[i] then
        answer := 'idempotency_key_reused';
      elsif known.key is not null then
        answer := known.outcome;
        detail := known.params;
        ids[i] := coalesce(known.participation_id, ids[i]);
        times[i] := known.answered_at;
        replays[i] := true;
      else
        answer := answers[first_of_key[i]];
        detail := details[first_of_key[i]];
        ids[i] := ids[first_of_key[i]];
        times[i] := times[first_of_key[i]];
        replays[i] := true;
      end if;
    end if;

    if answer is not null then
      null;
    elsif c.closing_outcome is not null then
      answer := 'campaign_closing';
    elsif c.status not in ('active', 'locked') then
      answer := 'campaign_not_active';
      detail := jsonb_build_object('status', c.status);
    elsif now_at >= c.deadline then
      answer := 'deadline_passed';
    else
      slots_of_user := 0;
      minimum := coalesce(c.min_slots_per_user, 1);
      if c.max_slots_per_user is not null or c.min_slots_per_user is not null then
        slots_of_user := slots_of_buyer[buyer_of[i]];
        -- If fewer slots remain than the minimum per buyer, a buyer may take all of them.
        if c.filled_slots + c.reserved_slots < c.total_slots then
          minimum := least(minimum,
            slots_of_user + c.total_slots - c.filled_slots - c.reserved_slots);
        end if;
      end if;
      if slots_of_user + quantity not between minimum
        and coalesce(c.max_slots_per_user, 2147483647)
      then
        answer := 'quantity_out_of_bounds';
        detail := jsonb_build_object('minimum', minimum,
          'maximum', c.max_slots_per_user, 'held', slots_of_user);
      elsif quantity > c.total_slots - c.filled_slots - c.reserved_slots then
        answer := 'slots_unavailable';
        detail := jsonb_build_object('remaining',
          c.total_slots - c.filled_slots - c.reserved_slots);
      else
        answer := 'joined';
        times[i] := now_at;
        if buyer_of[i] is not null then
          slots_of_buyer[buyer_of[i]] := slots_of_user + quantity;
        end if;
        c.filled_slots := c.filled_slots + quantity;
        c.participant_count := c.participant_count + 1;
        c.updated_at := now_at;
        if c.payment_timing = 'upfront' then
          holds[i] := least(now_at + c.hold_seconds * interval '1 second', c.deadline);
          c.next_run_at := least(c.next_run_at, holds[i]);
        end if;

        e := e + 1;
        c.audit_seq := c.audit_seq + 1;
        metadata := jsonb_build_object('quantity', quantity, 'slots_taken', c.filled_slots,
          'total_slots', c.total_slots);
        c.audit_hash := sha256(c.audit_hash || sambatan.audit_content(c.campaign_id, c.audit_seq,
          now_at, ids[i], 'participant_joined', actors[i], metadata));
        e_campaigns[e] := c.campaign_id;
        e_seqs[e] := c.audit_seq;
        e_times[e] := now_at;
        e_participations[e] := ids[i];
        e_events[e] := 'participant_joined';
        e_actors[e] := actors[i];
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
    answers[i] := answer;
    if detail is not null then
      details[i] := detail;
    end if;
    if times[i] is null then
      times[i] := now_at;
    end if;
  end loop;
  if c_is_locked then
    changed := changed || c;
  end if;

  update sambatan.campaigns as t set
    status = s.status, filled_slots = s.filled_slots, participant_count = s.participant_count,
    next_run_at = s.next_run_at, audit_seq = s.audit_seq, audit_hash = s.audit_hash,
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

  if p_again then
    insert into sambatan.refused_joins (campaign_id, participation_id, outcome, params, answered_at)
    select q.campaign_id, q.participation_id, q.answer, q.detail, q.answered_at
    from unnest(p_campaign_ids, p_participation_ids, answers, details, times, replays)
      as q (campaign_id, participation_id, answer, detail, answered_at, replayed)
    where not q.replayed and q.answer not in ('joined', 'campaign_busy', 'campaign_not_found')
    on conflict do nothing;
  end if;

  return query
    select t.ordinal::integer, t.answer, t.detail, t.participation_id, t.at, t.replayed
    from unnest(answers, details, ids, times, replays) with ordinality
      as t (answer, detail, participation_id, at, replayed, ordinal);
end
$$;
