-- Appends several events of one kind in one statement, in order: one for each element of
-- p_metadata. None of the events may be about a participation. Apart from that, it works like
-- append_event.
create or replace function sambatan.append_events(
  inout c sambatan.campaigns, p_event text, p_actor text, p_at timestamptz, p_metadata jsonb[]
) language plpgsql as $$
declare
  head record;
begin
  if p_metadata = '{}' then
    return;
  end if;
  with entries as materialized (
    select c.audit_seq + m.n as seq, jsonb_build_object(
      'slots_taken', c.filled_slots, 'total_slots', c.total_slots) || m.metadata as metadata
    from unnest(p_metadata) with ordinality as m (metadata, n)
  ), logged as (
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, event, actor, metadata, hash)
    select c.campaign_id, e.seq, p_at, p_event, p_actor, e.metadata,
      sambatan.audit_chain(c.audit_hash, sambatan.audit_content(c.campaign_id, e.seq, p_at, null,
        p_event, p_actor, e.metadata)) over (order by e.seq rows unbounded preceding)
    from entries e
    returning seq, hash
  )
  select seq, hash into head from logged order by seq desc limit 1;
  c.audit_seq := head.seq;
  c.audit_hash := head.hash;
  c.updated_at := p_at;
end
$$;
