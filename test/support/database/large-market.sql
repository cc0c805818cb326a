-- A large data set: 100,000 campaigns (3 % open, a few full, some scheduled, the rest ended) with
-- 1,000,000 participations, and their logs, money and idempotency keys. Triggers and foreign keys
-- are off while it is inserted, so this file itself must keep the rows consistent that tests read.
-- The audit logs are not valid. Ids are computed from numbers, so that a row can refer to another
-- row without a join.
set session_replication_role = replica;
set synchronous_commit = off;
set work_mem = '256MB';
set maintenance_work_mem = '512MB';

-- Drops every index that no constraint needs, and creates it again at the end from the whole table.
-- That is a third less work than updating the indexes with every row.
create temporary table index_definitions as
  select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace::regnamespace::text like 'sambatan%'
    and not exists (select from pg_constraint where conindid = i.indexrelid);
do $$
declare name text;
begin
  for name in select d.name from index_definitions d loop
    execute 'drop index ' || name;
  end loop;
end $$;

create function pg_temp.id(kind integer, n bigint) returns uuid language sql immutable as
  $$ select (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

insert into sambatan.brands (brand_id, name)
  select pg_temp.id(1, n), 'Merek ' || n from generate_series(1, 500) n;
insert into sambatan.brand_members (brand_id, user_id, role)
  select pg_temp.id(1, n), pg_temp.id(9, n), 'owner' from generate_series(1, 500) n;
insert into sambatan.products (product_id, brand_id, name, base_price, sambatan_enabled)
  select pg_temp.id(2, n), pg_temp.id(1, n), 'Produk ' || n, 150000, true
  from generate_series(1, 500) n;

insert into sambatan.campaign_details (campaign_id, brand_id, product_id, status, total_slots,
  minimum_slots, price_per_slot, deadline, opens_at, slots_at_close, created_at, opened_at,
  completed_at, failed_at, cancelled_at, title)
select pg_temp.id(3, n), pg_temp.id(1, n % 500 + 1), pg_temp.id(2, n % 500 + 1), status, 20, 5,
  150000, at, case when status = 'scheduled' then at - interval '1 day' end,
  case when status in ('fulfilled', 'expired', 'cancelled') then 10 end,
  at - interval '10 days', case when status not in ('draft', 'scheduled') then at end,
  case when status = 'fulfilled' then at end, case when status = 'expired' then at end,
  case when status = 'cancelled' then at end,
  (string_to_array('Senja Melati Hujan Kopi Pandan Cendana Kemuning Fajar Gerimis Laut Rimba Kenanga '
    'Jahe Kayu Manis Teh Vanila Mawar Sedap Malam Gaharu Nilam Serai Jeruk Purut Cengkih Pala Embun '
    'Kabut Ombak Pasir Bambu Anggrek Tanjung Cempaka Kamboja Randu Asap Hutan Pagi', ' '))[n % 40 + 1]
    || ' batch ' || n
from (
  select n, case when n % 100 < 3 then now() + n * interval '10 seconds' + interval '1 day'
      when n % 1000 in (3, 4, 5) then now() + interval '20 days'
      else now() - n * interval '1 minute' end as at,
    case when n % 100 < 3 then 'active' when n % 1000 = 3 then 'locked'
      when n % 1000 = 4 then 'scheduled' when n % 1000 = 5 then 'draft'
      when n % 10 < 6 then 'fulfilled' when n % 10 < 9 then 'expired' else 'cancelled'
    end::sambatan.campaign_status as status
  from generate_series(1, 100000) n) c;
insert into sambatan.campaign_states (campaign_id, status, total_slots, filled_slots,
  logged_slots, participant_count, confirmed_slots, next_run_at, updated_at, audit_seq)
select campaign_id, status, total_slots,
  case when status in ('active', 'fulfilled') then 10 when status = 'locked' then 20 else 0 end,
  case when status in ('active', 'fulfilled') then 10 when status = 'locked' then 20 else 0 end,
  case when status in ('active', 'locked', 'fulfilled') then 10 else 0 end,
  case when status = 'fulfilled' then 10 else 0 end,
  case when status in ('scheduled', 'active', 'locked') then deadline end, now(), 4
from sambatan.campaign_details;

insert into sambatan.profiles (user_id, display_name, email)
  select pg_temp.id(5, n), (array['Sari', 'Budi', 'Dewi', 'Agus', 'Ratna'])[n % 5 + 1] || ' Wulan ' || n,
    'pembeli' || n || '@example.org'
  from generate_series(1, 50000) n;

-- Ten participations in each campaign. Every fiftieth participation belongs to one of a few buyers
-- who join often.
insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
  joined_at, updated_at, confirmed_at, cancelled_at, refunded_at, cancel_reason, shipping_address,
  joined_seq)
select campaign_id, pg_temp.id(4, n), pg_temp.id(5, case n % 50 when 0 then n % 1000 else n end), 1,
  status, now(), now(), case status when 'confirmed' then now() end,
  case status when 'cancelled' then now() end, case status when 'refunded' then now() end,
  case status when 'cancelled' then 'buyer' end, 'Jalan Melati 5', n % 10 + 2
from (
  select n, pg_temp.id(3, n / 10 + 1) as campaign_id,
    case when (n / 10 + 1) % 100 < 3 then 'pending_payment' when n % 40 = 0 then 'cancelled'
      when (n / 10 + 1) % 10 < 6 then 'confirmed' else 'refunded'
    end::sambatan.participant_status as status
  from generate_series(0, 999999) n) p;

insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
  actor_kind, slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
select pg_temp.id(3, n / 4 + 1), n % 4 + 1, now() - n * interval '1 second',
  case n % 4 when 0 then null else pg_temp.id(4, n) end,
  case n % 4 when 0 then 'campaign_created' else 'participant_joined' end::sambatan.audit_event,
  'service', 0, 0, 20, 150000, '', ''
from generate_series(0, 299999) n;

-- Every campaign has a tree and a checkpoint of the public log.
insert into sambatan.log_trees (campaign_id, size, subtrees)
  select campaign_id, greatest(audit_seq, 1), '' from sambatan.campaign_states;
insert into sambatan.log_checkpoints (campaign_id, size, lines, root, key_number, signature,
  signed_at, number)
select campaign_id, greatest(audit_seq, 1), '', sha256(''), 1, sha256('') || sha256(''), now(),
  row_number() over (order by campaign_id)
from sambatan.campaign_states;

insert into sambatan.transactions (campaign_id, transaction_id, kind, status, participation_id,
  amount, cause, actor, created_at, settled_at)
select pg_temp.id(3, n / 2 + 1), pg_temp.id(6, n), 'payment', 'settled', pg_temp.id(4, n), 150000,
  'payment:' || pg_temp.id(4, n), 'service', now(), now()
from generate_series(0, 99999) n;

insert into sambatan.idempotency_keys (campaign_id, user_id, key, request_hash, outcome,
  participation_id, answered_at)
select pg_temp.id(3, n / 2 + 1), pg_temp.id(5, n), 'key ' || n, '', 'joined', pg_temp.id(4, n),
  now() - n * interval '1 second'
from generate_series(0, 99999) n;

-- Five waiting-list entries for each full campaign. Each completed campaign has five closed
-- entries.
insert into sambatan.waiting_entries (campaign_id, entry_id, user_id, position, quantity, status,
  shipping_address, created_at, updated_at, closed_at)
select c.campaign_id, pg_temp.id(7, c.n * 5 + w), pg_temp.id(5, w + 7), 10 + w, 1,
  case when c.status = 'locked' then 'waiting' else 'closed' end::sambatan.waiting_status,
  'Jalan Melati 5', now(), now(), case when c.status <> 'locked' then now() end
from (
  select n, campaign_id, status from generate_series(1, 100000) n
  join sambatan.campaigns on campaign_id = pg_temp.id(3, n)
  where status in ('locked', 'fulfilled')) c
cross join generate_series(0, 4) w;
update sambatan.campaign_states set waiting_entries = 5 where status = 'locked';

set session_replication_role = origin;

-- Notifications and deliveries of past events. A few of them are being delivered now.
insert into sambatan.notification_cursors (campaign_id, seq)
  select campaign_id, audit_seq from sambatan.campaigns;
insert into sambatan.notifications (campaign_id, notification_id, user_id, event_key, kind, topic,
  params, in_app, created_at, read_at)
select pg_temp.id(3, n % 100000 + 1), pg_temp.id(6, n), pg_temp.id(5, n % 50000), 'event:' || n,
  'joined', 'orders', '{}', true, now() - interval '1 day', case when n % 10 > 0 then now() end
from generate_series(1, 200000) n;
insert into sambatan.deliveries (campaign_id, delivery_id, channel, endpoint_id, seq, status,
  attempts, next_attempt_at, created_at, finished_at)
select pg_temp.id(3, n % 100000 + 1), pg_temp.id(6, n), case n % 2 when 0 then 'email'
    else 'webhook' end, case n % 2 when 1 then pg_temp.id(8, n % 100) end,
  case n % 2 when 1 then n end, case when n % 1000 > 1 then 'delivered' else 'pending' end, 1,
  case when n % 1000 <= 1 then now() end, now() - interval '1 day',
  case when n % 1000 > 1 then now() end
from generate_series(1, 200000) n;
insert into sambatan.webhook_endpoints (endpoint_id, brand_id, url, secret)
  select pg_temp.id(8, n), pg_temp.id(1, n + 1), 'https://receiver.example/', 'whsec_x'
  from generate_series(0, 99) n;
insert into sambatan.reminders (campaign_id, user_id, kind, subject_id, due_at, done_at)
select pg_temp.id(3, n), pg_temp.id(5, n), 'deadline_day', pg_temp.id(3, n), now(),
  case when n % 1000 > 0 then now() end
from generate_series(1, 100000) n;
insert into sambatan_auth.access_heads (user_id, seq, hash)
  select pg_temp.id(5, n), 4, '' from generate_series(0, 49999) n;
insert into sambatan_auth.access_log (user_id, seq, occurred_at, event, method, browser, hash)
select pg_temp.id(5, n / 4), n % 4 + 1, now() - make_interval(mins => 200000 - n),
  case n % 2 when 0 then 'code_requested' else 'signed_in' end, 'code', 'Chrome · Android', ''
from generate_series(0, 199999) n;

do $$
declare definition text;
begin
  for definition in select d.definition from index_definitions d loop
    execute definition;
  end loop;
end $$;
drop table index_definitions;
