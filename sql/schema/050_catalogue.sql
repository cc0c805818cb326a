-- Products have a weight and a picture, and brands invite their members.
alter table sambatan.products
  add column weight_grams integer check (weight_grams between 1 and 1000000),
  add column picture_digest text check (picture_digest ~ '^[0-9a-f]{32}$'),
  -- Pixels of the largest variant.
  add column picture_width integer check (picture_width between 1 and 960),
  add column picture_height integer check (picture_height between 1 and 2880),
  add constraint products_picture check (
    num_nonnulls(picture_digest, picture_width, picture_height) in (0, 3));

-- In the database, so that every replica serves what was uploaded to another, and a backup has it.
create table sambatan.pictures (
  digest text not null check (digest ~ '^[0-9a-f]{32}$'),
  variant text not null check (variant in ('480.webp', '960.webp', '960.jpg')),
  product_id uuid not null references sambatan.products,
  bytes bytea not null check (octet_length(bytes) between 1 and 5242880),
  created_at timestamptz not null default now(),
  primary key (digest, variant)
);
-- They are compressed already.
alter table sambatan.pictures alter column bytes set storage external;
create index pictures_by_product on sambatan.pictures (product_id);

create table sambatan.brand_invitations (
  invitation_id uuid primary key,
  brand_id uuid not null references sambatan.brands,
  email text not null check (char_length(email) between 3 and 254 and email like '%_@_%'),
  role sambatan.brand_role not null check (role <> 'owner'),
  -- SHA-256 of the token in the link; the token itself is in the mail only.
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

-- Whom an invitation is written to may be known, and so their language.
create index profiles_by_email on sambatan.profiles (lower(email)) where email is not null;

-- When the deadline was last moved: who joined before that may leave without loss.
alter table sambatan.campaigns add column extended_at timestamptz;

alter table sambatan.pictures enable row level security;
alter table sambatan.brand_invitations enable row level security;
revoke all on sambatan.pictures, sambatan.brand_invitations from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.pictures, sambatan.brand_invitations from %I',
        browser_role);
    end if;
  end loop;
end
$$;
