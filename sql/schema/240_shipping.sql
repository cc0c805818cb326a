-- Until parcels are tracked one by one, the seller marks the whole batch as shipped. Whoever says
-- nothing until received_after is taken to have received the goods.
alter table sambatan.campaigns
  add column shipped_at timestamptz,
  add column received_after timestamptz,
  -- When orders have to be looked at next that nobody has spoken about; null: never.
  add column receipts_due_at timestamptz,
  add constraint campaigns_shipped check (
    (shipped_at is null) = (received_after is null) and received_after >= shipped_at
    and (shipped_at is null or completed_at is not null or status = 'cancelled'));
create index campaigns_by_receipts on sambatan.campaigns (receipts_due_at)
  where receipts_due_at is not null;
