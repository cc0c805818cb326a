-- Appends several events of one kind in one statement, in order: one for each element of
-- p_metadata. All of them are about waiting-list entries, and none changes the taken slots. Apart
-- from that, it works like append_event.
create or replace function sambatan.append_events(
  inout c sambatan.campaigns, p_event text, p_actor text, p_at timestamptz, p_metadata jsonb[]
) language plpgsql as $$
#variable_conflict use_variable
declare
  event constant sambatan.audit_event := p_event::sambatan.audit_event;
  at constant timestamptz := greatest(p_at, c.updated_at);
  by_kind constant sambatan.actor_kind := sambatan.actor_kind_of(p_actor);
  by_id constant uuid := sambatan.actor_id_of(p_actor);
begin
  if p_metadata = '{}' then
    return;
  end if;
  insert into sambatan.audit_logs (campaign_id, seq, occurred_at, event, actor_kind, actor_id,
    slots, slots_taken, total_slots, price_per_slot, metadata, commitment, leaf_hash)
  select c.campaign_id, e.seq, at, event, by_kind, by_id, 0, c.logged_slots, c.total_slots,
    c.price_per_slot, e.metadata, e.commitment,
    sambatan.leaf_hash(sambatan.public_record(e.seq, at, event, 0, c.logged_slots,
      c.total_slots, c.price_per_slot, e.commitment))
  from (
    select c.audit_seq + m.n as seq, m.metadata,
      sha256(coalesce(w.salt, sambatan.new_salt())
        || sambatan.private_record(null, at, by_kind, by_id, event, m.metadata)) as commitment
    from unnest(p_metadata) with ordinality as m (metadata, n)
    left join sambatan.waiting_entries w on w.campaign_id = c.campaign_id
      and w.entry_id = (m.metadata ->> 'entry_id')::uuid
    -- Without this, the commitment would be computed twice.
    offset 0) e;
  c.audit_seq := c.audit_seq + cardinality(p_metadata);
  c.updated_at := at;
end
$$;
