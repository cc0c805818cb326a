-- Bank accounts: where the platform receives transfers, and where buyers and brands get money.

create table sambatan.receiving_accounts (
  account_id uuid primary key,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  is_default boolean not null default false,
  is_active boolean not null default true,
  -- The last day (Asia/Jakarta) up to which statements of this account are complete.
  statement_through date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (bank, number),
  constraint receiving_accounts_default_is_active check (is_active or not is_default)
);
create unique index receiving_accounts_one_default on sambatan.receiving_accounts (is_default)
  where is_default;

-- When statement_through changes, the lifecycle must run at once for every campaign that waits for
-- transfers to the account. A trigger ensures this, whoever changes the column. The rows of the
-- campaigns are locked in order of their ids.
create function sambatan.schedule_run_after_statement() returns trigger language plpgsql as $$
declare
  ids uuid[];
  now_at timestamptz;
begin
  select array_agg(l.campaign_id) into ids from (
    select c.campaign_id from sambatan.campaign_states c
    where c.status in ('verifying', 'fulfilled') and c.next_run_at is not null
      and exists (select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
        and t.kind = 'payment' and t.account_id = new.account_id
        and t.status in ('due', 'rejected'))
    order by c.campaign_id for no key update) l;
  now_at := clock_timestamp();
  update sambatan.campaign_states c set next_run_at = least(c.next_run_at, now_at)
    where c.campaign_id = any (ids) and c.status in ('verifying', 'fulfilled')
      and c.next_run_at is not null;
  return null;
end
$$;
create trigger receiving_accounts_statement
  after update of statement_through on sambatan.receiving_accounts
  for each row when (old.statement_through is distinct from new.statement_through)
  execute function sambatan.schedule_run_after_statement();

-- Refund and payout accounts are personal data.
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
