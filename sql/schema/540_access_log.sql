-- The access log: sign-ins and failed attempts. Each account has a separate hash chain. A
-- row identifies the person only by id, and contains no network address.

create table sambatan_auth.access_heads (
  user_id uuid primary key,
  seq bigint not null check (seq >= kept_after),
  hash bytea not null,
  -- Rows with a seq up to kept_after were deleted at the end of their retention. kept_hash is the
  -- hash of the last deleted row; the hash of the first remaining row depends on it.
  kept_after bigint not null default 0 check (kept_after >= 0),
  kept_hash bytea not null default decode(repeat('00', 32), 'hex')
);
create trigger access_heads_no_delete before delete on sambatan_auth.access_heads
  for each row execute function sambatan.refuse_change();
create trigger access_heads_no_truncate before truncate on sambatan_auth.access_heads
  for each statement execute function sambatan.refuse_change();

create table sambatan_auth.access_log (
  user_id uuid not null,
  seq bigint not null check (seq > 0),
  occurred_at timestamptz not null,
  event text not null check (event in (
    'code_requested', 'code_failed', 'codes_exhausted', 'signed_in', 'signed_out', 'session_ended',
    'sessions_ended', 'factor_added', 'factor_removed', 'factor_failed', 'recovery_codes_made',
    'proved_again', 'account_deleted')),
  -- Empty if the event has no method.
  method text not null check (method in ('', 'code', 'link', 'token', 'factor', 'recovery_code')),
  -- The browser, such as "Chrome · Android"; nothing more of the user agent is stored.
  browser text not null check (char_length(browser) <= 60 and position('|' in browser) = 0),
  hash bytea not null,
  primary key (user_id, seq)
);
create index access_log_by_age on sambatan_auth.access_log (occurred_at);

-- A row may be deleted when it is 400 days old, and not before.
create function sambatan_auth.refuse_recent_access() returns trigger language plpgsql as $$
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
  for each row execute function sambatan_auth.refuse_recent_access();
create trigger access_log_no_truncate before truncate on sambatan_auth.access_log
  for each statement execute function sambatan.refuse_change();
