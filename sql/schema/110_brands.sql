-- Brands, their members, and invitations to become a member.

create table sambatan.brands (
  brand_id uuid primary key,
  name text not null check (char_length(name) between 2 and 80),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table sambatan.brand_members (
  brand_id uuid not null references sambatan.brands,
  user_id uuid not null,
  role sambatan.brand_role not null,
  created_at timestamptz not null default now(),
  primary key (brand_id, user_id)
);
create index brand_members_by_user on sambatan.brand_members (user_id);

create table sambatan.brand_invitations (
  invitation_id uuid primary key,
  brand_id uuid not null references sambatan.brands,
  email text not null check (char_length(email) between 3 and 254 and email like '%_@_%'),
  role sambatan.brand_role not null check (role <> 'owner'),
  -- SHA-256 of the token in the link. Only the e-mail contains the token itself.
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  invited_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  cancelled_at timestamptz,
  accepted_at timestamptz,
  accepted_by uuid,
  constraint brand_invitations_end check (
    (accepted_at is null) = (accepted_by is null)
    and num_nonnulls(accepted_at, cancelled_at) <= 1)
);
create unique index brand_invitations_open on sambatan.brand_invitations (brand_id, lower(email))
  where accepted_at is null and cancelled_at is null;
create index brand_invitations_by_brand on sambatan.brand_invitations (brand_id, created_at);
create index brand_invitations_by_expiry on sambatan.brand_invitations (expires_at);
-- Used by the export and the deletion of a person's data, which include invitations sent to that
-- person.
create index brand_invitations_by_email on sambatan.brand_invitations (lower(email));
