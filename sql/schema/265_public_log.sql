-- The public log: keys, trees, signed checkpoints and witnesses. docs/public-log.md describes them.

-- The keys that sign checkpoints, in the order of their announcement. The private keys are not in
-- the database.
create table sambatan.log_keys (
  number integer primary key,
  -- The log name. A new name needs a new key, because the key id depends on it.
  name text not null,
  key_id bytea not null,
  public_key bytea not null,
  -- The signature of the key before over its statement about this key. Null for the first key, and
  -- for a key that replaces a lost one.
  statement bytea,
  announced_at timestamptz not null default clock_timestamp(),
  -- The time from which the key signs; null while it is only announced.
  signs_from timestamptz,
  constraint log_keys_number check (number > 0),
  constraint log_keys_name check (name ~ '^[^[:space:]+]{1,100}$'),
  constraint log_keys_lengths check (octet_length(key_id) = 4 and octet_length(public_key) = 32
    and (statement is null or octet_length(statement) = 64)),
  constraint log_keys_first check (number > 1 or statement is null)
);
create unique index log_keys_by_public_key on sambatan.log_keys (name, public_key);
-- An announced key may be withdrawn or put into use. After that its row never changes.
create trigger log_keys_append_only before update or delete on sambatan.log_keys
  for each row when (old.signs_from is not null) execute function sambatan.refuse_change();

-- The only row of this table is the mutex of the workers that build the trees: a pass locks it until
-- its commit. If the worker dies, PostgreSQL ends the lock with its connection.
create table sambatan.log_writer (
  is_the_one boolean primary key default true,
  -- The number of the next checkpoint. Checkpoints are numbered in the order of their commits.
  next_number bigint not null default 1,
  -- When a pass last ended, and the time of the oldest event that had no checkpoint then.
  passed_at timestamptz not null default clock_timestamp(),
  oldest_pending_at timestamptz,
  -- The number of campaigns whose log contradicts its tree. They get no checkpoints.
  broken_campaigns integer not null default 0,
  constraint log_writer_is_the_one check (is_the_one)
);
insert into sambatan.log_writer default values;

-- The tree of each campaign as far as it is built: the hashes of its complete subtrees, largest
-- first.
create table sambatan.log_trees (
  campaign_id uuid primary key,
  size bigint not null,
  subtrees bytea not null,
  -- True while the newest checkpoint does not mention a restore of the database.
  is_outdated boolean not null default false,
  constraint log_trees_size check (size > 0),
  constraint log_trees_subtrees check (octet_length(subtrees) % 32 = 0)
) with (fillfactor = 50);

-- Full hash tiles: 256 hashes of a level, and the root of the subtree that they form. The service
-- only adds rows; a row that was changed contradicts the checkpoints that people keep.
create table sambatan.log_tiles (
  campaign_id uuid not null,
  level smallint not null,
  number bigint not null,
  hashes bytea not null,
  root bytea not null,
  primary key (campaign_id, level, number),
  constraint log_tiles_number check (level between 0 and 7 and number >= 0),
  constraint log_tiles_lengths check (octet_length(hashes) = 8192 and octet_length(root) = 32)
);
-- Hashes cannot be compressed.
alter table sambatan.log_tiles alter column hashes set storage external;

-- Signed checkpoints. The key number gives the log name, and so the first line of the note. No
-- statement of the service changes or deletes one. There is no trigger against that, because a
-- distributed table cannot have one; receipts and witnesses show a changed checkpoint.
create table sambatan.log_checkpoints (
  campaign_id uuid not null,
  size bigint not null,
  -- The extension lines, each with its newline: one for each restore. A restore leads to a second
  -- checkpoint of the same size.
  lines text not null,
  root bytea not null,
  key_number integer not null,
  signature bytea not null,
  signed_at timestamptz not null,
  number bigint not null,
  primary key (campaign_id, size, lines),
  constraint log_checkpoints_size check (size > 0),
  constraint log_checkpoints_lengths
    check (octet_length(root) = 32 and octet_length(signature) = 64)
);
-- Witnesses read the checkpoints of all campaigns in this order.
create index log_checkpoints_by_number on sambatan.log_checkpoints (number);

-- The restores of this database from a backup. Checkpoints mention them.
create table sambatan.log_restores (
  restored_at timestamptz primary key,
  -- When the backup was begun. All events up to this time are in it.
  backup_at timestamptz not null
);
create trigger log_restores_append_only before update or delete on sambatan.log_restores
  for each row execute function sambatan.refuse_change();

-- The position of each witness in the checkpoints.
create table sambatan.log_witnesses (
  witness text primary key,
  next_number bigint not null,
  failures integer not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp()
);
