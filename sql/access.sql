-- Only the service may read or write the two schemas. A Supabase project lets browsers reach its
-- schemas through the roles `anon` and `authenticated`, and may grant them every new table and
-- function. Therefore every migration ends with this block. It enables row-level security on every
-- table (there are no policies) and revokes every privilege on every table, view, sequence and
-- function of both schemas. Row-level security alone does not protect views: a view reads with the
-- rights of its owner. Therefore privileges on views must be revoked.
do $$
declare
  relation regclass;
  grantee text;
  our_schema text;
begin
  for relation in
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('sambatan', 'sambatan_auth') and c.relkind in ('r', 'p')
      and not c.relrowsecurity
  loop
    execute format('alter table %s enable row level security', relation);
  end loop;
  for grantee in
    select 'public'
    union all
    select rolname from pg_roles where rolname in ('anon', 'authenticated')
  loop
    foreach our_schema in array array['sambatan', 'sambatan_auth'] loop
      execute format('revoke all on schema %I from %I', our_schema, grantee);
      execute format('revoke all on all tables in schema %I from %I', our_schema, grantee);
      execute format('revoke all on all sequences in schema %I from %I', our_schema, grantee);
      execute format('revoke all on all routines in schema %I from %I', our_schema, grantee);
    end loop;
  end loop;
end
$$;
