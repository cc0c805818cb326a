-- Returns the books of one campaign, in whole rupiah. The columns for money received are paid,
-- unique_codes, credits (paid too late, twice or too much) and returned (refunds and payouts that
-- came back). Money still to be received is in receivable, and in owed_back, which is the money
-- that buyers must send back after a duplicate refund. lost is money of duplicate refunds that was
-- written off; the platform bears it. Money sent is in refunds_settled and payouts_settled, and
-- money still to be sent in refunds_due and payouts_due. gross is the value of the slots to be
-- delivered, fee the platform's share of it in a completed campaign, and codes_kept the unique
-- codes that are not refunded with their payment. cash is the money in hand. It is negative if a
-- duplicate refund was paid with the money of other campaigns.
--
-- The books balance if
--   paid + unique_codes + credits + returned + receivable + owed_back + lost
--     = gross + codes_kept + payouts_returned + refunds_due + refunds_settled.
create or replace function sambatan.campaign_books(p_campaign_id uuid)
returns table (gross bigint, fee bigint, paid bigint, unique_codes bigint, credits bigint,
  returned bigint, payouts_returned bigint, receivable bigint, codes_kept bigint,
  refunds_due bigint, refunds_settled bigint, payouts_due bigint, payouts_settled bigint,
  cash bigint, owed_back bigint, lost bigint)
language sql stable as $$
  with sums as (
    select
      coalesce(sum(t.amount) filter (where t.kind = 'payment' and t.status = 'settled'), 0)
        as paid,
      coalesce(sum(t.amount) filter (where t.purpose = 'unique_code'), 0) as unique_codes,
      coalesce(sum(t.amount) filter (where t.purpose = 'credit'), 0) as credits,
      coalesce(sum(t.amount) filter (where t.purpose = 'reversal'
        or (t.purpose = 'overpaid_refund' and t.status = 'settled')), 0) as returned,
      coalesce(sum(t.amount) filter (where t.purpose = 'overpaid_refund' and t.status = 'due'), 0)
        as owed_back,
      coalesce(sum(t.amount) filter (where t.purpose = 'overpaid_refund' and t.status = 'void'), 0)
        as lost,
      coalesce(sum(t.amount) filter (where t.purpose = 'reversal'
        and t.participation_id is null), 0) as payouts_returned,
      coalesce(sum(t.amount) filter (where t.kind = 'payment'
        and t.status in ('due', 'proof_submitted', 'rejected', 'pending')
        and p.status in ('confirmed', 'fulfilled')), 0) as receivable,
      coalesce(sum(t.surcharge) filter (where t.kind = 'payment' and t.status = 'settled'
        and p.status <> 'refunded'), 0) as codes_kept,
      coalesce(sum(t.amount) filter (where t.kind = 'refund'
        and t.status in ('due', 'pending')), 0) as refunds_due,
      coalesce(sum(t.amount) filter (where t.kind = 'refund' and t.status = 'settled'), 0)
        as refunds_settled,
      coalesce(sum(t.amount) filter (where t.kind = 'payout'
        and t.status in ('due', 'pending')), 0) as payouts_due,
      coalesce(sum(t.amount) filter (where t.kind = 'payout' and t.status = 'settled'), 0)
        as payouts_settled
    from sambatan.transactions t
    left join sambatan.participants p on p.campaign_id = t.campaign_id
      and p.participation_id = t.participation_id
    where t.campaign_id = p_campaign_id
  ), sold as (
    select c.status, c.platform_fee_basis_points, (c.confirmed_slots - coalesce((
        select sum(p.undelivered_slots) from sambatan.participants p
        where p.campaign_id = p_campaign_id and p.status in ('confirmed', 'fulfilled')), 0))
      * c.price_per_slot as gross
    from sambatan.campaigns c where c.campaign_id = p_campaign_id
  )
  select s.gross::bigint, case when s.status = 'fulfilled'
      then sambatan.platform_fee(s.gross::bigint, s.platform_fee_basis_points) else 0 end,
    paid::bigint, unique_codes::bigint, credits::bigint, returned::bigint,
    payouts_returned::bigint, receivable::bigint, codes_kept::bigint, refunds_due::bigint,
    refunds_settled::bigint, payouts_due::bigint, payouts_settled::bigint,
    (paid + unique_codes + credits + returned - refunds_settled - payouts_settled)::bigint,
    owed_back::bigint, lost::bigint
  from sold s cross join sums
$$;
