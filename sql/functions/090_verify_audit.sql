-- Walks the audit chains of one campaign, or of all with null, and gives the first broken row of
-- each: a row that is missing, does not hash to what it says, or a head that is not the last row.
create or replace function sambatan.verify_audit(p_campaign_id uuid default null)
returns table (campaign_id uuid, seq bigint, problem text)
language sql stable as $$
  with linked as (
    select a.*, lag(a.seq, 1, 0::bigint) over chain as previous_seq,
      lag(a.hash, 1, decode(repeat('00', 32), 'hex')) over chain as previous_hash
    from sambatan.audit_logs a
    where p_campaign_id is null or a.campaign_id = p_campaign_id
    window chain as (partition by a.campaign_id order by a.seq)
  ), rows_broken as (
    select l.campaign_id, l.seq,
      case when l.seq <> l.previous_seq + 1 then 'row missing before it'
        else 'content does not match its hash' end as problem
    from linked l
    where l.seq <> l.previous_seq + 1 or l.hash <> sha256(l.previous_hash
      || sambatan.audit_content(l.campaign_id, l.seq, l.occurred_at, l.participation_id, l.event,
        l.actor, l.metadata))
  ), heads_broken as (
    select c.campaign_id, c.audit_seq as seq, 'the last row is not the head of the chain' as problem
    from sambatan.campaigns c
    left join sambatan.audit_logs a on a.campaign_id = c.campaign_id and a.seq = c.audit_seq
    where (p_campaign_id is null or c.campaign_id = p_campaign_id)
      and (a.hash is distinct from c.audit_hash
        or exists (select from sambatan.audit_logs later
          where later.campaign_id = c.campaign_id and later.seq > c.audit_seq))
  )
  select distinct on (b.campaign_id) b.campaign_id, b.seq, b.problem
  from (select * from rows_broken union all select * from heads_broken) b
  order by b.campaign_id, b.seq
$$;
