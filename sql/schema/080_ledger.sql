-- Money that moves: where it is paid to, what proves it, what a bank says of it, and what becomes of
-- it on its way back to buyers and on to sellers.

-- ---------------------------------------------------------------- accounts

-- Where the platform receives transfers. One is the default.
create table sambatan.receiving_accounts (
  account_id uuid primary key,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  is_default boolean not null default false,
  is_active boolean not null default true,
  -- The last day (Asia/Jakarta) of which a statement of this account has been imported whole.
  statement_through date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (bank, number),
  constraint receiving_accounts_default_is_active check (is_active or not is_default)
);
create unique index receiving_accounts_one_default on sambatan.receiving_accounts (is_default)
  where is_default;

-- Where a buyer wants money back, and a brand its payouts: personal data.
create table sambatan.refund_accounts (
  user_id uuid primary key,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  updated_at timestamptz not null default now()
);
create table sambatan.payout_accounts (
  brand_id uuid primary key references sambatan.brands,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  updated_at timestamptz not null default now()
);

-- ---------------------------------------------------------------- campaigns and participations

-- How long after its end a hold is still left alone.
alter table sambatan.campaigns add column hold_grace_seconds integer not null default 0
  check (hold_grace_seconds between 0 and 604800);
-- Of the slots that were bought, those that the seller cannot deliver, or that were taken back.
alter table sambatan.participants add column short_slots integer not null default 0,
  add constraint participants_short_slots check (short_slots between 0 and quantity);
-- Reminders look for holds that are about to lapse, whatever their campaign.
create index participants_holds on sambatan.participants (hold_expires_at, participation_id)
  where status = 'pending_payment' and hold_expires_at is not null;

-- ---------------------------------------------------------------- movements

alter table sambatan.transactions
  -- Of a payment: the account that it is to be paid to, by when, and the few rupiah that make its
  -- amount one of a kind there. What is to be transferred is amount + unique_code.
  add column account_id uuid references sambatan.receiving_accounts,
  add column unique_code integer not null default 0 check (unique_code between 0 and 99999),
  add column pay_by timestamptz,
  -- Of a settled payment: what came above the amount and is kept with it, at most the unique code.
  add column surcharge bigint not null default 0 check (surcharge between 0 and 99999),
  -- When the buyer paid, not when somebody saw it: the moment, or the day in Asia/Jakarta where a
  -- bank or a person tells no more. It decides whether the payment was made in time.
  add column paid_at timestamptz,
  add column paid_on date,
  -- When a person last looked at the proof and did not accept it.
  add column rejected_at timestamptz,
  -- What was left of the hold when its proof stopped the clock.
  add column hold_left interval,
  -- Why a payment was rejected, a movement failed the last time, or is owed no more.
  add column reason text check (char_length(reason) between 1 and 500),
  add column attempts integer not null default 0 check (attempts >= 0),
  -- What arrived: the same receipt is never counted twice.
  add column receipt text check (char_length(receipt) between 1 and 120),
  -- The provider that carries it, and the provider's own name for it; stays when it is settled.
  add column provider text check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  add column provider_reference text check (char_length(provider_reference) between 1 and 200),
  -- Of an adjustment: what it is for, and the movement that it takes back.
  add column purpose text check (purpose in ('unique_code', 'credit', 'reversal')),
  add column reverses uuid,
  -- Of a payout: since when it may be paid out.
  add column released_at timestamptz,
  add constraint transactions_purpose check ((kind = 'adjustment') = (purpose is not null)),
  add constraint transactions_provider check ((provider is null) = (provider_reference is null)),
  add constraint transactions_reverses check ((purpose = 'reversal') = (reverses is not null)),
  add foreign key (campaign_id, reverses) references sambatan.transactions;

create index transactions_by_id on sambatan.transactions (transaction_id);
create index transactions_of_participation on sambatan.transactions (campaign_id, participation_id)
  where participation_id is not null;
create unique index transactions_by_receipt on sambatan.transactions (campaign_id, receipt)
  where receipt is not null;
create unique index transactions_by_provider
  on sambatan.transactions (provider, provider_reference) where provider is not null;
create unique index transactions_reversed_once on sambatan.transactions (campaign_id, reverses)
  where reverses is not null;
-- No two open payments to one account are of the same amount, where they have codes.
create unique index transactions_one_of_a_kind
  on sambatan.transactions (account_id, (amount + unique_code))
  where kind = 'payment' and unique_code > 0
    and status in ('due', 'proof_submitted', 'rejected', 'pending');
create index transactions_by_expected
  on sambatan.transactions (account_id, (amount + unique_code), created_at)
  where kind = 'payment' and account_id is not null;
-- The queues of operators, in order of age.
drop index sambatan.transactions_open;
create index transactions_open
  on sambatan.transactions (kind, status, created_at, transaction_id)
  where status in ('due', 'proof_submitted', 'rejected', 'pending');

create function sambatan.check_transaction_transition() returns trigger language plpgsql as $$
begin
  if (old.campaign_id, old.transaction_id, old.kind, old.cause, old.created_at)
      is distinct from (new.campaign_id, new.transaction_id, new.kind, new.cause, new.created_at)
    or (old.status in ('settled', 'void') and (old.status, old.amount, old.surcharge)
      is distinct from (new.status, new.amount, new.surcharge))
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

-- What a buyer sent to show that they paid: one file, the last one. In the database, so that every
-- process can show it.
create table sambatan.payment_proofs (
  campaign_id uuid not null,
  participation_id uuid not null,
  content_type text not null check (content_type in ('image/webp', 'application/pdf')),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_by text not null,
  uploaded_at timestamptz not null,
  primary key (campaign_id, participation_id),
  foreign key (campaign_id, participation_id) references sambatan.participants
);
-- Pictures are compressed already.
alter table sambatan.payment_proofs alter column content set storage external;

-- ---------------------------------------------------------------- what the bank says

-- 'allocated': a person has said what it pays for, and nothing of it is counted yet.
create type sambatan.statement_line_status as enum
  ('unmatched', 'ambiguous', 'allocated', 'matched', 'ignored');

-- One transfer that a bank's statement shows. The fingerprint is over what the bank says of it (day,
-- amount, description, reference, balance) and which of several equal ones it is.
create table sambatan.statement_lines (
  line_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  booked_on date not null,
  -- The moment, where the bank names it.
  booked_at timestamptz,
  amount bigint not null check (amount > 0),
  description text not null check (char_length(description) <= 500),
  reference text check (char_length(reference) between 1 and 200),
  -- The balance of the account after it, in sen.
  balance_sen bigint,
  status sambatan.statement_line_status not null default 'unmatched',
  campaign_id uuid,
  participation_id uuid,
  -- What came of it: settled, given, credited, known; divided, where its parts say so; or a person's
  -- reason to leave it alone.
  outcome text check (char_length(outcome) between 1 and 500),
  imported_by text not null,
  imported_at timestamptz not null,
  handled_by text,
  handled_at timestamptz,
  unique (account_id, fingerprint),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint statement_lines_handled check (
    (status in ('matched', 'ignored')) = (handled_at is not null)
    and (participation_id is null or status = 'matched'))
);
create index statement_lines_open on sambatan.statement_lines (booked_on, line_id)
  where status in ('unmatched', 'ambiguous', 'allocated');
create index statement_lines_open_by_amount
  on sambatan.statement_lines (account_id, amount)
  where status in ('unmatched', 'ambiguous', 'allocated');
create index statement_lines_of_account on sambatan.statement_lines (account_id, booked_on);
create index statement_lines_of_participation
  on sambatan.statement_lines (campaign_id, participation_id, amount)
  where participation_id is not null;

-- ---------------------------------------------------------------- disputes

create table sambatan.disputes (
  campaign_id uuid not null,
  dispute_id uuid not null,
  participation_id uuid not null,
  reason text not null check (char_length(reason) between 3 and 500),
  opened_by text not null,
  opened_at timestamptz not null,
  resolution text check (resolution in ('upheld', 'dismissed')),
  explanation text check (char_length(explanation) between 3 and 500),
  resolved_by text,
  resolved_at timestamptz,
  primary key (campaign_id, dispute_id),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint disputes_resolved check (
    num_nonnulls(resolution, explanation, resolved_by, resolved_at) in (0, 4))
);
create index disputes_by_id on sambatan.disputes (dispute_id);
create unique index disputes_open on sambatan.disputes (campaign_id, participation_id)
  where resolved_at is null;
create index disputes_queue on sambatan.disputes (opened_at, dispute_id)
  where resolved_at is null;

alter table sambatan.receiving_accounts enable row level security;
alter table sambatan.refund_accounts enable row level security;
alter table sambatan.payout_accounts enable row level security;
alter table sambatan.payment_proofs enable row level security;
alter table sambatan.statement_lines enable row level security;
alter table sambatan.disputes enable row level security;
revoke all on sambatan.receiving_accounts, sambatan.refund_accounts, sambatan.payout_accounts,
  sambatan.payment_proofs, sambatan.statement_lines, sambatan.disputes from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on all tables in schema sambatan from %I', browser_role);
    end if;
  end loop;
end
$$;
