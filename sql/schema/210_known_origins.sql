-- Browsers and networks from which somebody has signed in to an account before, as keyed hashes of
-- both: requests from them have limits of their own, which strangers cannot exhaust.
create table sambatan_auth.known_origins (
  key text primary key,
  ends_at timestamptz not null
);
create index known_origins_by_end on sambatan_auth.known_origins (ends_at);

-- The browser that asked for a code, as a hash; the link of the mail signs in there without a
-- question.
alter table sambatan_auth.sign_ins add column browser_hash bytea;
-- Whether a mail with the code went out: an address that was mailed lately gets no further one.
alter table sambatan_auth.sign_ins add column is_mailed boolean not null default true;

alter table sambatan_auth.known_origins enable row level security;
revoke all on sambatan_auth.known_origins from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan_auth.known_origins from %I', browser_role);
    end if;
  end loop;
end
$$;
