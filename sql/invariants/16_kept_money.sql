-- The money that is retained for a paid waiting-list entry is the exact amount of one refund that
-- nobody has sent. When the entry has got its slots, the refund is void and the amount has paid for
-- the slots. If the entry ends without slots, the refund is due again or was sent.
select w.campaign_id, w.entry_id, w.status, w.kept_amount, t.status as refund_status, t.amount
from sambatan.waiting_entries w
left join sambatan.transactions t on t.campaign_id = w.campaign_id
  and t.transaction_id = w.refund_id
left join sambatan.transactions p on p.campaign_id = w.campaign_id
  and p.cause = 'payment:' || w.participation_id
where w.refund_id is not null and (
  t.kind is distinct from 'refund' or t.amount <> w.kept_amount
  or w.paid_at is distinct from t.paid_in_time
  or (w.status = 'waiting' and t.status <> 'due')
  or (w.status = 'accepted' and (t.status <> 'void'
    or p.status is distinct from 'settled' or p.amount + p.surcharge <> w.kept_amount))
  or (w.status not in ('waiting', 'accepted') and t.status = 'void'
    and not exists (select 1 from sambatan.waiting_entries other
      where other.campaign_id = w.campaign_id and other.refund_id = w.refund_id
        and other.status = 'accepted')));
