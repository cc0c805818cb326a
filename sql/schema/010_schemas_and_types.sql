-- The two schemas, the enums, and the trigger function of append-only tables.
--
-- `sambatan` holds the market. It is a separate schema because the database of a marketplace
-- already has tables such as `products` and `brands`. `sambatan_auth` holds the sign-in of the
-- stand-alone service.
--
-- Every table that belongs to a campaign starts its primary key and its foreign keys with
-- campaign_id, so that the schema can be distributed by campaign without a rewrite.
--
-- Rules that must hold for every write are checks, keys and triggers in the file of their table. No
-- browser role may access these schemas: sql/access.sql enables row-level security on every table
-- and revokes every privilege.

create schema if not exists sambatan;
create schema sambatan_auth;

create type sambatan.brand_role as enum ('owner', 'admin', 'contributor');
create type sambatan.campaign_status as enum
  ('draft', 'scheduled', 'active', 'locked', 'verifying', 'fulfilled', 'expired', 'cancelled');
create type sambatan.payment_timing as enum ('on_completion', 'upfront');
create type sambatan.participant_status as enum
  ('pending_payment', 'confirmed', 'cancelled', 'refunded', 'fulfilled');
create type sambatan.waiting_status as enum
  ('waiting', 'offered', 'accepted', 'declined', 'lapsed', 'withdrawn', 'closed');
create type sambatan.transaction_kind as enum ('payment', 'refund', 'payout', 'adjustment');
-- pending: sent to a provider, result unknown. void: no longer owed.
create type sambatan.transaction_status as enum
  ('due', 'proof_submitted', 'settled', 'rejected', 'pending', 'void');
-- allocated: a person has chosen what the line pays for, but its money is not counted yet.
create type sambatan.statement_line_status as enum
  ('unmatched', 'ambiguous', 'allocated', 'matched', 'ignored');

create function sambatan.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'SB001',
    message = format('%I.%I is append-only', tg_table_schema, tg_table_name);
end
$$;
