import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { migrate, readMigrations } from '../../src/database/migrate.ts';
import { asAdmin } from '../support/database/cluster.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';

const log = recordingLog();
// While this database is open, the server of the test file keeps running.
const anchor = await testDatabase();
after(() => anchor.close());

const first = {
  '20200101000000_one.sql': 'create table one (id int); insert into one values (1);',
};
const second = { '20200102000000_two.sql': 'alter table one add column name text;' };

function directoryOf(t: TestContext, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'sambatan-migrations-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(directory, name), sql);
  return directory;
}

async function emptyDatabase(t: TestContext): Promise<string> {
  const database = await testDatabase({ empty: true });
  t.after(() => database.close());
  return database.url;
}

test('each migration is applied once, in order, and recorded in Supabase’s format', async (t) => {
  const url = await emptyDatabase(t);
  const directory = directoryOf(t, first);
  assert.deepEqual(await migrate(url, { log, directory }), { applied: ['20200101000000'] });
  writeFileSync(join(directory, '20200102000000_two.sql'), second['20200102000000_two.sql']);
  assert.deepEqual(await migrate(url, { log, directory }), { applied: ['20200102000000'] });
  assert.deepEqual(await migrate(url, { log, directory }), { applied: [] });
  const { rows } = await asAdmin(url, 'select * from supabase_migrations.schema_migrations');
  assert.deepEqual(rows[0], {
    version: '20200101000000',
    statements: [first['20200101000000_one.sql']],
    name: 'one',
  });
});

test('twenty concurrent starts apply each migration once', async (t) => {
  const url = await emptyDatabase(t);
  const directory = directoryOf(t, { ...first, ...second });
  const runs = await Promise.all(
    Array.from({ length: 20 }, () => migrate(url, { log, directory })),
  );
  const applied = runs.flatMap((run) => run.applied).sort();
  assert.deepEqual(applied, ['20200101000000', '20200102000000']);
  assert.deepEqual((await asAdmin(url, 'select * from one')).rows, [{ id: 1, name: null }]);
});

test('an edited migration that was already applied is refused, and nothing is applied', async (t) => {
  const url = await emptyDatabase(t);
  await migrate(url, { log, directory: directoryOf(t, first) });
  const edited = { '20200101000000_one.sql': 'create table one (id bigint);', ...second };
  const refusal = { name: 'EditedMigration', message: /20200101000000_one\.sql/ };
  await assert.rejects(migrate(url, { log, directory: directoryOf(t, edited) }), refusal);
  assert.deepEqual((await asAdmin(url, 'select * from one')).rows, [{ id: 1 }]);
});

test('changed line endings are not an edit', async (t) => {
  const url = await emptyDatabase(t);
  await migrate(url, {
    log,
    directory: directoryOf(t, { '20200101000000_one.sql': 'select 1;\n' }),
  });
  const directory = directoryOf(t, { '20200101000000_one.sql': 'select 1;\r\n' });
  assert.deepEqual(await migrate(url, { log, directory }), { applied: [] });
});

test('migrations applied by the Supabase command line are accepted and then protected', async (t) => {
  const url = await emptyDatabase(t);
  await asAdmin(
    url,
    `create schema supabase_migrations;
     create table supabase_migrations.schema_migrations
       (version text not null primary key, statements text[], name text);
     create table one (id int);
     insert into supabase_migrations.schema_migrations values ('20200101000000', '{}', 'one')`,
  );
  const directory = directoryOf(t, { ...first, ...second });
  assert.deepEqual(await migrate(url, { log, directory }), { applied: ['20200102000000'] });
  const edited = directoryOf(t, { '20200101000000_one.sql': 'select 2' });
  await assert.rejects(migrate(url, { log, directory: edited }), { name: 'EditedMigration' });
});

test("a newer service's migrations do not stop an older service", async (t) => {
  const url = await emptyDatabase(t);
  await migrate(url, { log, directory: directoryOf(t, { ...first, ...second }) });
  assert.deepEqual(await migrate(url, { log, directory: directoryOf(t, first) }), { applied: [] });
});

test('a failed migration leaves nothing and reports its file and line', async (t) => {
  const url = await emptyDatabase(t);
  const sql = 'create table half (id int);\nselect nonsense;\n';
  const directory = directoryOf(t, { ...first, '20200103000000_bad.sql': sql });
  const message = /^20200103000000_bad\.sql line 2: .*nonsense/;
  await assert.rejects(migrate(url, { log, directory }), { message });
  const { rows } = await asAdmin(
    url,
    "select to_regclass('half') as half, to_regclass('one') as one",
  );
  assert.deepEqual(rows, [{ half: null, one: 'one' }]);
});

test('a file whose name has no version is refused', (t) => {
  assert.throws(() => readMigrations(directoryOf(t, { 'notes.sql': '' })), /not named/);
  const twins = { '20200101000000_a.sql': '', '20200101000000_b.sql': '' };
  assert.throws(() => readMigrations(directoryOf(t, twins)), /two migrations have the version/);
});

test("the project's migrations are plain SQL without transactions of their own", async (t) => {
  const url = await emptyDatabase(t);
  for (const { name, sql } of readMigrations()) {
    assert.doesNotMatch(sql, /^\\/m, `${name}: a command of psql`);
    assert.doesNotMatch(sql, /^\s*(begin|commit|rollback)\s*;/im, `${name}: ends the transaction`);
    // Applies the file as psql and the command line of Supabase do: only its text, without our
    // settings.
    await asAdmin(url, sql);
  }
});
