-- Returns whether this database is in quarantine. A database in quarantine sends no e-mails and
-- webhooks and moves no money. A restored copy is in quarantine until somebody declares it the
-- production database. A database without a row in sambatan.installation is in quarantine too,
-- because backups do not contain this row.
create or replace function sambatan.is_quarantined() returns boolean
language sql stable as $$
  select not exists (select from sambatan.installation where quarantined_since is null)
$$;
