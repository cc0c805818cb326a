-- Idempotency keys of requests that change something. The row is written in the transaction of the
-- change, so that a request sent again finds either both or neither. Joins and waiting lists have
-- keys of their own (idempotency_keys), which belong to their campaign.
create table sambatan.request_keys (
  -- How the audit log names the caller.
  caller text not null check (char_length(caller) between 1 and 60),
  key text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- What the change gave (v8.serialize): what an answer is made of that was never stored.
  result bytea,
  -- The answer as it was sent; null until then.
  status smallint check (status between 200 and 299),
  content_type text,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, key)
);
create index request_keys_by_time on sambatan.request_keys (created_at);

alter table sambatan.request_keys enable row level security;
revoke all on table sambatan.request_keys from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.request_keys from %I', browser_role);
    end if;
  end loop;
end
$$;
