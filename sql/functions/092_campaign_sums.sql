-- Returns the money of a campaign as a sum checkpoint shows it (docs/public-log.md), in whole
-- rupiah: paid + receivable = payout + fee + refunds + kept. Refunds that were made twice are
-- counted once.
create or replace function sambatan.campaign_sums(
  p_campaign_id uuid, out paid bigint, out receivable bigint, out payout bigint, out fee bigint,
  out refunds bigint, out kept bigint
) language plpgsql stable as $$
declare
  b record;
begin
  select * into strict b from sambatan.campaign_books(p_campaign_id);
  paid := b.paid + b.unique_codes + b.credits;
  receivable := b.receivable;
  payout := b.payouts_due + b.payouts_settled - b.payouts_returned;
  fee := b.fee;
  refunds := b.refunds_due + b.refunds_settled - (b.returned - b.payouts_returned)
    - b.owed_back - b.lost;
  kept := b.codes_kept;
end
$$;

-- Returns the leaves of a campaign's sum tree as they are now: one for each order for which money
-- was received, or that was published before. is_changed is true for leaves that the newest sum
-- checkpoint does not have.
create or replace function sambatan.campaign_sum_leaves(p_campaign_id uuid)
returns table (order_id uuid, hash bytea, paid bigint, is_changed boolean)
language plpgsql stable as $$
#variable_conflict use_column
begin
  return query
    with received as (
      select t.participation_id as order_id, sum(t.amount)::bigint as paid
      from sambatan.transactions t
      where t.campaign_id = p_campaign_id and t.participation_id is not null
        and ((t.kind = 'payment' and t.status = 'settled')
          or t.purpose in ('unique_code', 'credit'))
      group by t.participation_id
    ), known as (
      select distinct on (l.order_id) l.order_id, l.hash, l.paid
      from sambatan.log_sum_leaves l where l.campaign_id = p_campaign_id
      order by l.order_id, l.version desc
    )
    select o.order_id,
      -- If the salt was deleted with an account, the hash is made from a salt that nobody knows.
      coalesce(o.hash, sha256('\x02'::bytea || sha256(
        coalesce(p.salt, w.salt, sambatan.new_salt()) || uuid_send(o.order_id)))),
      o.paid, o.was_paid is distinct from o.paid
    from (
      select coalesce(k.order_id, r.order_id) as order_id, k.hash, k.paid as was_paid,
        coalesce(r.paid, 0) as paid
      from received r full join known k on k.order_id = r.order_id
      where k.order_id is not null or r.paid > 0) o
    left join sambatan.participants p
      on p.campaign_id = p_campaign_id and p.participation_id = o.order_id
    left join sambatan.waiting_entries w on w.campaign_id = p_campaign_id
      and w.order_id = o.order_id and p.participation_id is null;
end
$$;
