-- The file that a buyer uploaded as proof of payment; only the latest file is kept. It is in the
-- database so that every process can show it.
create table sambatan.payment_proofs (
  campaign_id uuid not null,
  participation_id uuid not null,
  content_type text not null check (content_type in ('image/webp', 'application/pdf')),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_by text not null,
  uploaded_at timestamptz not null,
  primary key (campaign_id, participation_id)
);
-- PostgreSQL does not compress this column, because pictures are compressed already.
alter table sambatan.payment_proofs alter column content set storage external;
