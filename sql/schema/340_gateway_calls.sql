-- Calls to a payment gateway: one row per order or refund, written before the provider is called.
-- Status unknown: the result of the call is not known yet. Status open: the order waits until its
-- buyer pays. The statuses made and not_made are final. A row stays open even if its payment
-- becomes void, so that money that arrives after a hold has lapsed is still found and counted.
create table sambatan.gateway_calls (
  campaign_id uuid not null,
  -- The id that the service chose for the call. The provider stores it too.
  reference text not null check (reference ~ '^[A-Za-z0-9-]{8,50}$'),
  transaction_id uuid not null,
  participation_id uuid not null,
  kind sambatan.transaction_kind not null check (kind in ('payment', 'refund')),
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  -- The reference of the provider's order. In the row of a payment, it equals the column reference.
  -- In the row of a refund, it is the reference of the payment that is refunded.
  order_reference text not null check (order_reference ~ '^[A-Za-z0-9-]{8,50}$'),
  amount bigint not null check (amount > 0),
  status text not null default 'unknown' check (status in ('unknown', 'open', 'made', 'not_made')),
  redirect_url text check (char_length(redirect_url) between 1 and 2000),
  attempts integer not null default 0 check (attempts >= 0),
  -- When to ask the provider for the status again. Null: the status is final.
  next_check_at timestamptz,
  -- The latest time at which the buyer can pay the order. It is never later than the pay_by of the
  -- payment.
  payable_until timestamptz,
  -- An order whose payment nobody has started cannot be paid after this time.
  expires_at timestamptz not null,
  created_at timestamptz not null,
  primary key (campaign_id, reference),
  constraint gateway_calls_closed check ((next_check_at is null) = (status in ('made', 'not_made')))
);
create unique index gateway_calls_by_reference on sambatan.gateway_calls (reference);
create index gateway_calls_of_ledger_entry on sambatan.gateway_calls (campaign_id, transaction_id);
create index gateway_calls_due on sambatan.gateway_calls (next_check_at)
  where next_check_at is not null;
-- A provider's notification contains the reference of an order; this index finds the refunds of
-- that order.
create index gateway_calls_refunds_of_order
  on sambatan.gateway_calls (campaign_id, order_reference) where kind = 'refund';
