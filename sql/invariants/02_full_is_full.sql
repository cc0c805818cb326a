-- An open campaign is full if and only if all its slots are taken. The rule does not apply to a
-- campaign that is being closed in steps. The copies in campaign_states equal the columns of
-- campaign_details, and every campaign has a row in both tables.
select d.campaign_id, d.status, s.filled_slots, d.total_slots
from sambatan.campaign_details d
left join sambatan.campaign_states s on s.campaign_id = d.campaign_id
where (s.status, s.total_slots) is distinct from (d.status, d.total_slots)
  or (d.status in ('active', 'locked') and s.closing_outcome is null
    and (d.status = 'locked') <> (s.filled_slots = d.total_slots));
