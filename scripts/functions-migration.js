// Writes a migration that brings the database's functions to what sql/functions says: each function
// has one present definition there, and migrations only carry copies of it. What was written by hand
// above the copies of an earlier run stays: functions that have to be dropped first.
//   node scripts/functions-migration.js supabase/migrations/20261123000200_functions.sql
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const target = process.argv[2];
if (target === undefined) {
  console.error('usage: node scripts/functions-migration.js <migration file>');
  process.exit(2);
}
const directory = new URL('../sql/functions/', import.meta.url).pathname;
const sources = readdirSync(directory)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(directory, name), 'utf8').trim());
const heading =
  '-- Copies of the definitions in sql/functions, written by scripts/functions-migration.js.';
const before = existsSync(target) ? readFileSync(target, 'utf8').split(heading)[0] : '';
writeFileSync(
  target,
  `${before}${heading}

${sources.join('\n\n')}

revoke all on all functions in schema sambatan from public;

-- A project may give its browsers' roles whatever is made anew; here they get nothing.
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on all functions in schema sambatan from %I', browser_role);
    end if;
  end loop;
end
$$;
`,
);
