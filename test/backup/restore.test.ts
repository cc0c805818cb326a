import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { startEmbedded, type Embedded } from '../../src/database/embedded/start.ts';
import { migrate } from '../../src/database/migrate.ts';
import { findViolations } from '../../src/database/invariants.ts';
import { openDatabase, type Database } from '../../src/database/pool.ts';
import {
  findQuarantine,
  assertNotQuarantined,
  releaseQuarantine,
} from '../../src/quarantine/operations.ts';
import { findTools, programTarget, ToolsMissing } from '../../src/backup/tools.ts';
import { asAdmin, inDatabase } from '../support/database/cluster.ts';
import { runCommand } from '../support/server/command.ts';
import {
  postgresWithTools,
  startDebianServer,
  type DebianServer,
} from '../support/server/debian.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';
import { directory } from '../support/server/service.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
/**
 * The variables of a command. PATH contains no program, so only Node and its packages can be used.
 */
const on = (url: string) => ({
  DATABASE_URL: url,
  SAMBATAN_SERVICE_KEY: serviceKey,
  PATH: '/nowhere',
});
const found = postgresWithTools();
const skip = 'missing' in found ? found.missing : false;

test('without matching PostgreSQL tools, the message says what to install', () => {
  assert.throws(
    () => findTools(99),
    (error) =>
      error instanceof ToolsMissing &&
      /PostgreSQL 99, .*postgresql-client-99.*brew install postgresql@99/s.test(error.message),
  );
});

test('PostgreSQL tools get the URL without its password, and never that of a transaction pooler', () => {
  const target = programTarget('postgresql://u:p%40ss@db.example/postgres?sslmode=require');
  assert.equal(target.password, 'p@ss');
  assert.doesNotMatch(target.name, /p%40ss|uselibpqcompat/);
  assert.match(target.name, /sslmode=require/);
  for (const url of ['postgresql://u@h:6543/d', 'postgresql://u@h/d?pgbouncer=true']) {
    assert.throws(() => programTarget(url), /session pooler/);
  }
});

suite('a backup', () => {
  let server: Embedded;
  let db: Database;
  let counter = 0;
  const databases: Database[] = [];
  const file = join(directory(), 'backup');
  const open = (url: string): Database => {
    const opened = openDatabase({ url, log: recordingLog(), maxConnections: 2 });
    databases.push(opened);
    return opened;
  };
  /** The URL of another database, which is empty. */
  const elsewhere = async (): Promise<string> => {
    const name = `fresh_${++counter}`;
    await asAdmin(server.url, `create database ${name}`);
    return inDatabase(server.url, name);
  };

  before(async () => {
    server = await startEmbedded({ dataDir: directory(), log: recordingLog() });
    await migrate(server.url, { log: recordingLog() });
    // This table belongs to the application in which Sambatan is embedded.
    await asAdmin(server.url, 'create table public.orders (id integer)');
    db = open(server.url);
    await fill(db);
    const made = await runCommand(['backup', '--to', file], on(server.url));
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /: \d+ tables, \d+ rows, \d+ bytes, verified\nsha256 [0-9a-f]{64}\n$/);
  });

  after(async () => {
    await Promise.all(databases.map((one) => one.close()));
    await server.stop();
  });

  test('is a private file that is recorded after verification', async () => {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!existsSync(`${file}.partial`));
    const [row] = await queryRows<{ bytes: bigint; finished: boolean }>(
      db,
      'select bytes, finished_at is not null as finished from sambatan.backups',
    );
    assert.deepEqual(row, { bytes: BigInt(statSync(file).size), finished: true });
  });

  test('does not overwrite a file without the option', async () => {
    const written = readFileSync(file);
    const again = await runCommand(['backup', '--to', file], on(server.url));
    assert.equal(again.code, 3);
    assert.match(again.err, /--overwrite/);
    assert.deepEqual(readFileSync(file), written);
  });

  test('restores into an empty database without PostgreSQL tools, which is then quarantined', async () => {
    const url = await elsewhere();
    const restored = await runCommand(['restore', '--from', file], on(url));
    assert.equal(restored.code, 0, restored.err);
    assert.match(restored.out, /release-hold --yes/);
    const copy = open(url);
    assert.deepEqual(await everything(copy), await everything(db));
    assert.deepEqual(await findViolations(url), []);
    assert.equal((await runCommand(['audit', 'verify'], on(url))).code, 0);
    assert.match(
      String((await findQuarantine(copy))?.reason),
      /^restored from the backup that was begun/,
    );
    await assert.rejects(assertNotQuarantined(copy), { code: 'installation_held' });
    // The original database was not put into quarantine.
    await assertNotQuarantined(db);
    assert.deepEqual(await queryRows(copy, "select to_regclass('public.orders') as orders"), [
      { orders: null },
    ]);
    assert.deepEqual(await definitions(url), await definitions(server.url));
  });

  test('stays quarantined until an operator releases it', async () => {
    const url = await elsewhere();
    await runCommand(['restore', '--from', file], on(url));
    const asked = await runCommand(['release-hold'], on(url));
    assert.equal(asked.code, 1);
    assert.match(asked.out, /held: restored from the backup/);
    const copy = open(url);
    await assert.rejects(assertNotQuarantined(copy));
    const released = await runCommand(['release-hold', '--yes'], on(url));
    assert.equal(released.code, 0, released.err);
    await assertNotQuarantined(copy);
    assert.match((await runCommand(['release-hold'], on(url))).out, /nothing is held/);
  });

  test('keeps revoked privileges: no other role may execute anything', async () => {
    const url = await elsewhere();
    await runCommand(['restore', '--from', file], on(url));
    const executable = await queryRows(
      open(url),
      `select proname from pg_proc where pronamespace = 'sambatan'::regnamespace
        and has_function_privilege('public', oid, 'execute')`,
    );
    assert.deepEqual(executable, []);
  });

  test('is not restored over existing data without the option, and replaces it with the option', async () => {
    const url = await elsewhere();
    await migrate(url, { log: recordingLog() });
    await asAdmin(url, "insert into supabase_migrations.schema_migrations values ('1', null, 'x')");
    const target = open(url);
    await createTestCampaign(target, await createBrandAndProduct(target));
    const asItWas = await everything(target);
    await target.close();
    const refused = await runCommand(['restore', '--from', file], on(url));
    assert.equal(refused.code, 3);
    assert.match(refused.err, /--overwrite/);
    assert.deepEqual(await everything(open(url)), asItWas);
    // The connections to the database belong to a running service.
    const busy = await runCommand(['restore', '--from', file, '--overwrite'], on(url));
    assert.equal(busy.code, 3);
    assert.match(busy.err, /running service/);
  });

  test('replaces the service’s data when told to, and keeps the objects of others', async () => {
    const url = await elsewhere();
    await migrate(url, { log: recordingLog() });
    await asAdmin(url, "insert into supabase_migrations.schema_migrations values ('1', null, 'x')");
    const target = openDatabase({ url, log: recordingLog() });
    await createTestCampaign(target, await createBrandAndProduct(target));
    await target.close();
    const replaced = await runCommand(['restore', '--from', file, '--overwrite'], on(url));
    assert.equal(replaced.code, 0, replaced.err);
    const copy = open(url);
    assert.deepEqual(await everything(copy), await everything(db));
    const [own] = await queryRows<{ n: number }>(
      copy,
      "select count(*)::integer as n from supabase_migrations.schema_migrations where version = '1'",
    );
    assert.equal(own?.n, 1);
    assert.deepEqual((await migrate(url, { log: recordingLog() })).applied, []);
  });

  test('that is truncated is refused, and the database stays unchanged', async () => {
    const url = await elsewhere();
    await migrate(url, { log: recordingLog() });
    const size = statSync(file).size;
    for (const missing of [1, 8, 100, 3_000, size - 40, size - 1]) {
      const cut = join(directory(), `cut-${missing}`);
      copyFileSync(file, cut);
      truncateSync(cut, size - missing);
      const refused = await runCommand(['restore', '--from', cut], on(url));
      assert.equal(refused.code, 3, `${missing}: ${refused.out}`);
      assert.match(refused.err, /is not a complete backup|was not made by sambatan backup/);
      const { rows } = await asAdmin(url, 'select sambatan.is_quarantined() as quarantined');
      assert.deepEqual(rows, [{ quarantined: false }]);
    }
  });

  test('with a changed row, a missing table or an extra object is refused', async () => {
    const url = await elsewhere();
    const text = gunzipSync(readFileSync(file)).toString();
    const withoutTable = text.replace(/\{"table":"sambatan\.products"[^]*?\n\{"rows".*\n/, '');
    const changes = {
      row: text.replace('Melati', 'Mawar!'),
      table: withoutTable,
      addition: `${text}more\n`,
      end: text.replace(/\{"end".*\n$/, ''),
      format: text.replace('"version":1', '"version":2'),
      migration: text.replace(/"sha256":"\w{4}/, '"sha256":"0000'),
      injection: text.replace('{"table":"sambatan.products"', '{"table":"sambatan.nothing"'),
    };
    for (const [what, changed] of Object.entries(changes)) {
      assert.notEqual(changed, text, what);
      const damaged = join(directory(), what);
      writeFileSync(damaged, gzipSync(changed));
      const refused = await runCommand(['restore', '--from', damaged], on(url));
      assert.equal(refused.code, 3, what);
      assert.match(
        refused.err,
        new RegExp(damaged + '|the version that wrote it|the schema has no'),
      );
      const { rows } = await asAdmin(url, "select to_regnamespace('sambatan') as schema");
      assert.deepEqual(rows, [{ schema: null }], what);
    }
  });

  test('that runs out of disk space ends with the reason and leaves no file', () => {
    const place = directory();
    const main = join(import.meta.dirname, '../../src/main.ts');
    const small = spawnSync(
      '/bin/sh',
      // A limit in blocks of 512 bytes, which works like a full disk for this one process.
      [
        '-c',
        'ulimit -f 4; exec "$@"',
        'sh',
        process.execPath,
        main,
        'backup',
        '--to',
        `${place}/b`,
      ],
      { cwd: place, env: on(server.url), encoding: 'utf8' },
    );
    assert.equal(small.status, 3, small.stderr);
    assert.match(small.stderr, /EFBIG/);
    assert.deepEqual(readdirSync(place), []);
  });

  test('of another application is refused', async () => {
    const url = await elsewhere();
    const text = join(directory(), 'text');
    writeFileSync(text, 'not a backup');
    assert.equal((await runCommand(['restore', '--from', text], on(url))).code, 3);
    assert.equal((await runCommand(['restore', '--from', '/nowhere'], on(url))).code, 2);
    assert.equal((await runCommand(['restore'], on(url))).code, 2);
    assert.equal((await runCommand(['backup'], on(url))).code, 2);
  });

  test('of a database without the schema is refused, and leaves no file', async () => {
    const url = await elsewhere();
    const none = join(directory(), 'none');
    const refused = await runCommand(['backup', '--to', none], on(url));
    assert.equal(refused.code, 3);
    assert.match(refused.err, /sambatan migrate/);
    assert.ok(!existsSync(none));
  });
});

suite('a backup of another PostgreSQL', { skip }, () => {
  let debian: DebianServer;
  let embedded: Embedded;

  before(async () => {
    if ('missing' in found) return;
    debian = await startDebianServer(found.directory, 'somebody');
    embedded = await startEmbedded({ dataDir: directory(), log: recordingLog() });
  });
  after(async () => {
    await debian.stop();
    await embedded.stop();
  });

  const opened = (url: string) => openDatabase({ url, log: recordingLog(), maxConnections: 2 });

  test('restores into another major version and under another owner, in both directions', async () => {
    let from = await debian.another('first');
    const first = opened(from);
    await migrate(from, { log: recordingLog() });
    await fill(first);
    const original = await everything(first);
    await first.close();
    await asAdmin(embedded.url, 'create database second');
    for (const to of [inDatabase(embedded.url, 'second'), await debian.another('third')]) {
      const file = join(directory(), 'backup');
      const made = await runCommand(['backup', '--to', file], on(from));
      assert.equal(made.code, 0, made.err);
      const restored = await runCommand(['restore', '--from', file], on(to));
      assert.equal(restored.code, 0, restored.err);
      const copy = opened(to);
      assert.deepEqual(await everything(copy), original);
      await copy.close();
      assert.deepEqual(await findViolations(to), []);
      from = to;
    }
  });

  test('written by pg_dump restores with its tools, and is quarantined even when restored by hand', async () => {
    if ('missing' in found) return;
    const from = await debian.another('dumped');
    const source = opened(from);
    await migrate(from, { log: recordingLog() });
    await fill(source);
    const migrations = `select m.version, m.name, c.sha256
      from supabase_migrations.schema_migrations m
      join supabase_migrations.sambatan_checksums c using (version)`;
    // Version 0.1.0 stored the unfinished row of the running backup in the backup itself.
    await asAdmin(
      from,
      `insert into sambatan.backups (backup_id, migrations)
      select gen_random_uuid(), jsonb_agg(to_jsonb(m) order by m.version) from (${migrations}) m`,
    );
    const file = join(directory(), 'dump');
    const options = [
      '--format=custom',
      '--schema=sambatan',
      '--schema=sambatan_*',
      '--exclude-table-data=sambatan.installation',
      '--exclude-table-data=sambatan.workers',
      `--file=${file}`,
      `--dbname=${from}`,
    ];
    execFileSync(join(found.directory, 'pg_dump'), options, { stdio: 'pipe' });
    const original = await everything(source);
    await source.close();

    const url = await debian.another('by_command');
    const restored = await runCommand(['restore', '--from', file], on(url));
    assert.equal(restored.code, 0, restored.err);
    const copy = opened(url);
    assert.deepEqual(await everything(copy), original);
    assert.match(String((await findQuarantine(copy))?.reason), /^restored from the backup/);
    await copy.close();

    const byHand = await debian.another('by_hand');
    const args = ['--no-owner', `--dbname=${byHand}`, file];
    execFileSync(join(found.directory, 'pg_restore'), args, { stdio: 'pipe' });
    const other = opened(byHand);
    assert.deepEqual(await findQuarantine(other), { since: null, reason: 'restored by hand' });
    assert.equal(await releaseQuarantine(other), true);
    assert.equal(await findQuarantine(other), undefined);
    await other.close();

    const none = await runCommand(
      ['restore', '--from', file],
      on(inDatabase(embedded.url, 'sambatan')),
    );
    assert.equal(none.code, 3);
    assert.match(none.err, /pg_dump, pg_restore and psql of version 18/);
  });
});

/**
 * Inserts data that is hard to preserve: bytes, quotes, line ends, backslashes, nulls, long texts.
 */
async function fill(db: Database): Promise<void> {
  const market = await createBrandAndProduct(db);
  const campaignId = await createTestCampaign(db, market);
  await joinSuccessfully(db, joinRequest(campaignId), joinRequest(campaignId, { quantity: 2 }));
  const description = `a\tb\nc\\.\n\\.\n"d"\\N\\n'é'${'😀'.repeat(1_000)}`;
  await queryRows(
    db,
    'update sambatan.campaign_details set description = $2 where campaign_id = $1',
    campaignId,
    description,
  );
  await queryRows(
    db,
    `insert into sambatan.pictures (digest, variant, product_id, bytes)
    values (md5(random()::text), '960.webp', $1, $2)`,
    market.productId,
    randomBytes(300_000),
  );
}

const everything = async (of: Database) => [
  await queryRows(of, 'select * from sambatan.campaigns order by 1'),
  await queryRows(of, 'select * from sambatan.participants order by 1, 2'),
  await queryRows(of, 'select * from sambatan.audit_logs order by 1, 2'),
  await queryRows(of, 'select * from sambatan.pictures order by 1, 2'),
];

/** The definitions of all objects in both schemas, without the rows. */
async function definitions(url: string): Promise<unknown> {
  const { rows } = await asAdmin(
    url,
    `select conrelid::regclass::text as of, conname::text as name, pg_get_constraintdef(oid) as text
      from pg_constraint where connamespace::regnamespace::text like 'sambatan%'
    union all
    select tgrelid::regclass::text, tgname, tgenabled::text || pg_get_triggerdef(oid)
      from pg_trigger where not tgisinternal
    union all
    select oid::regclass::text, 'rights', relrowsecurity::text || coalesce(relacl::text, '')
      from pg_class where relnamespace::regnamespace::text like 'sambatan%'
    order by 1, 2, 3`,
  );
  assert.ok(rows.length > 100);
  return rows;
}
