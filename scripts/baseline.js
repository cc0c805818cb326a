// Writes the migrations from their sources: the tables of sql/schema, the functions of
// sql/functions, and sql/access.sql at the end of each migration.
//   node scripts/baseline.js [--directory supabase/migrations] [--drop sambatan.old_function]
//
// Until version 1.0.0 no released database exists. The two baseline migrations are then written
// again after every change of a source. A test fails while they differ from the sources.
// From version 1.0.0 on, the baseline is never written again. The functions that have changed are
// written to a new migration. Changes of tables need a migration written by hand.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { planFunctionMigration } from './function-migration.js';

const root = join(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    directory: { type: 'string', default: join(root, 'supabase/migrations') },
    drop: { type: 'string', multiple: true, default: [] },
  },
});
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
mkdirSync(options.directory, { recursive: true });
if (Number.parseInt(version, 10) < 1) {
  writeMigration('20261123000100_schema', 'sql/schema', textsIn(join(root, 'sql/schema')));
  writeMigration('20261123000200_functions', 'sql/functions', textsIn(join(root, 'sql/functions')));
} else {
  try {
    addFunctionMigration();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/**
 * Adds a migration with the functions that have changed since the newest migration, if there are
 * any.
 */
function addFunctionMigration() {
  const statements = planFunctionMigration({
    sources: textsIn(join(root, 'sql/functions')),
    migrations: textsIn(options.directory),
    drops: options.drop,
  });
  if (statements.length === 0) return;
  const name = `${nextVersion()}_functions`;
  writeMigration(name, 'sql/functions', statements);
  process.stdout.write(`${name}.sql has ${statements.length} changed functions\n`);
}

/** A timestamp in UTC that is later than the timestamp of every existing migration. */
function nextVersion() {
  const now = Number(new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14));
  const newest = Math.max(...readdirSync(options.directory).map((name) => Number.parseInt(name)));
  return String(Math.max(now, newest + 1));
}

function writeMigration(name, source, texts) {
  const access = readFileSync(join(root, 'sql/access.sql'), 'utf8');
  writeFileSync(
    join(options.directory, `${name}.sql`),
    `-- Written by scripts/baseline.js from ${source}. Edit the sources there, not this file.

${texts.join('\n\n')}

${access}`,
  );
}

/** The texts of the SQL files in a directory, in the order of their names. */
function textsIn(directory) {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8').replaceAll('\r\n', '\n').trim());
}
