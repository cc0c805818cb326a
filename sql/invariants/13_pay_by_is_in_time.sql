-- The pay_by of an open payment is never later than the time until which the payment counts. For a
-- reserved participation, the limit is the deadline, or the end of its hold with the grace period.
-- For a payment due on completion, it is the end of the payment term plus the grace period. For an
-- offer, it is the end of the offer.
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
