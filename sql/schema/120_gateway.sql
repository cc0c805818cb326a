-- What a payment gateway was asked for: one row per order or refund, under the name of ours that the
-- provider knows it by, written before the provider is called. `unknown` until it is known what came
-- of the call; an `open` order waits for its buyer; `made` and `not_made` are final. A row outlives
-- the payment that it was for: money that comes after a hold lapsed is still looked for and counted.
create table sambatan.gateway_calls (
  campaign_id uuid not null,
  reference text not null check (reference ~ '^[A-Za-z0-9-]{8,50}$'),
  transaction_id uuid not null,
  participation_id uuid not null,
  kind sambatan.transaction_kind not null check (kind in ('payment', 'refund')),
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  -- The order at the provider: of a payment its own reference, of a refund that of the payment.
  order_reference text not null check (order_reference ~ '^[A-Za-z0-9-]{8,50}$'),
  amount bigint not null check (amount > 0),
  status text not null default 'unknown' check (status in ('unknown', 'open', 'made', 'not_made')),
  redirect_url text check (char_length(redirect_url) between 1 and 2000),
  attempts integer not null default 0 check (attempts >= 0),
  -- When it is asked after next; null when there is nothing more to ask.
  next_check_at timestamptz,
  -- An order can be paid until then; its payment is to be paid by then, too.
  payable_until timestamptz,
  -- After it an order that nobody began to pay cannot be paid any more.
  expires_at timestamptz not null,
  created_at timestamptz not null,
  primary key (campaign_id, reference),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint gateway_calls_closed check ((next_check_at is null) = (status in ('made', 'not_made')))
);
create unique index gateway_calls_by_reference on sambatan.gateway_calls (reference);
create index gateway_calls_of_movement on sambatan.gateway_calls (campaign_id, transaction_id);
create index gateway_calls_due on sambatan.gateway_calls (next_check_at)
  where next_check_at is not null;

alter table sambatan.gateway_calls enable row level security;
revoke all on sambatan.gateway_calls from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.gateway_calls from %I', browser_role);
    end if;
  end loop;
end
$$;
