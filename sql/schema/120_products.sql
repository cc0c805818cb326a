-- Products and their pictures.

create table sambatan.products (
  product_id uuid primary key,
  brand_id uuid not null references sambatan.brands,
  name text not null check (char_length(name) between 2 and 120),
  description text not null default '' check (char_length(description) <= 5000),
  -- The price in whole rupiah.
  base_price bigint not null check (base_price between 1 and 1000000000),
  weight_grams integer check (weight_grams between 1 and 1000000),
  sambatan_enabled boolean not null default false,
  picture_digest text check (picture_digest ~ '^[0-9a-f]{32}$'),
  -- The size in pixels of the largest variant.
  picture_width integer check (picture_width between 1 and 960),
  picture_height integer check (picture_height between 1 and 2880),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (brand_id, product_id),
  constraint products_picture check (
    num_nonnulls(picture_digest, picture_width, picture_height) in (0, 3))
);

-- Pictures are in the database so that every replica serves them and every backup contains them.
create table sambatan.pictures (
  digest text not null check (digest ~ '^[0-9a-f]{32}$'),
  variant text not null check (variant in ('480.webp', '960.webp', '960.jpg')),
  product_id uuid not null references sambatan.products,
  bytes bytea not null check (octet_length(bytes) between 1 and 5242880),
  created_at timestamptz not null default now(),
  primary key (digest, variant)
);
-- PostgreSQL does not compress this column, because the picture formats are compressed already.
-- (PostgreSQL 15 does not accept `storage` in `create table`.)
alter table sambatan.pictures alter column bytes set storage external;
create index pictures_by_product on sambatan.pictures (product_id);
