-- Returns the progress of one campaign. progress is a percentage with two decimals,
-- total_contribution is in whole rupiah. Slots that are reserved for the waiting list are not
-- available. Returns no row for a campaign that does not exist.
create or replace function sambatan.campaign_progress(p_campaign_id uuid)
returns table (campaign_id uuid, total_slots integer, filled_slots integer,
  available_slots integer, progress numeric, participant_count integer,
  total_contribution bigint, status sambatan.campaign_status)
language sql stable as $$
  select c.campaign_id, c.total_slots, c.filled_slots,
    c.total_slots - c.filled_slots - c.reserved_slots,
    round(100.0 * c.filled_slots / c.total_slots, 2), c.participant_count,
    c.filled_slots * c.price_per_slot, c.status
  from sambatan.campaigns c where c.campaign_id = p_campaign_id
$$;
