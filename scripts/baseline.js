// Writes the two baseline migrations from their sources: the tables of sql/schema and the functions
// of sql/functions. Until version 1.0.0 no released database exists, so the baseline is written
// again after every change of a source; a test fails while the two differ.
//   node scripts/baseline.js
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const target = process.argv[2] ?? join(root, 'supabase/migrations');
mkdirSync(target, { recursive: true });
writeFileSync(join(target, '20261123000100_schema.sql'), baseline('schema', ''));
writeFileSync(
  join(target, '20261123000200_functions.sql'),
  baseline(
    'functions',
    `
revoke all on all functions in schema sambatan from public;

-- A project may grant its browser roles every new function by default; here they get nothing.
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
  ),
);

/** The text of one migration: every source of a folder in the order of the file names. */
function baseline(folder, ending) {
  const directory = join(root, 'sql', folder);
  const sources = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8').trim());
  return `-- Written by scripts/baseline.js from sql/${folder}. Edit the sources there, not this file.

${sources.join('\n\n')}
${ending}`;
}
