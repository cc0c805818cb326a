-- Returns the bytes of an audit row from which its hash is computed, together with the hash of the
-- previous row. The fixed-width fields come first, and neither event nor actor can contain a '|',
-- so two different rows never have the same content.
create or replace function sambatan.audit_content(
  campaign_id uuid, seq bigint, occurred_at timestamptz,
  participation_id uuid, event text, actor text, metadata jsonb
) returns bytea language sql stable parallel safe as $$
  select uuid_send(campaign_id) || int8send(seq) || timestamptz_send(occurred_at)
    || uuid_send(coalesce(participation_id, '00000000-0000-0000-0000-000000000000'))
    || convert_to(event || '|' || actor || '|' || metadata::text, 'UTF8')
$$;
