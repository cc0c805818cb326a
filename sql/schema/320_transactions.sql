-- The ledger: payments, refunds, payouts and adjustments. A row is never deleted, and a settled row
-- keeps its amount.

create table sambatan.transactions (
  campaign_id uuid not null references sambatan.campaign_details,
  transaction_id uuid not null default gen_random_uuid(),
  kind sambatan.transaction_kind not null,
  status sambatan.transaction_status not null default 'due',
  -- The participation or the unpaid offer that this row belongs to (see the view orders).
  participation_id uuid,
  -- The amount in whole rupiah. Only an adjustment may be negative.
  amount bigint not null,
  -- For payments: the buyer transfers amount + unique_code. No other open payment to the same
  -- account has the same sum.
  unique_code integer not null default 0 check (unique_code between 0 and 99999),
  -- For settled payments: the rupiah that were received above the amount and are kept. They are at
  -- most the unique code.
  surcharge bigint not null default 0 check (surcharge between 0 and 99999),
  -- Why the row exists, for example 'payment:' and the id of the participation. A campaign has at
  -- most one row for each cause.
  cause text not null check (char_length(cause) between 1 and 120),
  actor text not null,
  reference text check (char_length(reference) <= 200),
  -- For payments: the account to transfer to, and the latest time to pay.
  account_id uuid references sambatan.receiving_accounts,
  pay_by timestamptz,
  -- When the buyer paid, not when the service noticed the payment. paid_at is the exact time.
  -- paid_on is the day (Asia/Jakarta), if the bank or a person reports no time. These columns
  -- decide whether the payment was in time.
  paid_at timestamptz,
  paid_on date,
  -- When a person last rejected the proof.
  rejected_at timestamptz,
  -- How much time of the hold was left when the buyer uploaded a proof of payment, which pauses the
  -- hold.
  hold_left interval,
  -- Why a payment was rejected, why the last attempt failed, or why nothing is owed any more.
  reason text check (char_length(reason) between 1 and 500),
  attempts integer not null default 0 check (attempts >= 0),
  -- Identifies the money that was received, for example 'line:' and the id of a statement line.
  -- Money with the same receipt is never counted twice.
  receipt text check (char_length(receipt) between 1 and 120),
  -- The payment provider, and the provider's id for this row. Both stay when the row is settled.
  provider text check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  provider_reference text check (char_length(provider_reference) between 1 and 200),
  -- For adjustments: the purpose, and the row that a reversal reverses. overpaid_refund: a refund
  -- reached its buyer twice; this row is the amount that the buyer must send back.
  purpose text check (purpose in ('unique_code', 'credit', 'reversal', 'overpaid_refund')),
  reverses uuid,
  -- The time of the payment, stored only in some refunds: the buyer paid in time, but the service
  -- noticed the money after other buyers had got the slots. Until the refund is sent, the buyer may
  -- choose the front of the waiting list instead of the money.
  paid_in_time timestamptz,
  -- For payouts: the time of the release. From then on the payout may be sent.
  released_at timestamptz,
  created_at timestamptz not null,
  settled_at timestamptz,
  primary key (campaign_id, transaction_id),
  unique (campaign_id, cause),
  foreign key (campaign_id, reverses) references sambatan.transactions,
  constraint transactions_amount check (amount > 0 or (kind = 'adjustment' and amount <> 0)),
  constraint transactions_settled_at check ((status = 'settled') = (settled_at is not null)),
  constraint transactions_of_participation check (
    (kind in ('payment', 'refund')) <= (participation_id is not null)),
  constraint transactions_purpose check ((kind = 'adjustment') = (purpose is not null)),
  constraint transactions_provider check ((provider is null) = (provider_reference is null)),
  constraint transactions_paid_in_time check (paid_in_time is null or kind = 'refund'),
  constraint transactions_reverses check ((purpose = 'reversal') = (reverses is not null))
);
create index transactions_by_kind on sambatan.transactions (campaign_id, kind, status);
create index transactions_by_id on sambatan.transactions (transaction_id);
create index transactions_of_participation on sambatan.transactions (campaign_id, participation_id)
  where participation_id is not null;
create unique index transactions_by_receipt on sambatan.transactions (campaign_id, receipt)
  where receipt is not null;
create unique index transactions_by_provider
  on sambatan.transactions (provider, provider_reference) where provider is not null;
create unique index transactions_reversed_once on sambatan.transactions (campaign_id, reverses)
  where reverses is not null;
-- No two open payments with a unique code to the same account have the same sum to transfer.
create unique index transactions_one_of_a_kind
  on sambatan.transactions (account_id, (amount + unique_code))
  where kind = 'payment' and unique_code > 0
    and status in ('due', 'proof_submitted', 'rejected', 'pending');
create index transactions_by_expected
  on sambatan.transactions (account_id, (amount + unique_code), created_at)
  where kind = 'payment' and account_id is not null;
-- Used by the work queues of operators, oldest item first.
create index transactions_open
  on sambatan.transactions (kind, status, created_at, transaction_id)
  where status in ('due', 'proof_submitted', 'rejected', 'pending');
-- Refunds and payouts that were sent, newest first. Operators search them when a transfer came
-- back.
create index transactions_made on sambatan.transactions (kind, settled_at desc, transaction_id)
  where status = 'settled' and kind in ('refund', 'payout');
-- Used by the list of overdue payments.
create index transactions_by_pay_by on sambatan.transactions (pay_by, transaction_id)
  where kind = 'payment' and status in ('due', 'rejected') and pay_by is not null;

-- A settled or void row keeps its status and amounts. The one exception: an overpaid refund that
-- was written off can still be recovered.
create function sambatan.check_transaction_transition() returns trigger
language plpgsql as $$
begin
  if (old.campaign_id, old.transaction_id, old.kind, old.cause, old.created_at)
      is distinct from (new.campaign_id, new.transaction_id, new.kind, new.cause, new.created_at)
    or (old.status in ('settled', 'void') and (old.status, old.amount, old.surcharge)
        is distinct from (new.status, new.amount, new.surcharge)
      and (old.purpose, old.status::text, new.status::text, new.amount)
        is distinct from ('overpaid_refund', 'void', 'settled', old.amount))
    or (old.status = 'pending' and new.status = 'proof_submitted')
  then
    raise exception using errcode = 'SB001',
      message = format('a movement that is %s may not be changed like that', old.status);
  end if;
  return new;
end
$$;
create trigger transactions_transition before update on sambatan.transactions
  for each row execute function sambatan.check_transaction_transition();
create trigger transactions_no_delete before delete on sambatan.transactions
  for each row execute function sambatan.refuse_change();
create trigger transactions_no_truncate before truncate on sambatan.transactions
  for each statement execute function sambatan.refuse_change();
