-- An open campaign is full if and only if all its slots are taken. The rule does not apply to a
-- campaign that is being closed in steps.
select campaign_id, status, filled_slots, total_slots
from sambatan.campaigns
where status in ('active', 'locked') and closing_outcome is null
  and (status = 'locked') <> (filled_slots = total_slots);
