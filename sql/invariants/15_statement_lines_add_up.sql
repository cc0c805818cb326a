-- The parts of a counted statement line add up to its amount, the parts of an allocated line to at
-- most its amount, and any other line has no parts. For every receipt, the sum of the counted parts
-- equals the amount in the books.
select d.campaign_id, l.line_id, l.status, l.amount, d.parts, null::text as receipt
from sambatan.statement_lines l
left join lateral (
  select (array_agg(s.campaign_id order by s.part))[1] as campaign_id, sum(s.amount) as parts,
    bool_and(s.outcome is not null) as counted, bool_or(s.outcome is not null) as some_counted
  from sambatan.statement_line_parts s where s.line_id = l.line_id) d on true
where case
  when l.status = 'matched' then d.parts is distinct from l.amount or not d.counted
  when l.status = 'allocated' then d.parts is null or d.parts > l.amount or d.some_counted
  else d.parts is not null end
union all
select c.campaign_id, null, null, c.amount, c.booked, c.receipt
from (
  select s.campaign_id, s.receipt, sum(s.amount) as amount,
    (select coalesce(sum(t.amount + case when t.kind = 'payment' then t.surcharge else 0 end), 0)
      from sambatan.transactions t where t.campaign_id = s.campaign_id
        and (t.receipt = s.receipt
          or t.cause in ('credit:' || s.receipt, 'applied:' || s.receipt))
        and t.kind in ('payment', 'adjustment')) as booked
  from sambatan.statement_line_parts s
  where s.outcome in ('settled', 'given', 'credited')
  group by s.campaign_id, s.receipt) c
where c.booked <> c.amount;
