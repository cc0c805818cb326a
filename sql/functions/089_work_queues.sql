-- Returns the work queues of operators: the number of items in each, counted up to p_max, and the
-- time since which the oldest item has been waiting (null if the queue is empty). The refund queue
-- contains only refunds that p_provider does not send automatically. If p_provider is null, it
-- contains all due refunds. The function needs only a few index lookups, also with a million
-- campaigns.
create or replace function sambatan.work_queues(p_max integer, p_provider text)
returns table (queue text, items integer, oldest timestamptz) language plpgsql stable as $$
begin
  return query
  select 'proofs', count(*)::integer, min(q.since) from (
    select coalesce(f.uploaded_at, t.created_at) as since from (
      select * from sambatan.transactions x
      where x.kind = 'payment' and x.status = 'proof_submitted'
      order by x.created_at limit p_max) t
    left join sambatan.payment_proofs f on f.campaign_id = t.campaign_id
      and f.participation_id = t.participation_id) q;
  return query
  select 'statement_lines', count(*)::integer, min(q.imported_at) from (
    select l.imported_at from sambatan.statement_lines l
    where l.status in ('unmatched', 'ambiguous', 'allocated') limit p_max) q;
  return query
  select 'disputes', count(*)::integer, min(q.opened_at) from (
    select d.opened_at from sambatan.disputes d
    where d.resolved_at is null order by d.opened_at limit p_max) q;
  return query
  select 'payouts', count(*)::integer, min(q.released_at) from (
    select t.released_at from sambatan.transactions t
    where t.kind = 'payout' and t.status = 'due' and t.released_at is not null
      and not exists (select 1 from sambatan.disputes d
        where d.campaign_id = t.campaign_id and d.resolved_at is null)
    order by t.created_at limit p_max) q;
  -- The queue leaves out lapsed and cancelled orders, because nothing must be paid for them. The
  -- query reads payments with the latest pay_by first, so that it does not read old payments that
  -- nobody will make.
  return query
  select 'overdue_payments', count(*)::integer, min(t.pay_by) from (
    select x.campaign_id, x.participation_id, x.pay_by from sambatan.transactions x
    where x.kind = 'payment' and x.status in ('due', 'rejected') and x.pay_by < now()
    order by x.pay_by desc limit p_max) t
  join sambatan.participants p on p.campaign_id = t.campaign_id
    and p.participation_id = t.participation_id
  where p.status in ('confirmed', 'fulfilled');
  return query
  select 'refunds', count(*)::integer, min(q.created_at) from (
    select t.created_at from sambatan.transactions t
    where t.kind = 'refund' and t.status = 'due'
      and (t.paid_in_time is null or not sambatan.is_retained(t.campaign_id, t.transaction_id))
      and (p_provider is null or t.attempts > 0
        or sambatan.refund_order(t, p_provider) is null)
    order by t.created_at limit p_max) q;
  return query
  select 'claims', count(*)::integer, min(q.created_at) from (
    select t.created_at from sambatan.transactions t
    where t.kind = 'adjustment' and t.status = 'due' order by t.created_at limit p_max) q;
  -- The seller decides first; an operator may decide once the seller's time is over.
  return query
  select 'decisions', count(*)::integer, min(q.since) from (
    select c.decision_opened_at as since from sambatan.campaigns c
    where c.status = 'fulfilled' and c.decision_opened_at is not null and c.decided_at is null
    order by c.decision_opened_at limit p_max) q;
end
$$;
