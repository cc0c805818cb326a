-- Verifies the audit log of one campaign, or of all campaigns if p_campaign_id is null. Returns the
-- first broken row of each log: a row that is missing, a row whose hash does not match its content
-- or whose order does not exist, a row whose numbers of slots do not follow from the row before, or a row beyond the number of
-- events that the campaign has.
create or replace function sambatan.verify_audit(p_campaign_id uuid default null)
returns table (campaign_id uuid, seq bigint, problem text)
language sql stable as $$
  with linked as (
    select a.*, lag(a.seq, 1, 0::bigint) over log as previous_seq,
      lag(a.slots_taken, 1, 0) over log as previous_slots,
      lag(a.occurred_at, 1, '-infinity') over log as previous_time
    from sambatan.audit_logs a
    where p_campaign_id is null or a.campaign_id = p_campaign_id
    window log as (partition by a.campaign_id order by a.seq)
  ), salted as (
    select l.*, case when p.participation_id is not null then p.salt
      when l.participation_id is not null then o.salt
      when l.event between 'waiting_joined' and 'waiting_closed' then w.salt
      else c.log_salt end as salt,
      case when l.participation_id is not null
          then p.participation_id is null and o.entry_id is null
        else l.event between 'waiting_joined' and 'waiting_closed' and w.entry_id is null
      end as is_without_order
    from linked l
    left join sambatan.campaigns c on c.campaign_id = l.campaign_id
    left join sambatan.participants p on p.campaign_id = l.campaign_id
      and p.participation_id = l.participation_id
    left join sambatan.waiting_entries o on p.participation_id is null
      and o.campaign_id = l.campaign_id and o.order_id = l.participation_id
    left join sambatan.waiting_entries w on w.campaign_id = l.campaign_id
      and w.entry_id = (l.metadata ->> 'entry_id')::uuid
  ), rows_broken as (
    select l.campaign_id, l.seq,
      case when l.seq <> l.previous_seq + 1 then 'row missing before it'
        when l.slots_taken <> l.previous_slots + l.slots then 'slots do not follow'
        when l.occurred_at < l.previous_time then 'earlier than the row before it'
        when l.is_without_order then 'its order or waiting-list entry is missing'
        else 'content does not match its hash' end as problem
    from salted l
    where l.seq <> l.previous_seq + 1 or l.slots_taken <> l.previous_slots + l.slots
      or l.occurred_at < l.previous_time or l.is_without_order
      or l.leaf_hash <> sambatan.leaf_hash(sambatan.public_record(l.seq, l.occurred_at, l.event,
        l.slots, l.slots_taken, l.total_slots, l.price_per_slot, l.commitment))
      -- Without a salt the account was deleted, and only the hash of the leaf can be checked.
      or l.commitment <> sha256(l.salt || sambatan.private_record(l.participation_id,
        l.occurred_at, l.actor_kind, l.actor_id, l.event, l.metadata))
  ), heads_broken as (
    select c.campaign_id, least(l.seq, c.head) + 1 as seq,
      case when l.seq < c.head then 'row missing, and all after it'
        else 'row beyond the end of the log' end as problem
    from (
      -- The first audit row of a campaign records its creation, so every campaign has at least one
      -- row.
      select campaign_id, greatest(audit_seq, 1) as head from sambatan.campaigns
      where p_campaign_id is null or campaign_id = p_campaign_id) c
    cross join lateral (
      select coalesce(max(a.seq), 0) as seq from sambatan.audit_logs a
      where a.campaign_id = c.campaign_id) l
    where l.seq <> c.head
  )
  select distinct on (b.campaign_id) b.campaign_id, b.seq, b.problem
  from (select * from rows_broken union all select * from heads_broken) b
  order by b.campaign_id, b.seq
$$;
