-- Every payment, proof, refund, statement line and provider call with a participation_id belongs to
-- an order. The order is a participation, or an offer that was made after the campaign succeeded
-- and has not become a participation.
select m.campaign_id, m.participation_id, m.what
from (
  select campaign_id, participation_id, kind::text as what from sambatan.transactions
  union all select campaign_id, participation_id, 'proof' from sambatan.payment_proofs
  union all select campaign_id, participation_id, 'statement line' from sambatan.statement_lines
  union all select campaign_id, participation_id, 'provider call' from sambatan.gateway_calls
) m
where m.participation_id is not null and not exists (
  select 1 from sambatan.orders o
  where o.campaign_id = m.campaign_id and o.participation_id = m.participation_id);
