-- What a buyer shows of what is wrong: up to three pictures of a dispute, drawn anew as WebP. In the
-- database, so that every process can show them; they go with the account of their buyer.
create table sambatan.dispute_pictures (
  campaign_id uuid not null,
  dispute_id uuid not null,
  number smallint not null check (number between 1 and 3),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_at timestamptz not null default clock_timestamp(),
  primary key (campaign_id, dispute_id, number),
  foreign key (campaign_id, dispute_id) references sambatan.disputes
);
-- Pictures are compressed already.
alter table sambatan.dispute_pictures alter column content set storage external;

alter table sambatan.dispute_pictures enable row level security;
revoke all on table sambatan.dispute_pictures from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.dispute_pictures from %I', browser_role);
    end if;
  end loop;
end
$$;
