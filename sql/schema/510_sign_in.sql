-- Sign-in of the stand-alone service. Codes, links and sessions are stored as hashes, so reading
-- these tables is not enough to sign in.

-- An e-mail address that its owner has verified with a code or a link.
create table sambatan_auth.accounts (
  user_id uuid primary key,
  email text not null unique check (email = lower(email) and char_length(email) between 3 and 254),
  verified_at timestamptz not null default now()
);

create table sambatan_auth.sign_ins (
  sign_in_id uuid primary key,
  email text not null check (email = lower(email)),
  code_hash bytea not null,
  link_hash bytea not null unique,
  -- The browser that asked for the code. In that browser, the page of the link in the e-mail shows
  -- no warning about another browser.
  browser_hash bytea,
  -- Set for a code that confirms an existing session. Such a code does not sign in.
  session_id uuid,
  -- False if no e-mail is sent, because the address got one a short time ago.
  is_mailed boolean not null default true,
  attempts integer not null default 0 check (attempts >= 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index sign_ins_by_email on sambatan_auth.sign_ins (email);
create index sign_ins_by_end on sambatan_auth.sign_ins (expires_at);

create table sambatan_auth.sessions (
  session_id uuid primary key,
  token_hash bytea not null unique,
  user_id uuid not null,
  -- The roles from the app_metadata of the token with which the user started the session. Empty if
  -- the user signed in by e-mail.
  roles text[] not null default '{}',
  device text not null default '' check (char_length(device) <= 200),
  second_factor boolean not null default false,
  -- The last time the user proved their identity. Sensitive actions need a recent time.
  reauthenticated_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_by_user on sambatan_auth.sessions (user_id);
create index sessions_by_end on sambatan_auth.sessions (expires_at);

-- Rate limits, counted by the hash of an IP address or an e-mail address. The table is unlogged:
-- losing the counts in a crash does no harm.
create unlogged table sambatan_auth.attempts (
  key text primary key,
  attempts integer not null,
  ends_at timestamptz not null
);
create index attempts_by_end on sambatan_auth.attempts (ends_at);

-- Browsers and networks from which somebody has signed in to an account before. Each key is a keyed
-- hash of the account's e-mail address and the browser or network. Requests from these browsers and
-- networks have separate rate limits, so strangers cannot use up the limits of the account's owner.
create table sambatan_auth.known_origins (
  key text primary key,
  ends_at timestamptz not null
);
create index known_origins_by_end on sambatan_auth.known_origins (ends_at);
