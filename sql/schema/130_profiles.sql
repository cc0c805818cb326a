-- Profiles of users, and their saved addresses.

create table sambatan.profiles (
  user_id uuid primary key,
  display_name text not null check (char_length(display_name) between 1 and 80),
  email text check (char_length(email) between 3 and 254 and email like '%_@_%'),
  locale text not null default 'id' check (locale ~ '^[a-z]{2,3}(-[A-Z]{2})?$'),
  -- Deadlines are shown in this time zone.
  time_zone text not null default 'Asia/Jakarta' check (char_length(time_zone) between 1 and 64),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- This index has two uses. An invitation e-mail is written in the language of the invited person,
-- if that person has a profile already. And operators find people by e-mail address.
create index profiles_by_email on sambatan.profiles (lower(email)) where email is not null;
-- Operators find people by the beginnings of words in a name or an e-mail address.
create index profiles_by_words on sambatan.profiles using gin (
  sambatan.search_words(display_name || ' ' || coalesce(email, '')));

create table sambatan.addresses (
  user_id uuid not null,
  address_id uuid not null,
  label text not null check (char_length(label) between 1 and 40),
  recipient text not null check (char_length(recipient) between 2 and 60),
  phone text not null check (phone ~ '^\+?[0-9]{8,15}$'),
  street text not null check (char_length(street) between 5 and 120),
  province text not null check (char_length(province) between 2 and 40),
  city text not null check (char_length(city) between 2 and 40),
  district text not null check (char_length(district) between 2 and 40),
  postal_code text not null check (postal_code ~ '^[0-9]{5}$'),
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, address_id)
);
create unique index addresses_one_default on sambatan.addresses (user_id) where is_default;
create index addresses_by_phone on sambatan.addresses ((sambatan.phone_in(phone)) collate "C");
