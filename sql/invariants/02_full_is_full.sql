-- full ⇔ an open campaign whose slots are all taken. One that is being closed in steps is neither.
select campaign_id, status, filled_slots, total_slots
from sambatan.campaigns
where status in ('active', 'locked') and closing_outcome is null
  and (status = 'locked') <> (filled_slots = total_slots);
