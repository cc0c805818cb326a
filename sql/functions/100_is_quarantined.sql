-- Returns whether this database is in quarantine, so that it must send no e-mails and webhooks and
-- move no money: it was restored, and nobody has declared it the real one yet. A database without a
-- row in sambatan.installation is in quarantine too, because backups leave this row out.
create or replace function sambatan.is_quarantined() returns boolean
language sql stable as $$
  select not exists (select from sambatan.installation where quarantined_since is null)
$$;
