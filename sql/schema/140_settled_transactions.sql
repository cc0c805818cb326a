-- Refunds and payouts that were made, the newest first: those that came back are looked for there.
create index transactions_made on sambatan.transactions (kind, settled_at desc, transaction_id)
  where status = 'settled' and kind in ('refund', 'payout');
