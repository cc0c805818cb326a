-- No open payment has a pay_by at which it would be too late: not later than the deadline or the
-- end of the hold; for payments due on completion, not later than term plus grace; for an offer,
-- not later than its end.
select t.campaign_id, t.participation_id, t.pay_by, c.deadline, p.hold_expires_at
from sambatan.transactions t
join sambatan.campaigns c on c.campaign_id = t.campaign_id
left join sambatan.participants p on p.campaign_id = t.campaign_id
  and p.participation_id = t.participation_id
left join sambatan.waiting_entries e on e.campaign_id = t.campaign_id
  and e.order_id = t.participation_id
where t.kind = 'payment' and t.status in ('due', 'proof_submitted', 'rejected', 'pending')
  and (
    (p.status = 'pending_payment'
      and t.pay_by > least(c.deadline,
        p.hold_expires_at + c.hold_grace_seconds * interval '1 second'))
    or (p.status = 'confirmed' and c.status = 'fulfilled' and t.pay_by > c.completed_at
      + (c.payment_term_seconds + c.payment_grace_seconds) * interval '1 second')
    or (p.participation_id is null and e.status = 'offered' and t.pay_by > e.offer_expires_at));
