-- Joins that were sent twice because their answer was lost, and were refused the second time. The
-- first sending may still be on its way: it is known by its participation's id and refused as well.
create table sambatan.refused_joins (
  campaign_id uuid not null references sambatan.campaigns,
  participation_id uuid not null,
  outcome text not null,
  params jsonb,
  answered_at timestamptz not null,
  primary key (campaign_id, participation_id)
);
create index refused_joins_by_time on sambatan.refused_joins (answered_at);

alter table sambatan.refused_joins enable row level security;
revoke all on table sambatan.refused_joins from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.refused_joins from %I', browser_role);
    end if;
  end loop;
end
$$;
