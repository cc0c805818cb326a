-- Sum checkpoints of the public log: what each buyer of a campaign paid, as a Merkle sum tree.
-- docs/public-log.md specifies them. They are published from the first release of a payout on. The
-- rows are never changed or deleted; there is no trigger for that, because Citus accepts none.

create table sambatan.log_sums (
  campaign_id uuid not null,
  version integer not null,
  -- The number of events in the campaign's log when the sums were computed.
  seq bigint not null,
  root_hash bytea not null,
  -- All amounts are in whole rupiah.
  paid bigint not null,
  receivable bigint not null,
  payout bigint not null,
  fee bigint not null,
  refunds bigint not null,
  kept bigint not null,
  -- The signed note.
  checkpoint text not null,
  published_at timestamptz not null default now(),
  primary key (campaign_id, version),
  constraint log_sums_version check (version > 0),
  constraint log_sums_root_hash check (octet_length(root_hash) = 32),
  constraint log_sums_amounts check (
    least(paid, receivable, payout, fee, refunds, kept) >= 0
    and paid + receivable = payout + fee + refunds + kept)
);

-- The leaves of the trees. A row is valid from its version on, until a newer row of the same order.
-- The hash is stored so that the tree of the other buyers stays the same when an account, and with
-- it the salt of its orders, is deleted.
create table sambatan.log_sum_leaves (
  campaign_id uuid not null,
  order_id uuid not null,
  version integer not null,
  hash bytea not null,
  -- What the buyer paid in whole rupiah, before refunds.
  paid bigint not null,
  primary key (campaign_id, order_id, version),
  foreign key (campaign_id, version) references sambatan.log_sums,
  constraint log_sum_leaves_hash check (octet_length(hash) = 32),
  constraint log_sum_leaves_paid check (paid >= 0)
);

-- Campaigns whose sums may have changed since the last sum checkpoint. The event consumer inserts
-- the rows, and the sum publisher deletes them.
create table sambatan.log_sums_due (
  campaign_id uuid primary key,
  -- The number of the last event that was handled.
  seq bigint not null
);
