-- The books of every campaign balance: money received and still to be received equals the slots to
-- be delivered, the unique codes that are kept, and the money that was or will be sent back. A
-- completed campaign has one payout, the value of the delivered slots less the fee. A payout is
-- sent only if the money is in hand and owed to nobody else; duplicate refunds are ignored here. No
-- participation gets more money back than was paid for it, except for an overpaid refund that the
-- buyer must return.
select c.campaign_id, c.status, null::uuid as participation_id, b.*
from sambatan.campaigns c
cross join lateral sambatan.campaign_books(c.campaign_id) b
where b.paid + b.unique_codes + b.credits + b.returned + b.receivable + b.owed_back + b.lost
    <> b.gross + b.codes_kept + b.payouts_returned + b.refunds_due + b.refunds_settled
  -- If a campaign is cancelled after it succeeded, the last step of closing voids its payout.
  or (c.closing_outcome is null and b.payouts_due + b.payouts_settled - b.payouts_returned
    <> case when c.status = 'fulfilled' then b.gross - b.fee else 0 end)
  or b.cash + b.owed_back + b.lost < 0
  or (b.payouts_settled > b.payouts_returned
    and b.cash + b.owed_back + b.lost
      < b.refunds_due + b.codes_kept + case when b.payouts_due = 0 then b.fee else 0 end)
union all
select t.campaign_id, null, t.participation_id,
  null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null
from sambatan.transactions t
where t.participation_id is not null
group by t.campaign_id, t.participation_id
having sum(case when t.purpose = 'overpaid_refund'
    or (t.kind in ('payment', 'adjustment') and t.status = 'settled') then t.amount
  when t.kind = 'refund' and t.status <> 'void' then -t.amount else 0 end) < 0
union all
-- Every payment with a received unique code has a ledger entry for that unique code.
select t.campaign_id, null, t.participation_id,
  null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null
from sambatan.transactions t
left join sambatan.transactions a on a.campaign_id = t.campaign_id
  and a.cause = 'code:' || t.participation_id
where t.kind = 'payment' and t.surcharge <> coalesce(a.amount, 0);
