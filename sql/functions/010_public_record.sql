-- The bytes that the public log publishes and hashes. docs/public-log.md specifies them. PostgreSQL
-- inlines these functions only if their arguments are plain columns or variables; a call that is not
-- inlined takes twenty times as long.

create or replace function sambatan.actor_kind_of(p_actor text)
returns sambatan.actor_kind language sql stable parallel safe as $$
  select split_part(p_actor, ':', 1)::sambatan.actor_kind
$$;

create or replace function sambatan.actor_id_of(p_actor text)
returns uuid language sql immutable parallel safe as $$
  select nullif(split_part(p_actor, ':', 2), '')::uuid
$$;

-- Returns the bytes of an event that nobody may see without the salt.
create or replace function sambatan.private_record(
  participation_id uuid, occurred_at timestamptz, actor_kind sambatan.actor_kind, actor_id uuid,
  event sambatan.audit_event, metadata jsonb
) returns bytea language sql stable parallel safe as $$
  select uuid_send(coalesce(participation_id, '00000000-0000-0000-0000-000000000000'))
    || timestamptz_send(occurred_at)
    || case when actor_kind = 'user' then '\x03'::bytea when actor_kind = 'operator' then '\x04'
      when actor_kind = 'system' then '\x01' else '\x02' end
    || uuid_send(coalesce(actor_id, '00000000-0000-0000-0000-000000000000'))
    || convert_to(event || '|' || coalesce(metadata::text, ''), 'UTF8')
$$;

-- Returns the code of an event in the public log. Events about one participation or one
-- waiting-list entry have a common code, so that the log does not show what happened to whom.
create or replace function sambatan.public_event_code(p_event sambatan.audit_event)
returns bytea language sql immutable parallel safe as $$
  select case
    when p_event = 'participant_joined' then '\x20'::bytea
    when p_event in ('participant_cancelled', 'participant_refunded') then '\x21'
    when p_event between 'participant_joined' and 'dispute_resolved' then '\x22'
    when p_event between 'waiting_joined' and 'waiting_closed' then '\x30'
    when p_event = 'campaign_created' then '\x01'
    when p_event = 'campaign_edited' then '\x02'
    when p_event = 'campaign_opened' then '\x03'
    when p_event = 'campaign_full' then '\x04'
    when p_event = 'campaign_reopened' then '\x05'
    when p_event = 'campaign_verifying' then '\x06'
    when p_event = 'campaign_completed' then '\x07'
    when p_event = 'campaign_failed' then '\x08'
    when p_event = 'campaign_cancelled' then '\x09'
    when p_event = 'deadline_extended' then '\x0a'
    when p_event = 'campaign_below_minimum' then '\x0b'
    when p_event = 'campaign_continued' then '\x0c'
    when p_event = 'campaign_shortfall' then '\x0d'
    when p_event = 'campaign_shipped' then '\x0e'
    when p_event = 'payout_released' then '\x0f'
    when p_event = 'payout_settled' then '\x10'
    when p_event = 'payout_reversed' then '\x11'
  end
$$;

-- Returns the first 13 bytes of a public record: version, sequence, and time in whole minutes.
create or replace function sambatan.public_record_head(seq bigint, occurred_at timestamptz)
returns bytea language sql immutable parallel safe as $$
  select '\x01'::bytea || int8send(seq)
    || int4send(floor(date_part('epoch', occurred_at at time zone 'UTC') / 60)::integer)
$$;

-- Returns the public record of an event: 66 bytes.
create or replace function sambatan.public_record(
  seq bigint, occurred_at timestamptz, event sambatan.audit_event, slots integer,
  slots_taken integer, total_slots integer, price_per_slot bigint, commitment bytea
) returns bytea language sql immutable parallel safe as $$
  select sambatan.public_record_head(seq, occurred_at) || sambatan.public_event_code(event)
    || int4send(slots) || int4send(slots_taken) || int4send(total_slots)
    || int8send(price_per_slot) || commitment
$$;

-- Returns the hash of a leaf of the campaign's tree (RFC 6962).
create or replace function sambatan.leaf_hash(public_record bytea)
returns bytea language sql immutable parallel safe as $$
  select sha256('\x00'::bytea || public_record)
$$;
