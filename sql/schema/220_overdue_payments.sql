-- Payments by when they are to be made, for those who look for overdue ones.
create index transactions_by_pay_by on sambatan.transactions (pay_by, transaction_id)
  where kind = 'payment' and status in ('due', 'rejected') and pay_by is not null;
