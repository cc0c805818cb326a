-- Bank statements of the receiving accounts. These tables contain the meaning of the columns of a
-- file, the imported files, the lines, and what each line pays for.

-- The meaning of the columns in the statement files of an account, as an operator has set it.
create table sambatan.statement_mappings (
  account_id uuid primary key references sambatan.receiving_accounts,
  mapping jsonb not null,
  saved_by text not null,
  saved_at timestamptz not null
);

-- One uploaded file. In the state uploaded, the file is stored and waits until somebody starts the
-- import. Then a worker stores the lines in batches (storing) and matches them with payments
-- (matching), until the import is done. Imports of one account run one after the other, in the
-- order they were started. The content is deleted when the import ends.
create table sambatan.statement_imports (
  import_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  state text not null check (state in ('uploaded', 'storing', 'matching', 'done', 'refused')),
  file_name text not null check (char_length(file_name) <= 200),
  file_hash bytea not null check (octet_length(file_hash) = 32),
  content bytea check (octet_length(content) between 1 and 16777216),
  -- How to read the file: 'auto', the name of a bank's format, or the meaning of each column as set
  -- by an operator.
  mapping jsonb not null,
  -- The last day whose transfers are all in the file, if an operator entered it.
  stated_through date,
  created_by text not null,
  created_at timestamptz not null,
  started_by text,
  started_at timestamptz,
  finished_at timestamptz,
  -- The number of lines in the file, of lines processed so far, of new lines among the processed
  -- ones, and of possible duplicates among the new ones.
  total_lines integer not null default 0 check (total_lines >= 0),
  stored_lines integer not null default 0 check (stored_lines between 0 and total_lines),
  added_lines integer not null default 0 check (added_lines between 0 and stored_lines),
  doubtful_lines integer not null default 0 check (doubtful_lines between 0 and added_lines),
  -- Rows of the file that are not incoming transfers, with the reason, row and amount of each.
  skipped_lines integer not null default 0 check (skipped_lines >= 0),
  skipped jsonb not null default '[]',
  -- The number of open lines of the account that fitted a payment when matching began, and the
  -- number of lines matched so far.
  to_match integer not null default 0 check (to_match >= 0),
  matched_lines integer not null default 0 check (matched_lines >= 0),
  -- Why the import was refused: a code of the service's error table with its parameters.
  error jsonb,
  -- The lease of the worker that runs the import. Until lease_until, no other worker may run it.
  lease_token uuid,
  lease_until timestamptz,
  constraint statement_imports_started check (
    (state = 'uploaded') = (started_at is null) or state = 'refused'),
  constraint statement_imports_finished check (
    (state in ('done', 'refused')) = (finished_at is not null)
    and (state in ('done', 'refused')) = (content is null)
    and (state = 'refused') = (error is not null))
);
alter table sambatan.statement_imports alter column content set storage external;
create index statement_imports_running
  on sambatan.statement_imports (account_id, started_at, import_id)
  where state in ('storing', 'matching');
create index statement_imports_by_time on sambatan.statement_imports (created_at, import_id);
create index statement_imports_waiting on sambatan.statement_imports (created_at)
  where state = 'uploaded';

-- One incoming transfer of a bank statement.
create table sambatan.statement_lines (
  line_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  -- A hash of the bank's data (day, amount, description, reference, balance) and of the line's
  -- number among lines with equal data.
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  -- The import that added the line, and the line's position in the file.
  import_id uuid references sambatan.statement_imports,
  position integer check (position >= 0),
  -- The id of another line of the account that may be the same transfer. A line with this id is not
  -- matched with a payment until a person has checked whether it is a duplicate.
  duplicate_of uuid references sambatan.statement_lines,
  booked_on date not null,
  -- The exact time, if the bank reports it.
  booked_at timestamptz,
  amount bigint not null check (amount > 0),
  description text not null check (char_length(description) <= 500),
  reference text check (char_length(reference) between 1 and 200),
  -- The balance of the account after the transfer, in sen.
  balance_sen bigint,
  status sambatan.statement_line_status not null default 'unmatched',
  campaign_id uuid,
  participation_id uuid,
  -- The result of a handled line: settled, given, credited or known (see receive_money); divided,
  -- if each part has its own result; or the reason why a person ignored the line.
  outcome text check (char_length(outcome) between 1 and 500),
  imported_by text not null,
  imported_at timestamptz not null,
  handled_by text,
  handled_at timestamptz,
  unique (account_id, fingerprint),
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
create index statement_lines_of_import on sambatan.statement_lines (import_id, position)
  where import_id is not null;

-- What a line pays for. A line has one part for each participation. While the line is allocated,
-- the sum of its parts is at most its amount. After the line is counted, the sum equals its amount.
-- Lines that pay for one participation together share a receipt. participation_id can also be the
-- id of an unpaid offer (see the view orders).
create table sambatan.statement_line_parts (
  line_id uuid not null references sambatan.statement_lines,
  part integer not null check (part between 1 and 50),
  campaign_id uuid not null,
  participation_id uuid not null,
  amount bigint not null check (amount > 0),
  assigned_by text not null,
  assigned_at timestamptz not null,
  -- The result; null until the part is counted.
  outcome text check (outcome in ('settled', 'given', 'credited', 'known')),
  receipt text check (char_length(receipt) between 1 and 120),
  primary key (line_id, part),
  constraint statement_line_parts_counted check ((outcome is null) = (receipt is null))
);
create index statement_line_parts_of_participation
  on sambatan.statement_line_parts (campaign_id, participation_id);
