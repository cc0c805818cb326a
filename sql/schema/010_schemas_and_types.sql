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

-- The events of the audit log. docs/events.md describes them. Events of one group are next to each
-- other, so that a range of this order finds them: participant_joined to participant_changed are
-- the events that may change the taken slots, participant_joined to dispute_resolved are about one
-- participation, and waiting_joined to waiting_closed are about one waiting-list entry.
create type sambatan.audit_event as enum (
  'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full', 'campaign_reopened',
  'campaign_verifying', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
  'deadline_extended', 'campaign_below_minimum', 'campaign_continued', 'campaign_shortfall',
  'campaign_shipped', 'payout_released', 'payout_settled', 'payout_reversed',
  'participant_joined', 'participant_confirmed', 'participant_cancelled', 'participant_refunded',
  'participant_fulfilled', 'participant_changed', 'payment_proof_submitted', 'payment_settled',
  'payment_rejected', 'payment_late', 'refund_settled', 'refund_failed', 'refund_reversed',
  'refund_doubled', 'refund_recovered', 'refund_lost', 'dispute_opened', 'dispute_resolved',
  'waiting_joined', 'waiting_offered', 'waiting_accepted', 'waiting_declined', 'waiting_lapsed',
  'waiting_withdrawn', 'waiting_closed');
create type sambatan.actor_kind as enum ('system', 'service', 'user', 'operator');

-- Returns 32 random bytes (244 bits of entropy) for the commitments of the public log.
create function sambatan.new_salt() returns bytea language sql volatile parallel safe as $$
  select uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
$$;

create function sambatan.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'SB001',
    message = format('%I.%I is append-only', tg_table_schema, tg_table_name);
end
$$;
