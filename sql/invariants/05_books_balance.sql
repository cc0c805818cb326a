-- Every rupiah is somewhere: what came in and is still to come in is what is to be delivered for,
-- the codes that are kept, and what went or goes back. The one payout of a completed campaign is
-- what is delivered less the fee, and what left is never more than what is in hand and owed to
-- nobody else; what was refunded twice stands beside it until it has come back. No participation gets
-- back more than it paid, and owes back.
select c.campaign_id, c.status, null::uuid as participation_id, b.*
from sambatan.campaigns c
cross join lateral sambatan.campaign_books(c.campaign_id) b
where b.paid + b.unique_codes + b.credits + b.returned + b.receivable + b.owed_back + b.lost
    <> b.gross + b.codes_kept + b.payouts_returned + b.refunds_due + b.refunds_settled
  -- One that is called off after all gives its payout up in the last of its steps.
  or (c.closing_outcome is null and b.payouts_due + b.payouts_settled - b.payouts_returned
    <> case when c.status = 'fulfilled' then b.gross - b.fee else 0 end)
  or b.held + b.owed_back + b.lost < 0
  or (b.payouts_settled > b.payouts_returned
    and b.held + b.owed_back + b.lost
      < b.refunds_due + b.codes_kept + case when b.payouts_due = 0 then b.fee else 0 end)
union all
select t.campaign_id, null, t.participation_id,
  null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null
from sambatan.transactions t
where t.participation_id is not null
group by t.campaign_id, t.participation_id
having sum(case when t.purpose = 'claim'
    or (t.kind in ('payment', 'adjustment') and t.status = 'settled') then t.amount
  when t.kind = 'refund' and t.status <> 'void' then -t.amount else 0 end) < 0
union all
-- What is kept of a payment beside its amount stands in the books as well.
select t.campaign_id, null, t.participation_id,
  null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null
from sambatan.transactions t
left join sambatan.transactions a on a.campaign_id = t.campaign_id
  and a.cause = 'code:' || t.participation_id
where t.kind = 'payment' and t.surcharge <> coalesce(a.amount, 0);
