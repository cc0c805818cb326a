-- Who came in, and what was tried: one chain for each account, as campaigns have theirs. Nothing of
-- a person but the id; no address of a network.
create table sambatan_auth.access_heads (
  user_id uuid primary key,
  seq bigint not null check (seq >= kept_after),
  hash bytea not null,
  -- Rows up to this one went with time; the hash that the first of those that stay builds on.
  kept_after bigint not null default 0 check (kept_after >= 0),
  kept_hash bytea not null default decode(repeat('00', 32), 'hex')
);

create table sambatan_auth.access_log (
  user_id uuid not null,
  seq bigint not null check (seq > 0),
  occurred_at timestamptz not null,
  event text not null check (event in (
    'code_requested', 'code_failed', 'codes_exhausted', 'signed_in', 'signed_out', 'session_ended',
    'sessions_ended', 'factor_added', 'factor_removed', 'factor_failed', 'recovery_codes_made',
    'proved_again', 'account_deleted')),
  -- By what; empty where there is nothing to say.
  method text not null check (method in ('', 'code', 'link', 'token', 'factor', 'recovery_code')),
  -- Such as "Chrome · Android": no browser says more of itself here.
  browser text not null check (char_length(browser) <= 60 and position('|' in browser) = 0),
  hash bytea not null,
  primary key (user_id, seq)
);
create index access_log_by_age on sambatan_auth.access_log (occurred_at);

-- A row may go when it is 400 days old, and never before.
create function sambatan_auth.refuse_young_access() returns trigger language plpgsql as $$
begin
  if old.occurred_at > now() - interval '400 days' then
    raise exception using errcode = 'integrity_constraint_violation',
      message = 'a row of the access log stays for 400 days';
  end if;
  return old;
end
$$;
create trigger access_log_append_only before update on sambatan_auth.access_log
  for each row execute function sambatan.refuse_change();
create trigger access_log_keeps before delete on sambatan_auth.access_log
  for each row execute function sambatan_auth.refuse_young_access();
create trigger access_log_no_truncate before truncate on sambatan_auth.access_log
  for each statement execute function sambatan.refuse_change();
create trigger access_heads_no_delete before delete on sambatan_auth.access_heads
  for each row execute function sambatan.refuse_change();
create trigger access_heads_no_truncate before truncate on sambatan_auth.access_heads
  for each statement execute function sambatan.refuse_change();

alter table sambatan_auth.access_heads enable row level security;
alter table sambatan_auth.access_log enable row level security;
revoke all on sambatan_auth.access_heads, sambatan_auth.access_log from public;
revoke all on function sambatan_auth.refuse_young_access() from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan_auth.access_heads, sambatan_auth.access_log from %I',
        browser_role);
      execute format('revoke all on function sambatan_auth.refuse_young_access() from %I',
        browser_role);
    end if;
  end loop;
end
$$;
