-- Returns the campaigns whose newest sum checkpoint differs from their books, or from the leaves of
-- its tree. There is a sum checkpoint as soon as a payout was released. Campaigns that are being
-- closed, whose events are not all handled, or that wait for the sum publisher are left out.
create or replace function sambatan.wrong_sums()
returns table (campaign_id uuid, version integer, paid bigint, paid_by_leaves bigint,
  paid_by_books bigint)
language plpgsql stable as $$
#variable_conflict use_column
declare
  released uuid;
  events bigint;
  handled bigint;
  s record;
  b record;
begin
  for released in
    select distinct t.campaign_id from sambatan.transactions t
    where t.kind = 'payout' and t.released_at is not null
  loop
    select c.audit_seq into events from sambatan.campaigns c
      where c.campaign_id = released and c.closing_outcome is null;
    select k.seq into handled from sambatan.notification_cursors k
      where k.campaign_id = released;
    if events is null or handled is null or handled < events
      or exists (select 1 from sambatan.log_sums_due d where d.campaign_id = released)
    then
      continue;
    end if;
    version := null;
    paid := null;
    select v.version, v.paid, v.receivable, v.payout, v.fee, v.refunds, v.kept into s
      from sambatan.log_sums v where v.campaign_id = released order by v.version desc limit 1;
    select * into b from sambatan.campaign_sums(released);
    select coalesce(sum(n.paid), 0) into paid_by_leaves from (
      select distinct on (v.order_id) v.paid from sambatan.log_sum_leaves v
      where v.campaign_id = released order by v.order_id, v.version desc) n;
    if (s.paid, s.receivable, s.payout, s.fee, s.refunds, s.kept) is distinct from
        (b.paid, b.receivable, b.payout, b.fee, b.refunds, b.kept)
      or paid_by_leaves <> b.paid
    then
      campaign_id := released;
      version := s.version;
      paid := s.paid;
      paid_by_books := b.paid;
      return next;
    end if;
  end loop;
end
$$;
