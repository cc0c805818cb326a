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
-- of arrival. Key and request hash are null for a request without an Idempotency-Key. The actor is
-- null if the buyer acts. An array may be null instead of containing only nulls. p_attempt_limit is the maximum number of joins per minute for each
-- caller; 0 means no limit. p_again is true if the same batch was sent before and may have been
-- committed. In this case, a request whose participation exists already gets the answer 'joined',
-- and nothing is changed. The answer is final, because the campaign's row is locked. A refusal in a
-- retry is stored in refused_joins. If the first attempt runs later than the retry, it is refused
-- too and takes no slot.
--
-- Returns one row per request, in any order; request_id is the id of p_participation_ids. The outcome
-- is 'joined', or the code of a refusal with the parameters of its message. replayed is true if the
-- request had been answered before; joined_at is then the time of the first answer. seq, leaf_hash
-- and salt are the entry of a join in the public log. The salt is null if it is the salt that the
-- caller passed.
--
-- A simple join needs no idempotency keys, rate limits or bounds per buyer. This data is read once
-- for the whole batch, and only if one of the requests needs it. Nearly always every request of the
-- batch is accepted. Then the function only numbers the requests and does not check each of them.
create or replace function sambatan.join_campaigns(
  p_campaign_ids uuid[], p_participation_ids uuid[], p_user_ids uuid[], p_quantities integer[],
  p_addresses text[], p_notes text[], p_phones text[], p_salts bytea[], p_keys text[],
  p_request_hashes bytea[], p_actors text[], p_callers text[], p_attempt_limit integer,
  p_wait boolean, p_again boolean
) returns table (
  request_id uuid, outcome text, params jsonb, participation_id uuid, joined_at timestamptz,
  replayed boolean, seq bigint, leaf_hash bytea, salt bytea
) language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
  n constant integer := cardinality(p_campaign_ids);
  -- PL/pgSQL keeps arrays in variables expanded, so access to an element is fast.
  campaign_ids constant uuid[] := p_campaign_ids;
  quantities constant integer[] := p_quantities;
  request_hashes constant bytea[] := p_request_hashes;
  has_keys constant boolean := coalesce(array_remove(p_keys, null) <> '{}', false);
  locked uuid[];                    -- the campaigns whose rows this transaction has locked
  r record;
  c record;
  c_is_locked boolean;
  now_at timestamptz;
  quantity integer;
  answer text;
  detail jsonb;
  slots_of_user integer;
  minimum integer;
  is_simple boolean;                -- no request needs more data than its campaign's row
  has_bounds boolean;
  -- One element per request.
  answers text[];
  details jsonb[];
  times timestamptz[] := array_fill(null::timestamptz, array[n]);
  holds timestamptz[] := array_fill(null::timestamptz, array[n]);
  seqs bigint[] := array_fill(null::bigint, array[n]);
  taken integer[] := array_fill(null::integer, array[n]);
  ids uuid[] := p_participation_ids;
  replays boolean[];
  -- An array stays empty if no request needs it.
  stored_at timestamptz[] := '{}';
  limited_until timestamptz[] := '{}';
  first_of_key integer[] := '{}';
  known_hash bytea[] := '{}';
  known_outcome text[] := '{}';
  known_params jsonb[] := '{}';
  known_id uuid[] := '{}';
  known_at timestamptz[] := '{}';
  -- For each request, the index of its buyer; for each index, the number of slots that this buyer
  -- has so far.
  buyer_of integer[] := '{}';
  slots_of_buyer integer[] := '{}';
  -- One element per campaign that changes.
  changed uuid[] := '{}';
  changed_slots integer[] := '{}';
  changed_count integer[] := '{}';
  changed_seq bigint[] := '{}';
  changed_taken integer[];
  changed_at timestamptz[] := '{}';
  changed_hold timestamptz[];
  changed_run timestamptz[] := '{}';
  changed_full boolean[] := '{}';
  g integer;
  last_seq bigint;
  last_taken integer;
begin
  if p_wait then
    select array_agg(campaign_id) into locked from (
      select campaign_id from sambatan.campaign_states where campaign_id = any (p_campaign_ids)
      order by campaign_id for no key update) l;
  else
    select array_agg(campaign_id) into locked from (
      select campaign_id from sambatan.campaign_states where campaign_id = any (p_campaign_ids)
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
  if exists (select 1 from sambatan.refused_joins where campaign_id = any (locked)) then
    for r in
      select q.ordinal, d.outcome, d.params, d.answered_at
      from unnest(p_campaign_ids, p_participation_ids) with ordinality
        as q (campaign_id, participation_id, ordinal)
      join sambatan.refused_joins d using (campaign_id, participation_id)
    loop
      known_outcome[r.ordinal] := r.outcome;
      known_params[r.ordinal] := r.params;
      known_at[r.ordinal] := r.answered_at;
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
      select q.ordinal, q.first, k.key, k.request_hash, k.outcome, k.params, k.participation_id,
        k.answered_at
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
      if r.key is not null and known_outcome[r.ordinal] is null then
        known_hash[r.ordinal] := r.request_hash;
        known_outcome[r.ordinal] := r.outcome;
        known_params[r.ordinal] := r.params;
        known_id[r.ordinal] := r.participation_id;
        known_at[r.ordinal] := r.answered_at;
      end if;
    end loop;
  end if;

  now_at := clock_timestamp();
  is_simple := stored_at = '{}' and known_outcome = '{}' and limited_until = '{}'
    and first_of_key = '{}';
  if is_simple then
    -- The new state of each campaign, if all requests are accepted.
    select array_agg(q.campaign_id order by q.first), array_agg(q.slots order by q.first),
        array_agg(q.requests order by q.first),
        array_agg(k.audit_seq + q.requests + is_full::integer order by q.first),
        array_agg(k.filled_slots order by q.first), array_agg(t.at order by q.first),
        array_agg(t.hold order by q.first),
        array_agg(least(k.next_run_at, t.hold) order by q.first),
        array_agg(is_full order by q.first),
        coalesce(bool_and(q.campaign_id = any (locked) and k.status = 'active'
          and k.closing_outcome is null and greatest(now_at, k.updated_at) < k.deadline
          and k.max_slots_per_user is null and k.min_slots_per_user is null
          and k.filled_slots + k.reserved_slots + q.slots <= k.total_slots), false)
      into changed, changed_slots, changed_count, changed_seq, changed_taken, changed_at,
        changed_hold, changed_run, changed_full, is_simple
      from (select campaign_id, min(ordinal) as first, sum(quantity)::integer as slots,
          count(*)::integer as requests
        from unnest(p_campaign_ids, p_quantities) with ordinality as u (campaign_id, quantity, ordinal)
        group by campaign_id) q
      left join sambatan.campaigns k on k.campaign_id = q.campaign_id
      cross join lateral (
        select coalesce(k.filled_slots + q.slots = k.total_slots, false) as is_full,
          greatest(now_at, k.updated_at) as at) f
      cross join lateral (
        select f.at, case when k.payment_timing = 'upfront'
          then least(f.at + k.hold_seconds * interval '1 second', k.deadline) end as hold) t;
  end if;

  if is_simple then
    g := 0;
    for i in 1..n loop
      if i = 1 or campaign_ids[i] <> campaign_ids[i - 1] then
        g := g + 1;
        last_seq := changed_seq[g] - changed_count[g] - changed_full[g]::integer;
        last_taken := changed_taken[g];
      end if;
      last_seq := last_seq + 1;
      last_taken := last_taken + quantities[i];
      times[i] := changed_at[g];
      seqs[i] := last_seq;
      taken[i] := last_taken;
      if changed_hold[g] is not null then
        holds[i] := changed_hold[g];
      end if;
    end loop;
    if has_keys then
      answers := array_fill('joined'::text, array[n]);
      replays := array_fill(false, array[n]);
    end if;
  else
    answers := array_fill(null::text, array[n]);
    details := array_fill(null::jsonb, array[n]);
    replays := array_fill(false, array[n]);
    changed := '{}';
    changed_slots := '{}';
    changed_count := '{}';
    changed_seq := '{}';
    changed_at := '{}';
    changed_run := '{}';
    changed_full := '{}';
    has_bounds := exists (select 1 from sambatan.campaign_details b
      where b.campaign_id = any (locked)
        and (b.max_slots_per_user is not null or b.min_slots_per_user is not null));
    if has_bounds then
      for r in
        select q.ordinal, b.place, b.slots
        from unnest(p_campaign_ids, p_user_ids) with ordinality as q (campaign_id, user_id, ordinal)
        join (
          select u.campaign_id, u.user_id, row_number() over () as place,
            coalesce(sum(p.quantity), 0) as slots
          from (select distinct campaign_id, user_id
            from unnest(p_campaign_ids, p_user_ids) as u (campaign_id, user_id)) u
          left join sambatan.participants p
            on p.user_id = u.user_id and p.campaign_id = u.campaign_id
              and (p.status in ('pending_payment', 'confirmed') or p.status = 'fulfilled')
          group by u.campaign_id, u.user_id) b using (campaign_id, user_id)
      loop
        buyer_of[r.ordinal] := r.place;
        slots_of_buyer[r.place] := r.slots;
      end loop;
    end if;

    for i in 1..n loop
      if i = 1 or campaign_ids[i] <> campaign_ids[i - 1] then
        -- If the campaign does not exist, all fields of c are null.
        select k.* into c from sambatan.campaigns k where k.campaign_id = campaign_ids[i];
        c_is_locked := campaign_ids[i] = any (locked);
        now_at := greatest(clock_timestamp(), c.updated_at);
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
      elsif known_outcome[i] is not null and known_hash[i] is null then
        answer := known_outcome[i];
        detail := known_params[i];
        times[i] := known_at[i];
        replays[i] := true;
      elsif limited_until[i] is not null then
        answer := 'rate_limited';
        detail := jsonb_build_object('retry_after_seconds',
          greatest(1, ceil(extract(epoch from limited_until[i] - clock_timestamp()))));
      elsif first_of_key[i] is not null then
        if coalesce(known_hash[i], request_hashes[first_of_key[i]]) <> request_hashes[i] then
          answer := 'idempotency_key_reused';
        elsif known_outcome[i] is not null then
          answer := known_outcome[i];
          detail := known_params[i];
          ids[i] := coalesce(known_id[i], ids[i]);
          times[i] := known_at[i];
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
          if changed[cardinality(changed)] is distinct from c.campaign_id then
            changed := changed || c.campaign_id;
            changed_slots := changed_slots || 0;
            changed_count := changed_count || 0;
            changed_seq := changed_seq || c.audit_seq;
            changed_at := changed_at || now_at;
            changed_run := changed_run || c.next_run_at;
            changed_full := changed_full || false;
          end if;
          c.filled_slots := c.filled_slots + quantity;
          changed_slots[cardinality(changed)] := changed_slots[cardinality(changed)] + quantity;
          changed_count[cardinality(changed)] := changed_count[cardinality(changed)] + 1;
          changed_seq[cardinality(changed)] := changed_seq[cardinality(changed)] + 1;
          seqs[i] := changed_seq[cardinality(changed)];
          taken[i] := c.filled_slots;
          if c.payment_timing = 'upfront' then
            holds[i] := least(now_at + c.hold_seconds * interval '1 second', c.deadline);
            changed_run[cardinality(changed)] := least(c.next_run_at, holds[i]);
          end if;
          if c.filled_slots = c.total_slots then
            c.status := 'locked';
            changed_full[cardinality(changed)] := true;
            changed_seq[cardinality(changed)] := changed_seq[cardinality(changed)] + 1;
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
  end if;

  update sambatan.campaign_states as t set
    status = case when s.is_full then 'locked' else t.status end,
    filled_slots = t.filled_slots + s.slots, logged_slots = t.filled_slots + s.slots,
    participant_count = t.participant_count + s.requests, next_run_at = s.next_run_at,
    audit_seq = s.seq, updated_at = s.at
  from unnest(changed, changed_slots, changed_count, changed_seq, changed_at, changed_run,
    changed_full) as s (campaign_id, slots, requests, seq, at, next_run_at, is_full)
  where t.campaign_id = s.campaign_id;

  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, joined_at,
    updated_at, hold_expires_at, shipping_address, note, phone, salt, joined_seq)
  select q.campaign_id, q.participation_id, q.user_id, q.quantity, q.joined_at, q.joined_at,
    q.hold_expires_at, q.shipping_address, q.note, q.phone, q.salt, q.seq
  from unnest(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, times, holds,
      p_addresses, p_notes, p_phones, p_salts, seqs)
    as q (campaign_id, participation_id, user_id, quantity, joined_at, hold_expires_at,
      shipping_address, note, phone, salt, seq)
  where q.seq is not null;

  if true = any (changed_full) then
    update sambatan.campaign_details t set status = 'locked', filled_at = s.at
      from unnest(changed, changed_at, changed_full) as s (campaign_id, at, is_full)
      where s.is_full and t.campaign_id = s.campaign_id;
    perform sambatan.log_campaign_full(s.campaign_id, s.at)
      from unnest(changed, changed_at, changed_full) as s (campaign_id, at, is_full)
      where s.is_full;
  end if;

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

  if is_simple then
    return query
      select l.participation_id, 'joined', null::jsonb, l.participation_id, l.occurred_at, false,
        l.seq, l.leaf_hash, null::bytea
      from sambatan.log_joins(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, times,
        seqs, taken, p_salts, p_actors) l;
    return;
  end if;
  perform sambatan.log_joins(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, times,
    seqs, taken, p_salts, p_actors);
  return query
    select t.request_id, t.answer, t.detail, t.participation_id, t.at, t.replayed, a.seq,
      a.leaf_hash, p.salt
    from unnest(p_campaign_ids, p_participation_ids, answers, details, ids, times, replays)
      as t (campaign_id, request_id, answer, detail, participation_id, at, replayed)
    left join sambatan.participants p on t.answer = 'joined' and p.campaign_id = t.campaign_id
      and p.participation_id = t.participation_id
    left join sambatan.audit_logs a on a.campaign_id = p.campaign_id and a.seq = p.joined_seq;
end
$$;

-- Appends the participant_joined events of a batch to the audit log, one for each element whose seq
-- is not null. Element by element, the arrays have the same meaning as in join_campaigns; p_taken
-- has the taken slots after the join. Returns the new rows.
create or replace function sambatan.log_joins(
  p_campaign_ids uuid[], p_participation_ids uuid[], p_user_ids uuid[], p_quantities integer[],
  p_times timestamptz[], p_seqs bigint[], p_taken integer[], p_salts bytea[], p_actors text[]
) returns table (
  participation_id uuid, occurred_at timestamptz, seq bigint, leaf_hash bytea
) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
      actor_kind, actor_id, slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
    select q.campaign_id, q.seq, q.at, q.participation_id, 'participant_joined', q.actor_kind,
      q.actor_id, q.quantity, q.taken, q.total_slots, q.price_per_slot, q.commitment,
      sambatan.leaf_hash(sambatan.public_record(q.seq, q.at, 'participant_joined', q.quantity,
        q.taken, q.total_slots, q.price_per_slot, q.commitment))
    from (
      select j.*, sha256(j.salt || sambatan.private_record(j.participation_id, j.at, j.actor_kind,
        j.actor_id, 'participant_joined', null)) as commitment
      from (
        select u.campaign_id, u.participation_id, u.quantity, u.at, u.seq, u.taken, u.salt,
          d.total_slots, d.price_per_slot,
          case when u.actor is null then 'user' else sambatan.actor_kind_of(u.actor) end
            as actor_kind,
          case when u.actor is null then u.user_id else sambatan.actor_id_of(u.actor) end
            as actor_id
        from unnest(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, p_times, p_seqs,
            p_taken, p_salts, p_actors)
          as u (campaign_id, participation_id, user_id, quantity, at, seq, taken, salt, actor)
        join sambatan.campaign_details d on d.campaign_id = u.campaign_id
        where u.seq is not null
        -- Each offset makes PostgreSQL compute the columns once, and inline the functions.
        offset 0) j
      offset 0) q
    returning participation_id, occurred_at, seq, leaf_hash;
end
$$;

-- Appends the campaign_full event of a campaign whose last slot was taken at p_at by a join.
-- join_campaigns has already counted the event in audit_seq.
create or replace function sambatan.log_campaign_full(p_campaign_id uuid, p_at timestamptz)
returns void language plpgsql as $$
declare
  c sambatan.campaigns;
  r record;
begin
  select k.* into strict c from sambatan.campaigns k where k.campaign_id = p_campaign_id;
  c.audit_seq := c.audit_seq - 1;
  select * into r from sambatan.append_event(c, 'campaign_full', 'system', p_at, null, '{}');
end
$$;
