import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import pg from 'pg';
import { migrate } from '../../src/database/migrate.ts';
import { catalogueOf } from '../support/database/catalogue.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';

const project = join(import.meta.dirname, '../..');

/** A copy of all files that scripts/baseline.js reads or writes, for a project of this version. */
function projectOf(t: TestContext, version: string) {
  const root = mkdtempSync(join(tmpdir(), 'sambatan-baseline-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ['sql', 'scripts', 'supabase']) {
    cpSync(join(project, folder), join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, 'package.json'), JSON.stringify({ version, type: 'module' }));
  const directory = join(root, 'supabase/migrations');
  const file = (name: string) => join(root, 'sql', name);
  return {
    directory,
    file,
    migrations: () =>
      Object.fromEntries(
        readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
      ),
    edit(name: string, from: string, to: string) {
      const text = readFileSync(file(name), 'utf8');
      assert.ok(text.includes(from), `${name} has no ${from}`);
      writeFileSync(
        file(name),
        text.replaceAll(from, () => to),
      );
    },
    run(...args: string[]) {
      const script = join(root, 'scripts/baseline.js');
      const { status, stderr } = spawnSync(process.execPath, [script, ...args], {
        encoding: 'utf8',
      });
      return { status, stderr };
    },
  };
}

/**
 * The catalogue of a new database after the migrations in a folder, or after a list of statements.
 */
async function catalogueAfter(t: TestContext, from: string | string[]): Promise<string[]> {
  const bare = await testDatabase({ empty: true });
  t.after(() => bare.close());
  if (typeof from === 'string') await migrate(bare.url, { log: recordingLog(), directory: from });
  const client = new pg.Client({ connectionString: bare.url });
  await client.connect();
  try {
    for (const sql of typeof from === 'string' ? [] : from) await client.query(sql);
    return await catalogueOf(client);
  } finally {
    await client.end();
  }
}

/** The source files, in the order in which they are applied. */
function sourcesOf(file: (name: string) => string): string[] {
  const texts = (folder: string) =>
    readdirSync(file(folder))
      .toSorted()
      .map((name) => readFileSync(join(file(folder), name), 'utf8'));
  return [...texts('schema'), ...texts('functions'), readFileSync(file('access.sql'), 'utf8')];
}

/** The migration that a run has added. All other migrations must be unchanged. */
function addedTo(
  before: Record<string, string>,
  after: Record<string, string>,
): { name: string; sql: string } {
  const [name, ...more] = Object.keys(after).filter((key) => !(key in before));
  assert.ok(name !== undefined && more.length === 0, 'one migration was added');
  const { [name]: sql, ...others } = after;
  assert.deepEqual(others, before);
  assert.equal(Object.keys(after).toSorted().at(-1), name, 'it is the newest');
  return { name, sql: sql! };
}

const definedIn = (sql: string): string[] =>
  [...sql.matchAll(/^create or replace (?:function|aggregate) ([\w.]+)/gm)].map(
    ([, name]) => name!,
  );

test('migrations and sources create the same database', async (t) => {
  const migrated = await catalogueAfter(t, join(project, 'supabase/migrations'));
  const made = await catalogueAfter(
    t,
    sourcesOf((name) => join(project, 'sql', name)),
  );
  assert.deepEqual(migrated, made);
  assert.ok(migrated.length > 1000, `${migrated.length} lines`);
});

test('before version 1.0.0 a change of a source goes into the baseline', (t) => {
  const copy = projectOf(t, '0.9.0');
  const before = copy.migrations();
  copy.edit('functions/031_waiting_rules.sql', 'select 1000 $$', 'select 1001 $$');
  copy.edit('schema/110_brands.sql', 'between 2 and 80', 'between 2 and 81');
  assert.equal(copy.run().status, 0);
  const after = copy.migrations();
  assert.deepEqual(Object.keys(after), Object.keys(before));
  assert.ok(after['20261123000100_schema.sql']?.includes('between 2 and 81'));
  assert.ok(after['20261123000200_functions.sql']?.includes('select 1001 $$'));
});

suite('from version 1.0.0 on', () => {
  test('no migration is written if no function changed', (t) => {
    const copy = projectOf(t, '1.0.0');
    const before = copy.migrations();
    const functions = readdirSync(copy.file('functions'));
    const first = `functions/${functions[0]}`;
    writeFileSync(copy.file(first), `-- A comment.\n\n${readFileSync(copy.file(first), 'utf8')}`);
    copy.edit('schema/110_brands.sql', 'between 2 and 80', 'between 2 and 81');
    assert.equal(copy.run().status, 0);
    assert.deepEqual(copy.migrations(), before);
  });

  test('a changed table without a migration is found', async (t) => {
    const copy = projectOf(t, '1.0.0');
    copy.edit('schema/110_brands.sql', 'between 2 and 80', 'between 2 and 81');
    const migrated = await catalogueAfter(t, copy.directory);
    const differing = (await sourced(t, copy.file)).filter((line) => !migrated.includes(line));
    assert.equal(differing.length, 1);
    assert.match(differing[0]!, /^constraint sambatan\.brands brands_name_check /);
  });

  test('only changed and new functions go into a new migration, once', async (t) => {
    const copy = projectOf(t, '1.0.0');
    const before = copy.migrations();
    copy.edit('functions/031_waiting_rules.sql', 'select 1000 $$', 'select 1001 $$');
    writeFileSync(
      copy.file('functions/900_answer.sql'),
      `-- The answer.
create or replace function sambatan.answer(p_default integer default 42)
returns integer language sql immutable as $$ select p_default $$;
`,
    );
    assert.deepEqual(copy.run(), { status: 0, stderr: '' });
    const migrations = copy.migrations();
    const { name, sql } = addedTo(before, migrations);
    assert.match(name, /^\d{14}_functions\.sql$/);
    assert.equal(definedIn(sql).length, 2);
    assert.deepEqual(definedIn(sql).at(-1), 'sambatan.answer');
    assert.ok(sql.includes('select 1001 $$'));
    assert.ok(sql.includes('-- The answer.\ncreate'));
    assert.deepEqual(await catalogueAfter(t, copy.directory), await sourced(t, copy.file));
    assert.equal(copy.run().status, 0);
    assert.deepEqual(copy.migrations(), migrations);
    copy.edit('functions/031_waiting_rules.sql', 'select 1001 $$', 'select 1002 $$');
    assert.equal(copy.run().status, 0);
    assert.equal(definedIn(addedTo(migrations, copy.migrations()).sql).length, 1);
  });

  test('a removed function is dropped only with the option', async (t) => {
    const copy = projectOf(t, '1.0.0');
    const before = copy.migrations();
    unlinkSync(copy.file('functions/100_is_quarantined.sql'));
    const refused = copy.run();
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /sambatan\.is_quarantined\(\).*\n.*\n.*--drop sambatan\.is_quarantined$/m,
    );
    assert.deepEqual(copy.migrations(), before);
    assert.equal(copy.run('--drop', 'sambatan.is_quarantined').status, 0);
    const { sql } = addedTo(before, copy.migrations());
    assert.match(sql, /^drop function sambatan\.is_quarantined\(\);$/m);
    assert.deepEqual(definedIn(sql), []);
    assert.deepEqual(await catalogueAfter(t, copy.directory), await sourced(t, copy.file));
    assert.equal(copy.run().status, 0);
  });

  test('a function with changed parameters or result is dropped only with the option', async (t) => {
    const copy = projectOf(t, '1.0.0');
    const before = copy.migrations();
    copy.edit('functions/090_verify_audit.sql', 'p_campaign_id uuid default null', 'p_id uuid');
    copy.edit('functions/090_verify_audit.sql', 'p_campaign_id', 'p_id');
    copy.edit('functions/100_is_quarantined.sql', 'returns boolean', 'returns text');
    copy.edit(
      'functions/100_is_quarantined.sql',
      'select not exists',
      "select 'held' where not exists",
    );
    for (const args of [[], ['--drop', 'sambatan.is_quarantined']]) {
      const refused = copy.run(...args);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /--drop sambatan\.verify_audit$/m);
    }
    assert.deepEqual(copy.migrations(), before);
    const args = ['--drop', 'sambatan.is_quarantined', '--drop', 'sambatan.verify_audit'];
    assert.deepEqual(copy.run(...args), { status: 0, stderr: '' });
    const { sql } = addedTo(before, copy.migrations());
    assert.match(sql, /^drop function sambatan\.verify_audit\(p_campaign_id uuid\);$/m);
    assert.deepEqual(definedIn(sql), ['sambatan.verify_audit', 'sambatan.is_quarantined']);
    assert.deepEqual(await catalogueAfter(t, copy.directory), await sourced(t, copy.file));
  });

  test('an unneeded drop, a second definition and other statements are refused', (t) => {
    const copy = projectOf(t, '1.0.0');
    const before = copy.migrations();
    assert.match(
      copy.run('--drop', 'sambatan.is_quarantined').stderr,
      /sambatan\.is_quarantined has to be/,
    );
    const twice = readFileSync(copy.file('functions/100_is_quarantined.sql'), 'utf8');
    writeFileSync(copy.file('functions/901_more.sql'), twice);
    assert.match(copy.run().stderr, /sambatan\.is_quarantined is defined twice/);
    writeFileSync(copy.file('functions/901_more.sql'), 'create table sambatan.stray (id uuid);');
    assert.match(copy.run().stderr, /functions only; this is none: create table sambatan\.stray/);
    assert.deepEqual(copy.migrations(), before);
  });
});

async function sourced(t: TestContext, file: (name: string) => string): Promise<string[]> {
  return await catalogueAfter(t, sourcesOf(file));
}
