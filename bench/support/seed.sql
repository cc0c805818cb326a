-- Inserts many campaigns as if they had been created and joined over HTTP: the audit log is chained
-- and the invariants hold. Used by benchmarks only.
create schema bench;

create function bench.new_id() returns uuid language sql volatile as $$
  select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7' || substr(r, 1, 3) || '8' || substr(r, 4, 15))::uuid
  from md5(random()::text) r
$$;

create function bench.seed_catalogue(p_brands integer) returns void language sql as $$
  insert into sambatan.brands (brand_id, name)
    select bench.new_id(), 'Aroma ' || n from generate_series(1, p_brands) n;
  insert into sambatan.products (product_id, brand_id, name, base_price, sambatan_enabled)
    select bench.new_id(), brand_id, name || ' No. 1', 250000, true from sambatan.brands;
$$;

-- Inserts active campaigns with equally spaced deadlines. One of every p_success_every campaigns
-- has enough participants to succeed. The minimum of the others is all of their slots, and at least
-- one slot is free, so they fail. If p_success_every is 0, all of them fail.
create function bench.seed(
  p_campaigns integer, p_participants integer, p_first_deadline timestamptz, p_spacing interval,
  p_success_every integer
) returns void language plpgsql as $$
declare
  now_at constant timestamptz := clock_timestamp();
  zeros constant bytea := decode(repeat('00', 32), 'hex');
  slots constant integer := greatest(p_participants + 1, 100);
  new_ids uuid[];
begin
  with catalogue as materialized (
    select row_number() over () - 1 as n, brand_id, product_id from sambatan.products
  ), fresh as materialized (
    select n, bench.new_id() as campaign_id, jsonb_build_object('slots_taken', 0,
      'total_slots', slots, 'published', true) as metadata
    from generate_series(1, p_campaigns) n
  ), hashed as materialized (
    select f.*, sha256(zeros || sambatan.audit_content(campaign_id, 1, now_at, null,
      'campaign_created', 'service', metadata)) as hash
    from fresh f
  ), made as (
    insert into sambatan.campaigns (campaign_id, brand_id, product_id, status, total_slots,
      minimum_slots, price_per_slot, deadline, next_run_at, audit_seq, audit_hash, created_at,
      updated_at, opened_at, title)
    select h.campaign_id, c.brand_id, c.product_id, 'active', slots,
      case when p_success_every > 0 and h.n % p_success_every = 0 then 1 else slots end,
      200000, p_first_deadline + (h.n - 1) * p_spacing, p_first_deadline + (h.n - 1) * p_spacing,
      1, h.hash, now_at, now_at, now_at, 'Batch ' || md5(h.n::text)
    from hashed h
    join catalogue c on c.n = h.n % (select count(*) from catalogue)
    returning campaign_id
  ), logged as (
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, event, actor, metadata, hash)
    select campaign_id, 1, now_at, 'campaign_created', 'service', metadata, hash from hashed
  )
  select array_agg(campaign_id) into new_ids from made;

  if p_participants = 0 then
    return;
  end if;
  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, joined_at,
    updated_at, shipping_address)
  select campaign_id, bench.new_id(), gen_random_uuid(), 1, now_at, now_at,
    'Jalan Kenanga 12, RT 03/RW 05, Kelurahan Sukamaju, Bandung 40123'
  from unnest(new_ids) campaign_id, generate_series(1, p_participants);

  with entries as materialized (
    select p.campaign_id, p.participation_id, 1 + n as seq, 'user:' || p.user_id as actor,
      jsonb_build_object('quantity', 1, 'slots_taken', n, 'total_slots', slots) as metadata
    from (select q.*, row_number() over (partition by campaign_id order by participation_id) as n
      from sambatan.participants q where campaign_id = any (new_ids)) p
  ), logged as (
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event, actor,
      metadata, hash)
    select e.campaign_id, e.seq, now_at, e.participation_id, 'participant_joined', e.actor,
      e.metadata, sambatan.audit_chain(c.audit_hash, sambatan.audit_content(e.campaign_id, e.seq,
        now_at, e.participation_id, 'participant_joined', e.actor, e.metadata))
        over (partition by e.campaign_id order by e.seq rows unbounded preceding)
    from entries e join sambatan.campaigns c using (campaign_id)
    returning campaign_id, seq, hash
  )
  update sambatan.campaigns c set filled_slots = p_participants,
    participant_count = p_participants, audit_seq = l.seq, audit_hash = l.hash
  from logged l where l.campaign_id = c.campaign_id and l.seq = 1 + p_participants;
end
$$;
