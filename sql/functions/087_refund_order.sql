-- Returns the reference of the provider's order through which the buyer paid the money of a refund,
-- so that the provider can send the money back. Null if the buyer paid in another way. If a refund
-- is for a credit, its cause contains the receipt of the credit.
create or replace function sambatan.refund_order(t sambatan.transactions, p_provider text)
returns text language sql stable as $$
  select o.reference from sambatan.gateway_calls o
  where o.campaign_id = t.campaign_id and o.kind = 'payment' and o.status = 'made'
    and o.provider = p_provider
    and o.reference = case
      when starts_with(t.cause, 'refund:credit:' || p_provider || ':')
        then substring(t.cause from length('refund:credit:' || p_provider || ':') + 1)
      when not starts_with(t.cause, 'refund:credit:') then (
        select substring(p.receipt from length(p_provider) + 2) from sambatan.transactions p
        where p.campaign_id = t.campaign_id and p.cause = 'payment:' || t.participation_id
          and starts_with(p.receipt, p_provider || ':'))
      end
$$;
