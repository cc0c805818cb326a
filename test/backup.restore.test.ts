import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { migrate } from '../src/database/migrate.ts';
import { findViolations } from '../src/database/invariants.ts';
import { openDatabase, type Database } from '../src/database/pool.ts';
import { findHold, refuseWhileHeld, releaseHold } from '../src/installation/operations.ts';
import { findTools, programTarget, ToolsMissing } from '../src/installation/tools.ts';
import { asAdmin } from './rig/cluster.ts';
import { command } from './rig/command.ts';
import { postgresWithTools, startDebianServer, type DebianServer } from './rig/debian.ts';
import { recordingLog } from './rig/log.ts';
import { ask, joined, newCampaign, openMarket, wish } from './rig/market.ts';
import { directory } from './rig/service.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const on = (url: string) => ({ DATABASE_URL: url, SAMBATAN_SERVICE_KEY: serviceKey });
const found = postgresWithTools();
const skip = 'missing' in found ? found.missing : false;

test('without tools of the right version, what to install is said', () => {
  assert.throws(
    () => findTools(99),
    (error) =>
      error instanceof ToolsMissing &&
      /PostgreSQL 99, .*postgresql-client-99.*brew install postgresql@99/s.test(error.message),
  );
});

test('tools get the URL without its password, and none of a transaction pooler', () => {
  const target = programTarget('postgresql://u:p%40ss@db.example/postgres?sslmode=require');
  assert.equal(target.password, 'p@ss');
  assert.doesNotMatch(target.name, /p%40ss|uselibpqcompat/);
  assert.match(target.name, /sslmode=require/);
  for (const url of ['postgresql://u@h:6543/d', 'postgresql://u@h/d?pgbouncer=true']) {
    assert.throws(() => programTarget(url), /session pooler/);
  }
});

suite('a backup', { skip }, () => {
  let server: DebianServer | undefined;
  let other: DebianServer | undefined;
  let db: Database;
  let counter = 0;
  const databases: Database[] = [];
  const file = join(directory(), 'backup');
  const open = (url: string): Database => {
    const opened = openDatabase({ url, log: recordingLog(), maxConnections: 2 });
    databases.push(opened);
    return opened;
  };
  /** A database on another server, whose superuser has another name. */
  const elsewhere = () => other!.another(`fresh_${++counter}`);

  before(async () => {
    if ('missing' in found) return;
    server = await startDebianServer(found.directory);
    other = await startDebianServer(found.directory, 'somebody');
    await migrate(server.url, { log: recordingLog() });
    // A marketplace's own.
    await asAdmin(server.url, 'create table public.orders (id integer)');
    db = open(server.url);
    const campaignId = await newCampaign(db, await openMarket(db));
    await joined(db, wish(campaignId), wish(campaignId, { quantity: 2 }));
    const made = await command(['backup', '--to', file], on(server!.url));
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /: \d+ tables, \d+ bytes, verified\nsha256 [0-9a-f]{64}\n$/);
  });

  after(async () => {
    await Promise.all(databases.map((one) => one.close()));
    await server?.stop();
    await other?.stop();
  });

  const everything = async (of: Database) => [
    await ask(of, 'select * from sambatan.campaigns order by 1'),
    await ask(of, 'select * from sambatan.participants order by 1, 2'),
    await ask(of, 'select * from sambatan.audit_logs order by 1, 2'),
  ];

  test('is a private file that is recorded when it was verified', async () => {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!existsSync(`${file}.partial`));
    const [row] = await ask<{ bytes: bigint; finished: boolean }>(
      db,
      'select bytes, finished_at is not null as finished from sambatan.backups',
    );
    assert.deepEqual(row, { bytes: BigInt(statSync(file).size), finished: true });
  });

  test('does not replace a file unless told', async () => {
    const written = readFileSync(file);
    const again = await command(['backup', '--to', file], on(server!.url));
    assert.equal(again.code, 3);
    assert.match(again.err, /--overwrite/);
    assert.deepEqual(readFileSync(file), written);
  });

  test('restores into an empty database on another server, which is then held', async () => {
    const url = await elsewhere();
    const restored = await command(['restore', '--from', file], on(url));
    assert.equal(restored.code, 0, restored.err);
    assert.match(restored.out, /release-hold --yes/);
    const copy = open(url);
    assert.deepEqual(await everything(copy), await everything(db));
    assert.deepEqual(await findViolations(url), []);
    assert.equal((await command(['audit', 'verify'], on(url))).code, 0);
    assert.match(
      String((await findHold(copy))?.reason),
      /^restored from the backup that was begun/,
    );
    await assert.rejects(refuseWhileHeld(copy), { code: 'installation_held' });
    // The real one goes on.
    await refuseWhileHeld(db);
    assert.deepEqual(await ask(copy, "select to_regclass('public.orders') as orders"), [
      { orders: null },
    ]);
  });

  test('is held until somebody says that it is the real one', async () => {
    const url = await elsewhere();
    await command(['restore', '--from', file], on(url));
    const asked = await command(['release-hold'], on(url));
    assert.equal(asked.code, 1);
    assert.match(asked.out, /held: restored from the backup/);
    const copy = open(url);
    await assert.rejects(refuseWhileHeld(copy));
    const released = await command(['release-hold', '--yes'], on(url));
    assert.equal(released.code, 0, released.err);
    await refuseWhileHeld(copy);
    assert.match((await command(['release-hold'], on(url))).out, /nothing is held/);
  });

  test('is held as well when it was restored by hand', async () => {
    if ('missing' in found) return;
    const url = await elsewhere();
    const copy = open(url);
    const args = ['--no-owner', `--dbname=${url}`, file];
    execFileSync(join(found.directory, 'pg_restore'), args, { stdio: 'pipe' });
    assert.deepEqual(await findHold(copy), { since: null, reason: 'restored by hand' });
    assert.equal(await releaseHold(copy), true);
    assert.equal(await findHold(copy), undefined);
  });

  test('keeps a right that is taken away: nobody else may execute anything', async () => {
    const url = await elsewhere();
    await command(['restore', '--from', file], on(url));
    const executable = await ask(
      open(url),
      `select proname from pg_proc where pronamespace = 'sambatan'::regnamespace
        and has_function_privilege('public', oid, 'execute')`,
    );
    assert.deepEqual(executable, []);
  });

  test('is not restored over a market unless told, and then replaces it', async () => {
    const url = await elsewhere();
    await migrate(url, { log: recordingLog() });
    await asAdmin(url, "insert into supabase_migrations.schema_migrations values ('1', null, 'x')");
    const target = open(url);
    await newCampaign(target, await openMarket(target));
    const asItWas = await everything(target);
    await target.close();
    const refused = await command(['restore', '--from', file], on(url));
    assert.equal(refused.code, 3);
    assert.match(refused.err, /--overwrite/);
    assert.deepEqual(await everything(open(url)), asItWas);
    // Those connections are a service's.
    const busy = await command(['restore', '--from', file, '--overwrite'], on(url));
    assert.equal(busy.code, 3);
    assert.match(busy.err, /running service/);
  });

  test('replaces a market when told, and leaves what is the marketplace’s', async () => {
    const url = await elsewhere();
    await migrate(url, { log: recordingLog() });
    await asAdmin(url, "insert into supabase_migrations.schema_migrations values ('1', null, 'x')");
    const target = openDatabase({ url, log: recordingLog() });
    await newCampaign(target, await openMarket(target));
    await target.close();
    const replaced = await command(['restore', '--from', file, '--overwrite'], on(url));
    assert.equal(replaced.code, 0, replaced.err);
    const copy = open(url);
    assert.deepEqual(await everything(copy), await everything(db));
    const [own] = await ask<{ n: number }>(
      copy,
      "select count(*)::integer as n from supabase_migrations.schema_migrations where version = '1'",
    );
    assert.equal(own?.n, 1);
    assert.deepEqual((await migrate(url, { log: recordingLog() })).applied, []);
  });

  test('that was cut off is refused, and the database is as before', async () => {
    const url = await elsewhere();
    await migrate(url, { log: recordingLog() });
    // In a table's data, before it, and in the list of what there is.
    for (const missing of [100, 3_000, 30_000]) {
      const cut = join(directory(), `cut-${missing}`);
      copyFileSync(file, cut);
      truncateSync(cut, statSync(file).size - missing);
      const refused = await command(['restore', '--from', cut], on(url));
      assert.equal(refused.code, 3, `${missing}: ${refused.out}`);
      const [kept] = await ask<{ held: boolean }>(open(url), 'select sambatan.is_held() as held');
      assert.deepEqual(kept, { held: false });
    }
  });

  test('of something else is refused', async () => {
    const url = await elsewhere();
    const text = join(directory(), 'text');
    writeFileSync(text, 'not a backup');
    assert.equal((await command(['restore', '--from', text], on(url))).code, 3);
    assert.equal((await command(['restore', '--from', '/nowhere'], on(url))).code, 2);
    assert.equal((await command(['restore'], on(url))).code, 2);
    assert.equal((await command(['backup'], on(url))).code, 2);
  });

  test('of a database without the schema is refused, and leaves no file', async () => {
    const url = await elsewhere();
    const none = join(directory(), 'none');
    const refused = await command(['backup', '--to', none], on(url));
    assert.equal(refused.code, 3);
    assert.match(refused.err, /sambatan migrate/);
    assert.ok(!existsSync(none));
  });
});
