// Writes the two baseline migrations from their sources: the tables of sql/schema and the functions
// of sql/functions. Until version 1.0.0 no released database exists, so the baseline is written
// again after every change of a source; a test fails while the two differ.
//   node scripts/baseline.js
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const target = process.argv[2] ?? join(root, 'supabase/migrations');
mkdirSync(target, { recursive: true });
writeFileSync(join(target, '20261123000100_schema.sql'), baseline('schema'));
writeFileSync(join(target, '20261123000200_functions.sql'), baseline('functions'));

/** The text of one migration: the sources of a folder by file name, then sql/access.sql. */
function baseline(folder) {
  const directory = join(root, 'sql', folder);
  const sources = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8').trim());
  const access = readFileSync(join(root, 'sql/access.sql'), 'utf8');
  return `-- Written by scripts/baseline.js from sql/${folder}. Edit the sources there, not this file.

${sources.join('\n\n')}

${access}`;
}
