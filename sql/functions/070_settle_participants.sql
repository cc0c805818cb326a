-- Stores the rows that settle_step collected for one or more campaigns, except the rows of the
-- campaigns themselves. It uses one SQL statement per table: PostgreSQL prepares the checks,
-- indexes and keys of a table once per SQL statement, which takes several times as long as writing
-- a row.
create or replace function sambatan.apply_writes(p_writes sambatan.pending_writes)
returns void language plpgsql set enable_seqscan = off as $$
begin
  if p_writes.moves <> '{}' then
    update sambatan.participants p set status = m.status, updated_at = m.moved_at,
      confirmed_at = case m.status when 'confirmed' then m.moved_at else p.confirmed_at end,
      cancelled_at = case m.status when 'cancelled' then m.moved_at end,
      cancel_reason = case m.status when 'cancelled' then 'hold_lapsed' end,
      refunded_at = case m.status when 'refunded' then m.moved_at end
    from unnest(p_writes.moves) m
    where p.campaign_id = m.campaign_id and p.participation_id = m.participation_id;
  end if;
  if p_writes.dues <> '{}' then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, pay_by)
    select campaign_id, kind, 'due', participation_id, amount, cause, actor, created_at, pay_by
    from unnest(p_writes.dues);
  end if;
  if p_writes.entries <> '{}' then
    insert into sambatan.audit_logs select * from unnest(p_writes.entries);
  end if;
end
$$;

-- Runs one short step: computes the new status of up to p_limit participations of a campaign, and
-- collects their audit rows and the ledger rows that become due. Returns the number of these
-- participations. While the campaign is being closed, each participation gets the status that
-- follows from the outcome. Before that, the step only cancels participations whose hold has
-- lapsed. A full campaign then accepts joins again; the caller records that event. The caller has
-- locked the campaign's row and stores c and the writes.
create or replace function sambatan.settle_participants(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer, out settled integer,
  out writes sambatan.pending_writes
) language plpgsql set enable_seqscan = off as $$
declare
  by_actor constant text := coalesce(c.closing_actor, 'system');
  by_kind constant sambatan.actor_kind := sambatan.actor_kind_of(by_actor);
  by_id constant uuid := sambatan.actor_id_of(by_actor);
  logged_at constant timestamptz := greatest(p_at, c.updated_at);
  s record;
begin
  settled := 0;
  writes := row('{}', '{}', '{}');
  -- Preparing the statement below takes longer than running it for a few participations.
  if c.participant_count = 0 then
    return;
  end if;
  with picked as materialized (
    select p.participation_id, p.quantity, p.salt, p.status as from_status,
      case when c.closing_outcome = 'fulfilled' then
        case when c.payment_timing = 'on_completion' then 'confirmed' else 'cancelled' end
      when c.closing_outcome is null then 'cancelled'
      else 'refunded' end::sambatan.participant_status as to_status
    from (
      (select participation_id, quantity, salt, status from sambatan.participants
      where c.closing_outcome is null and campaign_id = c.campaign_id and status = 'pending_payment'
        and hold_expires_at <= p_at - c.hold_grace_seconds * interval '1 second'
      order by hold_expires_at, participation_id limit p_limit)
      union all
      (select participation_id, quantity, salt, status from sambatan.participants
      where c.closing_outcome is not null and campaign_id = c.campaign_id
        and participation_id > coalesce(c.closed_until, '00000000-0000-0000-0000-000000000000')
        and (status = 'pending_payment'
          or (status = 'confirmed' and c.closing_outcome <> 'fulfilled'))
      order by participation_id limit p_limit)
    ) p
  ), money as (
    -- If the campaign completes, the payments of its participations become due. If it fails or is
    -- cancelled, refunds of the paid money become due. Amounts whose refund is already due or sent
    -- are subtracted.
    select row(c.campaign_id, 'payment', k.participation_id, k.quantity * c.price_per_slot,
      'payment:' || k.participation_id, by_actor, p_at,
      p_at + (c.payment_term_seconds + c.payment_grace_seconds) * interval '1 second')
      ::sambatan.due_ledger_entry as due
    from picked k where k.to_status = 'confirmed'
    union all
    select row(c.campaign_id, 'refund', k.participation_id, t.amount + t.surcharge - b.given_back,
      'refund:' || k.participation_id, by_actor, p_at, null)::sambatan.due_ledger_entry
    from picked k
    join sambatan.transactions t on t.campaign_id = c.campaign_id
      and t.cause = 'payment:' || k.participation_id and t.status = 'settled'
    cross join lateral (
      select coalesce(sum(x.amount), 0)::bigint as given_back from sambatan.transactions x
      where x.campaign_id = c.campaign_id and x.participation_id = k.participation_id
        and x.kind = 'refund' and x.status <> 'void'
        and x.cause !~ '^(refund:credit|again|doubled):') b
    where k.to_status = 'refunded' and k.from_status = 'confirmed'
      and t.amount + t.surcharge > b.given_back
  ), events as materialized (
    select e.*, sum(case when to_status = 'confirmed' then 0 else quantity end)
        over (order by n) as slots_freed
    from (select k.*, row_number() over (order by participation_id) as n
      from picked k) e
  ), entries as materialized (
    select c.audit_seq + e.n as seq, e.participation_id,
      ('participant_' || e.to_status)::sambatan.audit_event as event,
      case when e.to_status = 'confirmed' then 0 else -e.quantity end as slots,
      (c.filled_slots - e.slots_freed)::integer as slots_taken,
      coalesce(e.salt, sambatan.new_salt()) as salt,
      jsonb_strip_nulls(jsonb_build_object('quantity', e.quantity,
        'reason', case when e.to_status = 'cancelled' then 'hold_lapsed' end)) as metadata
    from events e
  ), committed as materialized (
    select e.*, sha256(e.salt || sambatan.private_record(e.participation_id, logged_at, by_kind, by_id,
      e.event, e.metadata)) as commitment
    from entries e
  ), log as (
    select max(seq) as seq, array_agg(row(c.campaign_id, seq, logged_at, participation_id, by_id,
        c.price_per_slot, event, by_kind, slots, slots_taken, c.total_slots, commitment,
        sambatan.leaf_hash(sambatan.public_record(seq, logged_at, event, slots, slots_taken,
          c.total_slots, c.price_per_slot, commitment)), metadata)::sambatan.audit_logs
      order by seq) as entries
    from committed
  ), sums as (
    select count(*)::integer as n, (array_agg(participation_id order by participation_id desc))[1]
        as last,
      coalesce(sum(quantity) filter (where to_status <> 'confirmed'), 0)::integer as freed,
      (count(*) filter (where to_status <> 'confirmed'))::integer as left_count,
      coalesce(sum(quantity) filter (where to_status = 'confirmed'), 0)::integer as confirmed,
      coalesce(sum(quantity) filter (where from_status = 'confirmed'), 0)::integer as unconfirmed
    from picked
  )
  select sums.*, log.*,
    (select array_agg(row(c.campaign_id, participation_id, to_status, p_at)
      ::sambatan.participation_change) from picked) as moves,
    (select array_agg(due) from money) as dues
    into s from sums, log;

  settled := s.n;
  writes := row(coalesce(s.moves, '{}'), coalesce(s.dues, '{}'), coalesce(s.entries, '{}'));
  if settled = 0 then
    return;
  end if;
  c.filled_slots := c.filled_slots - s.freed;
  c.participant_count := c.participant_count - s.left_count;
  c.confirmed_slots := c.confirmed_slots + s.confirmed - s.unconfirmed;
  if c.closing_outcome is null then
    c.status := 'active';
    c.filled_at := null;
  else
    c.closed_until := s.last;
  end if;
  c.audit_seq := s.seq;
  c.logged_slots := c.filled_slots;
  c.updated_at := logged_at;
end
$$;
