-- An offer that is made after a campaign has succeeded is paid before it is a participation. Its id as
-- an order, which its payment, proof and refunds have, is that of the participation that it becomes.
alter table sambatan.waiting_entries
  add column order_id uuid,
  add constraint waiting_entries_order check (
    order_id is null or status <> 'waiting'),
  add constraint waiting_entries_order_is_participation check (
    order_id is null or participation_id is null or order_id = participation_id);
create index waiting_entries_by_order on sambatan.waiting_entries (order_id)
  where order_id is not null;
create unique index waiting_entries_one_order on sambatan.waiting_entries (campaign_id, order_id)
  where order_id is not null;

-- So money may belong to an order that is no participation yet, or never becomes one. An invariant
-- looks that each has one or the other.
alter table sambatan.transactions drop constraint transactions_campaign_id_participation_id_fkey;
alter table sambatan.payment_proofs
  drop constraint payment_proofs_campaign_id_participation_id_fkey;
alter table sambatan.statement_lines
  drop constraint statement_lines_campaign_id_participation_id_fkey;
alter table sambatan.gateway_calls
  drop constraint gateway_calls_campaign_id_participation_id_fkey;

-- Whatever money can be about: participations, and offers after success that are none yet.
create view sambatan.orders as
  select campaign_id, participation_id, user_id, quantity, false as is_offer
  from sambatan.participants
  union all
  select campaign_id, order_id, user_id, quantity, true
  from sambatan.waiting_entries
  where order_id is not null and participation_id is null;
revoke all on sambatan.orders from public;
-- A view reads with its owner's rights: row-level security would not keep browsers out.
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.orders from %I', browser_role);
    end if;
  end loop;
end
$$;
