-- Verifies the audit chain of one campaign, or of all campaigns if p_campaign_id is null. Returns
-- the first broken row of each chain: a row that is missing, a row whose hash does not match its
-- content, or a row that contradicts the head of the chain.
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
    select c.campaign_id, least(l.seq, c.head) + (l.seq <> c.head)::integer as seq,
      case when l.seq < c.head then 'row missing, and all after it'
        when l.seq > c.head then 'row beyond the head of the chain'
        else 'the last row is not the head of the chain' end as problem
    from (
      -- The first audit row of a campaign records its creation, so every campaign has at least one
      -- row.
      select campaign_id, greatest(audit_seq, 1) as head, audit_hash from sambatan.campaigns
      where p_campaign_id is null or campaign_id = p_campaign_id) c
    cross join lateral (
      select coalesce(max(a.seq), 0) as seq from sambatan.audit_logs a
      where a.campaign_id = c.campaign_id) l
    left join sambatan.audit_logs a on a.campaign_id = c.campaign_id and a.seq = l.seq
    where l.seq <> c.head or a.hash is distinct from c.audit_hash
  )
  select distinct on (b.campaign_id) b.campaign_id, b.seq, b.problem
  from (select * from rows_broken union all select * from heads_broken) b
  order by b.campaign_id, b.seq
$$;
