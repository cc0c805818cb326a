-- How statements of receiving accounts get in: the files, the mapping of their columns, and what each
-- line was divided into.

-- How the columns of an account's statements are read, as an operator has said once.
create table sambatan.statement_mappings (
  account_id uuid primary key references sambatan.receiving_accounts,
  mapping jsonb not null,
  saved_by text not null,
  saved_at timestamptz not null
);

-- One file. 'uploaded': kept, waiting for somebody to say that it is imported. Then a worker stores
-- its lines in batches ('storing') and matches them with payments ('matching'), until it is 'done'.
-- Imports of one account run one after the other, in the order in which they were started. The file
-- is deleted when nothing is left to do with it.
create table sambatan.statement_imports (
  import_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  state text not null check (state in ('uploaded', 'storing', 'matching', 'done', 'refused')),
  file_name text not null check (char_length(file_name) <= 200),
  file_hash bytea not null check (octet_length(file_hash) = 32),
  content bytea check (octet_length(content) between 1 and 16777216),
  -- 'auto', the name of a bank's format, or columns as an operator mapped them.
  mapping jsonb not null,
  -- The last day of which the file has every line, as an operator said.
  said_through date,
  created_by text not null,
  created_at timestamptz not null,
  started_by text,
  started_at timestamptz,
  finished_at timestamptz,
  -- Lines of the file; of these looked at, found to be new, and of the new ones perhaps known already.
  total_lines integer not null default 0 check (total_lines >= 0),
  stored_lines integer not null default 0 check (stored_lines between 0 and total_lines),
  added_lines integer not null default 0 check (added_lines between 0 and stored_lines),
  doubtful_lines integer not null default 0 check (doubtful_lines between 0 and added_lines),
  -- Rows of the file that are no incoming transfer, with the reason, row and amount of each.
  skipped_lines integer not null default 0 check (skipped_lines >= 0),
  skipped jsonb not null default '[]',
  -- Open lines of the account that fitted a payment when matching began, and those that were matched.
  to_match integer not null default 0 check (to_match >= 0),
  matched_lines integer not null default 0 check (matched_lines >= 0),
  -- Why it was refused: what the service's table of errors says of it.
  error jsonb,
  -- Who works on it, and until when nobody else does.
  lease_token uuid,
  lease_until timestamptz,
  constraint statement_imports_started check (
    (state = 'uploaded') = (started_at is null) or state = 'refused'),
  constraint statement_imports_finished check (
    (state in ('done', 'refused')) = (finished_at is not null)
    and (state in ('done', 'refused')) = (content is null)
    and (state = 'refused') = (error is not null))
);
create index statement_imports_running
  on sambatan.statement_imports (account_id, started_at, import_id)
  where state in ('storing', 'matching');
create index statement_imports_by_time on sambatan.statement_imports (created_at, import_id);
create index statement_imports_waiting on sambatan.statement_imports (created_at)
  where state = 'uploaded';
alter table sambatan.statement_imports alter column content set storage external;

alter table sambatan.statement_lines
  -- The import that brought it, and its place in the file.
  add column import_id uuid references sambatan.statement_imports,
  add column position integer check (position >= 0),
  -- Another line of this account that may be the same transfer: no payment is matched with it before
  -- a person has looked.
  add column duplicate_of uuid references sambatan.statement_lines;
create index statement_lines_of_import on sambatan.statement_lines (import_id, position)
  where import_id is not null;

-- What a line is for: one part for each participation. A person's division adds up to the line at most
-- while it is 'allocated', and exactly once it is counted. Lines that pay for one participation
-- together share a receipt. The participation may still be an offer that becomes one by being paid.
create table sambatan.statement_line_parts (
  line_id uuid not null references sambatan.statement_lines,
  part integer not null check (part between 1 and 50),
  campaign_id uuid not null,
  participation_id uuid not null,
  amount bigint not null check (amount > 0),
  said_by text not null,
  said_at timestamptz not null,
  -- What came of it, once it is counted: settled, given, credited or known.
  outcome text check (outcome in ('settled', 'given', 'credited', 'known')),
  receipt text check (char_length(receipt) between 1 and 120),
  primary key (line_id, part),
  constraint statement_line_parts_counted check ((outcome is null) = (receipt is null))
);
create index statement_line_parts_of_participation
  on sambatan.statement_line_parts (campaign_id, participation_id);

alter table sambatan.statement_mappings enable row level security;
alter table sambatan.statement_imports enable row level security;
alter table sambatan.statement_line_parts enable row level security;
revoke all on sambatan.statement_mappings, sambatan.statement_imports,
  sambatan.statement_line_parts from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.statement_mappings, sambatan.statement_imports,
        sambatan.statement_line_parts from %I', browser_role);
    end if;
  end loop;
end
$$;
