-- Returns the bytes of an access-log row from which its hash is computed, together with the hash of
-- the previous row. Fixed-width fields come first, and no text can contain a '|', so two different
-- rows never have the same content.
create or replace function sambatan.access_content(
  user_id uuid, seq bigint, occurred_at timestamptz, event text, method text, browser text
) returns bytea language sql stable parallel safe as $$
  select uuid_send(user_id) || int8send(seq) || timestamptz_send(occurred_at)
    || convert_to(event || '|' || method || '|' || browser, 'UTF8')
$$;

-- Appends a row to a user's access log. Locks the head of its chain until the transaction ends.
create or replace function sambatan.record_access(
  p_user_id uuid, p_event text, p_method text, p_browser text
) returns void language plpgsql as $$
declare
  head sambatan_auth.access_heads;
  v_at timestamptz;
  v_hash bytea;
begin
  insert into sambatan_auth.access_heads as h (user_id, seq, hash)
    values (p_user_id, 1, decode(repeat('00', 32), 'hex'))
    on conflict (user_id) do update set seq = h.seq + 1
    returning * into head;
  v_at := clock_timestamp();
  v_hash := sha256(head.hash || sambatan.access_content(
    p_user_id, head.seq, v_at, p_event, p_method, p_browser));
  insert into sambatan_auth.access_log (user_id, seq, occurred_at, event, method, browser, hash)
    values (p_user_id, head.seq, v_at, p_event, p_method, p_browser, v_hash);
  update sambatan_auth.access_heads set hash = v_hash where user_id = p_user_id;
end
$$;

-- Deletes expired rows of the access logs of at most p_people users. The hash of the last deleted
-- row is stored in access_heads, because the hash of the first remaining row depends on it. Returns
-- the number of deleted rows.
create or replace function sambatan.delete_old_access(p_people integer)
returns bigint language plpgsql as $$
declare
  v_user_id uuid;
  last_old sambatan_auth.access_log;
  gone bigint := 0;
  v_rows bigint;
begin
  for v_user_id in
    select h.user_id from sambatan_auth.access_heads h
    where h.user_id in (select o.user_id from (
      select a.user_id from sambatan_auth.access_log a
      where a.occurred_at < now() - interval '400 days'
      order by a.occurred_at limit p_people) o)
    for no key update skip locked
  loop
    -- If a clock was set back, the times are not in order. Therefore only the expired rows before
    -- the first row that is not expired are deleted.
    select a.* into last_old from sambatan_auth.access_log a
      where a.user_id = v_user_id and a.seq < coalesce((
        select min(y.seq) from sambatan_auth.access_log y
        where y.user_id = v_user_id and y.occurred_at >= now() - interval '400 days'),
        9223372036854775807)
      order by a.seq desc limit 1;
    continue when not found;
    delete from sambatan_auth.access_log a where a.user_id = v_user_id and a.seq <= last_old.seq;
    get diagnostics v_rows = row_count;
    gone := gone + v_rows;
    update sambatan_auth.access_heads
      set kept_after = last_old.seq, kept_hash = last_old.hash where user_id = v_user_id;
  end loop;
  return gone;
end
$$;

-- Verifies the access logs of these users, or of all users if p_user_ids is null. Returns the first
-- broken row of each log, as verify_audit does for campaigns.
create or replace function sambatan.verify_access(p_user_ids uuid[] default null)
returns table (user_id uuid, seq bigint, problem text)
language sql stable as $$
  with heads as (
    select * from sambatan_auth.access_heads h
    where p_user_ids is null or h.user_id = any (p_user_ids)
  ), linked as (
    select a.*, h.user_id is null as is_strange, h.seq as head_seq, h.hash as head_hash,
      lag(a.seq, 1, coalesce(h.kept_after, 0)) over chain as previous_seq,
      lag(a.hash, 1, h.kept_hash) over chain as previous_hash,
      lead(a.seq) over chain is null as is_last
    from sambatan_auth.access_log a
    left join heads h on h.user_id = a.user_id
    where p_user_ids is null or a.user_id = any (p_user_ids)
    window chain as (partition by a.user_id order by a.seq)
  ), broken as (
    select l.user_id, l.seq, case
        when l.is_strange then 'row without a head of its chain'
        when l.seq <> l.previous_seq + 1 then 'row missing before it'
        when l.hash <> sha256(l.previous_hash || sambatan.access_content(l.user_id, l.seq,
          l.occurred_at, l.event, l.method, l.browser)) then 'content does not match its hash'
        when l.is_last and l.seq < l.head_seq then 'row missing after it'
        when l.is_last and l.seq > l.head_seq then 'row beyond the head of the chain'
        when l.is_last and l.hash <> l.head_hash
          then 'the last row is not the head of the chain'
      end as problem
    from linked l
    union all
    select h.user_id, h.kept_after + 1, 'row missing, and all after it' from heads h
    where h.seq > h.kept_after and not exists (
      select from sambatan_auth.access_log a where a.user_id = h.user_id)
  )
  select distinct on (b.user_id) b.user_id, b.seq, b.problem from broken b
  where b.problem is not null order by b.user_id, b.seq
$$;
