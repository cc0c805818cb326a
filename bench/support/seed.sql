-- Inserts many campaigns as if they had been created and joined over HTTP: the audit log is
-- complete and the invariants hold. Used by benchmarks only.
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

-- Inserts active campaigns. One of every p_success_every campaigns has enough participants to
-- succeed. The minimum of the others is all of their slots, and at least one slot is free, so they
-- fail. If p_success_every is 0, all of them fail. Each participant takes one slot. With p_ended, the
-- campaigns have failed, and each participation has a second event.
create function bench.seed(
  p_campaigns integer, p_slots integer, p_participants integer, p_deadline timestamptz,
  p_success_every integer, p_ended boolean
) returns void language plpgsql as $$
declare
  now_at constant timestamptz := clock_timestamp();
  new_ids uuid[];
begin
  with catalogue as materialized (
    select row_number() over () - 1 as n, brand_id, product_id from sambatan.products
  ), details as (
    insert into sambatan.campaign_details (campaign_id, brand_id, product_id, status, total_slots,
      minimum_slots, price_per_slot, deadline, created_at, opened_at, failed_at, slots_at_close,
      title)
    select bench.new_id(), c.brand_id, c.product_id,
      case when p_ended then 'expired' else 'active' end::sambatan.campaign_status, p_slots,
      case when p_success_every > 0 and g.n % p_success_every = 0 then 1 else p_slots end,
      200000, p_deadline, now_at, now_at, case when p_ended then now_at end,
      case when p_ended then p_participants end, 'Batch ' || md5(g.n::text)
    from generate_series(1, p_campaigns) g (n)
    join catalogue c on c.n = g.n % (select count(*) from catalogue)
    returning campaign_id, status, deadline
  ), states as (
    insert into sambatan.campaign_states (campaign_id, status, total_slots, filled_slots,
      logged_slots, participant_count, audit_seq, next_run_at, updated_at)
    select campaign_id, status, p_slots, live, live, live,
      case when p_ended then 2 + 2 * p_participants else 1 + p_participants end,
      case when not p_ended then deadline end, now_at
    from details, (select case when p_ended then 0 else p_participants end as live) l
    returning campaign_id
  )
  select array_agg(campaign_id) into new_ids from states;
  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, joined_at,
    updated_at, status, refunded_at, shipping_address, joined_seq)
  select campaign_id, bench.new_id(), gen_random_uuid(), 1, now_at, now_at,
    case when p_ended then 'refunded' else 'pending_payment' end::sambatan.participant_status,
    case when p_ended then now_at end,
    'Jalan Kenanga 12, RT 03/RW 05, Kelurahan Sukamaju, Bandung 40123', 1 + n
  from unnest(new_ids) campaign_id, generate_series(1, p_participants) n;

  with events as (
    select campaign_id, 1 as seq, null::uuid as participation_id, null::uuid as user_id,
      'campaign_created'::sambatan.audit_event as event, 0 as slots, 0 as taken, log_salt as salt,
      jsonb_build_object('published', true) as metadata
    from sambatan.campaign_details where campaign_id = any (new_ids)
    union all
    select campaign_id, joined_seq, participation_id, user_id, 'participant_joined', 1,
      joined_seq::integer - 1, salt, null
    from sambatan.participants where campaign_id = any (new_ids)
    union all
    select campaign_id, joined_seq + p_participants, participation_id, user_id,
      'participant_refunded', -1, p_participants + 1 - joined_seq::integer, salt,
      jsonb_build_object('quantity', 1)
    from sambatan.participants where campaign_id = any (new_ids) and p_ended
    union all
    select campaign_id, 2 + 2 * p_participants, null, null, 'campaign_failed', 0, 0, log_salt,
      jsonb_build_object('slots_taken', p_participants)
    from sambatan.campaign_details where campaign_id = any (new_ids) and p_ended
  ), committed as (
    select e.*, k.kind, sha256(e.salt || sambatan.private_record(e.participation_id, now_at, k.kind,
      e.user_id, e.event, e.metadata)) as commitment
    from events e cross join lateral (select
      case when e.user_id is null then 'service' else 'user' end::sambatan.actor_kind as kind) k
  )
  insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
    actor_kind, actor_id, slots, slots_taken, total_slots, price_per_slot, metadata, commitment,
    leaf_hash)
  select campaign_id, seq, now_at, participation_id, event, kind, user_id, slots, taken, p_slots,
    200000, metadata, commitment, sambatan.leaf_hash(sambatan.public_record(seq, now_at, event,
      slots, taken, p_slots, 200000, commitment))
  from committed order by campaign_id, seq;
end
$$;

-- Two rows per join with primary keys only: what a join costs at least, with the salt and the hash
-- that a log needs which can be verified.
create table bench.bare_participants (
  campaign_id uuid, participation_id uuid, user_id uuid, quantity integer, joined_at timestamptz,
  shipping_address text, note text, salt bytea, primary key (campaign_id, participation_id)
);
create table bench.bare_logs (
  campaign_id uuid, seq bigint, occurred_at timestamptz, participation_id uuid, event integer,
  actor uuid, slots_taken integer, hash bytea, primary key (campaign_id, seq)
);

-- Copies all participations and the log to the bare tables.
create function bench.fill_bare_tables() returns void language sql as $$
  insert into bench.bare_participants
  select campaign_id, participation_id, user_id, quantity, joined_at, shipping_address, note,
    sha256(uuid_send(participation_id))
  from sambatan.participants;
  insert into bench.bare_logs
  select campaign_id, seq, occurred_at, participation_id, 32, participation_id, 1,
    sha256(uuid_send(campaign_id) || int8send(seq))
  from sambatan.audit_logs;
$$;
