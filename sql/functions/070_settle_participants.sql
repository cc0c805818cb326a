-- One short step: settles up to p_limit of a campaign's participations, with their audit rows and
-- the money that falls due, and gives how many it settled. While the campaign is being closed, as
-- the closing demands; before that, it lets go those whose hold has lapsed, and a campaign that was
-- full takes joins again (that event is the caller's). The caller holds the campaign's row and stores
-- what becomes of it in c.
create or replace function sambatan.settle_participants(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer, out settled integer
) language plpgsql set enable_seqscan = off as $$
declare
  by_actor constant text := coalesce(c.closing_actor, 'system');
  s record;
begin
  with picked as materialized (
    select p.participation_id, p.quantity, p.status as from_status,
      case when c.closing_as = 'fulfilled' then
        case c.payment_timing when 'on_completion' then 'confirmed' else 'cancelled' end
      when c.closing_as is null then 'cancelled'
      else 'refunded' end::sambatan.participant_status as to_status
    from (
      (select participation_id, quantity, status from sambatan.participants
      where c.closing_as is null and campaign_id = c.campaign_id and status = 'pending_payment'
        and hold_expires_at <= p_at - c.hold_grace_seconds * interval '1 second'
      order by hold_expires_at, participation_id limit p_limit)
      union all
      (select participation_id, quantity, status from sambatan.participants
      where c.closing_as is not null and campaign_id = c.campaign_id
        and (status = 'pending_payment'
          or (status = 'confirmed' and c.closing_as <> 'fulfilled'))
      order by status, participation_id limit p_limit)
    ) p
  ), moved as (
    update sambatan.participants p set status = k.to_status, updated_at = p_at,
      confirmed_at = case k.to_status when 'confirmed' then p_at else p.confirmed_at end,
      cancelled_at = case k.to_status when 'cancelled' then p_at end,
      cancel_reason = case k.to_status when 'cancelled' then 'hold_lapsed' end,
      refunded_at = case k.to_status when 'refunded' then p_at end
    from picked k
    where p.campaign_id = c.campaign_id and p.participation_id = k.participation_id
  ), money as (
    -- Completing makes what was pledged due; refunding makes what was paid due back.
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at)
    select c.campaign_id, 'payment'::sambatan.transaction_kind, 'due'::sambatan.transaction_status,
      k.participation_id, k.quantity * c.price_per_slot,
      'payment:' || k.participation_id, by_actor, p_at
    from picked k where k.to_status = 'confirmed'
    union all
    select c.campaign_id, 'refund', 'due', k.participation_id, t.amount + t.surcharge,
      'refund:' || k.participation_id, by_actor, p_at
    from picked k
    join sambatan.transactions t on t.campaign_id = c.campaign_id
      and t.cause = 'payment:' || k.participation_id and t.status = 'settled'
    where k.to_status = 'refunded' and k.from_status = 'confirmed'
  ), events as materialized (
    select e.*, sum(case when to_status = 'confirmed' then 0 else quantity end)
        over (order by n) as slots_freed
    from (select k.*, row_number() over (order by from_status, participation_id) as n
      from picked k) e
  ), entries as materialized (
    select e.n, c.audit_seq + e.n as seq, e.participation_id, 'participant_' || e.to_status as event,
      jsonb_strip_nulls(jsonb_build_object('quantity', e.quantity,
        'reason', case e.to_status when 'cancelled' then 'hold_lapsed' end,
        'slots_taken', c.filled_slots - e.slots_freed, 'total_slots', c.total_slots)) as metadata
    from events e
  ), logged as (
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event, actor,
      metadata, hash)
    select c.campaign_id, e.seq, p_at, e.participation_id, e.event, by_actor, e.metadata,
      sambatan.audit_chain(c.audit_hash, sambatan.audit_content(c.campaign_id, e.seq, p_at,
        e.participation_id, e.event, by_actor, e.metadata))
        over (order by e.seq rows unbounded preceding)
    from entries e
    returning seq, hash
  ), head as (
    select l.seq, l.hash from logged l order by l.seq desc limit 1
  ), sums as (
    select count(*)::integer as n,
      coalesce(sum(quantity) filter (where to_status <> 'confirmed'), 0)::integer as freed,
      (count(*) filter (where to_status <> 'confirmed'))::integer as left_count,
      coalesce(sum(quantity) filter (where to_status = 'confirmed'), 0)::integer as confirmed,
      coalesce(sum(quantity) filter (where from_status = 'confirmed'), 0)::integer as unconfirmed
    from picked
  )
  select sums.*, h.seq, h.hash into s from sums left join head h on true;

  settled := s.n;
  if settled = 0 then
    return;
  end if;
  c.filled_slots := c.filled_slots - s.freed;
  c.participant_count := c.participant_count - s.left_count;
  c.confirmed_slots := c.confirmed_slots + s.confirmed - s.unconfirmed;
  if c.closing_as is null then
    c.status := 'active';
    c.filled_at := null;
  end if;
  c.audit_seq := s.seq;
  c.audit_hash := s.hash;
  c.updated_at := p_at;
end
$$;
