-- Every rupiah is somewhere. Failed or cancelled: what was settled in payments equals the refunds,
-- due or settled. Completed: the one payout is slots × price less the fee, and what has been paid
-- out, kept as fee and refunded is never more than what came in.
with books as (
  select c.campaign_id, c.status,
    c.confirmed_slots * c.price_per_slot as gross,
    sambatan.platform_fee(c.confirmed_slots * c.price_per_slot, c.platform_fee_basis_points) as fee,
    coalesce(sum(t.amount) filter (where t.kind = 'payment' and t.status = 'settled'), 0) as paid,
    coalesce(sum(t.amount) filter (where t.kind = 'refund' and t.status <> 'rejected'), 0)
      as refunds,
    coalesce(sum(t.amount) filter (where t.kind = 'payout'), 0) as payout,
    coalesce(sum(t.amount) filter (where t.kind = 'payout' and t.status = 'settled'), 0)
      as paid_out
  from sambatan.campaigns c
  left join sambatan.transactions t using (campaign_id)
  group by c.campaign_id
)
select * from books
where (status in ('expired', 'cancelled') and paid <> refunds)
  or (status = 'fulfilled' and (payout <> gross - fee
    or paid_out + refunds + case when paid_out > 0 then fee else 0 end > paid))
  or (status in ('draft', 'scheduled', 'active', 'locked') and payout <> 0);
