import { campaignStatuses, toDbStatus } from '../../src/database/status-words.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { demoBrands } from '../../src/demo/market.ts';
import { demoScenarios } from '../../src/demo/stories.ts';
import { newId } from '../../src/identity/ids.ts';
import { asAdmin } from '../support/database/cluster.ts';
import { runCommand } from '../support/server/command.ts';
import { codes, WrittenLog } from '../support/builders/log-folder.ts';
import { freePort } from '../support/server/free-port.ts';
import { join } from 'node:path';
import { testDatabase, type TestDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const on = ({ url }: TestDatabase) => ({ DATABASE_URL: url, SAMBATAN_SERVICE_KEY: serviceKey });

/** A database with one campaign of two buyers, which a test may corrupt. */
async function spoilable(): Promise<TestDatabase & { campaignId: string }> {
  const database = await testDatabase({ invariants: false });
  after(() => database.close());
  const campaignId = await createTestCampaign(
    database.db,
    await createBrandAndProduct(database.db),
  );
  await joinSuccessfully(
    database.db,
    joinRequest(campaignId),
    joinRequest(campaignId, { quantity: 2 }),
  );
  return { ...database, campaignId };
}

/** A statement that runs without triggers, which only the owner of the database can do. */
const pastTheTriggers = (statement: string) =>
  `begin; set local session_replication_role = replica; ${statement}; commit`;

const names = [
  'serve',
  'worker',
  'migrate',
  'seed-demo',
  'demo',
  'audit verify',
  'log-key',
  'log-key rotate',
  'log verify',
  'log export',
  'invariants',
  'backup',
  'restore',
  'release-hold',
  'second-factor remove',
];

test('each command has a help text and is in the list of commands', async () => {
  const list = await runCommand(['--help']);
  assert.equal(list.code, 0);
  const helps = names.map((name) => runCommand([...name.split(' '), '--help']));
  for (const [index, name] of names.entries()) {
    const help = await helps[index]!;
    assert.equal(help.code, 0, name);
    assert.match(help.out, new RegExp(`Usage: sambatan ${name}`));
    const [summary = ''] = help.out.split('\n');
    assert.ok(list.out.includes(summary), `${name} is in the list with: ${summary}`);
    assert.equal(help.err, '');
  }
});

test('the version command prints the versions of the service and of Node', async () => {
  const { code, out } = await runCommand(['--version']);
  assert.equal(code, 0);
  assert.match(out, /^sambatan \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+\)\n$/);
});

test('an unknown setting causes a warning, and a misspelt one ends the command', async () => {
  const unknown = await runCommand(['release-hold'], {
    ...on(await spoilable()),
    SAMBATAN_SOMETHING_ELSE: '1',
  });
  assert.equal(unknown.code, 0);
  assert.match(unknown.err, /warning: SAMBATAN_SOMETHING_ELSE is not a setting/);
  const misspelt = await runCommand(['serve'], { SAMBATAN_OPERATOR: 'a@contoh.id' });
  assert.equal(misspelt.code, 2);
  assert.match(misspelt.err, /did you mean SAMBATAN_OPERATORS\?/);
});

test('an occupied port ends the start before the database is touched', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const empty = await emptyDatabase();
  const started = await runCommand(['serve'], {
    DATABASE_URL: empty,
    SAMBATAN_SERVICE_KEY: serviceKey,
    PORT: String(port),
  });
  assert.equal(started.code, 3);
  assert.match(started.err, /EADDRINUSE/);
  const { rows } = await asAdmin(empty, "select to_regnamespace('sambatan') as schema");
  assert.deepEqual(rows, [{ schema: null }]);
});

/** The URL of a database without the schema of Sambatan. */
async function emptyDatabase(): Promise<string> {
  const { url, close } = await testDatabase({ invariants: false });
  after(() => close());
  await asAdmin(url, 'drop schema sambatan cascade');
  return url;
}

test('an unknown command or option is a usage error: exit code 2 and a message', async () => {
  const asked = [
    { args: [], code: 0, says: /^$/ },
    { args: ['jump'], code: 2, says: /there is no command jump/ },
    { args: ['audit'], code: 2, says: /there is no command audit/ },
    { args: ['migrate', '--fast'], code: 2, says: /--fast/ },
    { args: ['invariants', 'all'], code: 2, says: /all/ },
    { args: ['second-factor'], code: 2, says: /there is no command second-factor/ },
    { args: ['second-factor', 'remove'], code: 2, says: /whose\?/ },
    { args: ['second-factor', 'remove', 'sari'], code: 2, says: /whose\?/ },
    { args: ['second-factor', 'remove', 'a@b.id', 'c@d.id'], code: 2, says: /c@d\.id is one/ },
    { args: ['audit', 'verify', '--campaign', '7'], code: 2, says: /7 is no id/ },
  ];
  for (const { args, code, says } of asked) {
    const ended = await runCommand(args);
    assert.equal(ended.code, code, args.join(' '));
    assert.match(ended.err, says);
  }
});

test('all invalid settings are reported at once: exit code 2', async () => {
  const { code, err } = await runCommand(['serve'], {
    PORT: 'http',
    DATABASE_URL: 'mysql://root:secret@host/shop',
    SAMBATAN_SCHEDULER_INTERVAL: '0',
    LOG_LEVEL: 'loud',
  });
  assert.equal(code, 2);
  const wrong = [
    'PORT',
    'DATABASE_URL',
    'SAMBATAN_SCHEDULER_INTERVAL',
    'LOG_LEVEL',
    'SAMBATAN_SERVICE_KEY',
  ];
  for (const name of wrong) assert.match(err, new RegExp(`- ${name} `));
  assert.doesNotMatch(err, /root:secret/);
});

test('a missing database is reported at once: exit code 3, without a stack trace', async () => {
  const database = await testDatabase({ empty: true });
  after(() => database.close());
  const missing = new URL(database.url);
  missing.pathname = '/sambatan_is_not_here';
  const begin = performance.now();
  const ended = await runCommand(['migrate'], {
    ...on(database),
    DATABASE_URL: missing.toString(),
  });
  assert.equal(ended.code, 3, ended.err);
  assert.match(ended.err, /^sambatan migrate: .*sambatan_is_not_here/);
  assert.ok(performance.now() - begin < 20_000, 'it is not waited for');
  assert.doesNotMatch(ended.err, /\n\s+at /);
});

test('migrate lists the applied migrations, and the second time that nothing is missing', async () => {
  const database = await testDatabase({ empty: true });
  after(() => database.close());
  const first = await runCommand(['migrate'], on(database));
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^applied 20\d{12}, /);
  const second = await runCommand(['migrate'], on(database));
  assert.deepEqual([second.code, second.out], [0, 'the schema is up to date\n']);
});

test('audit verify names the first row that was changed without triggers', async () => {
  const database = await spoilable();
  const whole = await runCommand(['audit', 'verify'], on(database));
  assert.deepEqual([whole.code, whole.out], [0, '1 audit logs verified, 0 broken\n']);

  await assert.rejects(
    queryRows(database.db, "update sambatan.audit_logs set actor_kind = 'system' where seq = 2"),
    /append-only/,
  );
  await asAdmin(
    database.url,
    pastTheTriggers(`update sambatan.audit_logs set metadata = '{"quantity": 5}' where seq = 2`),
  );
  const tampered = await runCommand(['audit', 'verify'], on(database));
  assert.equal(tampered.code, 1);
  assert.match(tampered.out, new RegExp(`BROKEN campaign ${database.campaignId} row 2: content`));
  assert.match(tampered.out, /1 audit logs verified, 1 broken/);

  const one = ['audit', 'verify', '--campaign'];
  assert.equal((await runCommand([...one, database.campaignId], on(database))).code, 1);
  const unknown = await runCommand([...one, newId()], on(database));
  assert.equal(unknown.code, 3);
  assert.match(unknown.err, /there is no campaign/);
});

test('audit verify detects a missing row at the end', async () => {
  const database = await spoilable();
  await asAdmin(database.url, pastTheTriggers('delete from sambatan.audit_logs where seq = 3'));
  const headless = await runCommand(['audit', 'verify'], on(database));
  assert.equal(headless.code, 1);
  assert.match(headless.out, /row 3: row missing, and all after it/);
});

test('invariants names and shows the violations: exit code 1', async () => {
  const database = await spoilable();
  const sound = await runCommand(['invariants'], on(database));
  assert.equal(sound.code, 0, sound.out);
  assert.match(sound.out, /^\d+ invariants checked, 0 violated\n$/);

  await queryRows(
    database.db,
    'update sambatan.campaign_states set filled_slots = filled_slots + 1',
  );
  const violated = await runCommand(['invariants'], on(database));
  assert.equal(violated.code, 1);
  assert.match(violated.out, /VIOLATED 01_counters: 1 rows/);
  assert.match(violated.out, new RegExp(database.campaignId));
});

test('seed-demo creates campaigns in every status, once', async () => {
  const database = await testDatabase();
  after(() => database.close());
  const first = await runCommand(['seed-demo'], on(database));
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^made 8 brands, 20 products and 21 campaigns\n$/);

  const rows = await queryRows<{ title: string; status: string; payment_timing: string }>(
    database.db,
    'select title, status, payment_timing from sambatan.campaigns',
  );
  const statusOf = new Map(rows.map(({ title, status }) => [title, status]));
  for (const { terms, ends } of demoScenarios) {
    assert.equal(statusOf.get(terms.title), toDbStatus(ends), terms.title);
  }
  assert.deepEqual(new Set(demoScenarios.map(({ ends }) => ends)), new Set(campaignStatuses));
  assert.deepEqual(
    new Set(rows.map((row) => row.payment_timing)),
    new Set(['on_completion', 'upfront']),
  );
  await isPlainlyDemo(database);
  assert.equal((await runCommand(['invariants'], on(database))).code, 0);
  assert.equal((await runCommand(['audit', 'verify'], on(database))).code, 0);

  const before = await contents(database);
  const second = await runCommand(['seed-demo'], on(database));
  assert.deepEqual([second.code, second.out], [0, 'the demo market is here already\n']);
  assert.deepEqual(await contents(database), before);
});

test('seed-demo refuses a database with real data unless an option allows it', async () => {
  const database = await testDatabase();
  after(() => database.close());
  await createBrandAndProduct(database.db);
  const refused = await runCommand(['seed-demo'], on(database));
  assert.equal(refused.code, 3);
  assert.match(refused.err, /brands of its own.*--force/);
  assert.equal((await queryRows(database.db, 'select from sambatan.brands')).length, 1);
});

/** Checks that nobody can mistake the brands, buyers and addresses of the demo for real ones. */
async function isPlainlyDemo({ db }: TestDatabase): Promise<void> {
  const brands = await queryRows<{ name: string }>(db, 'select name from sambatan.brands');
  assert.equal(brands.length, demoBrands.length);
  for (const { name } of brands) assert.match(name, / \(demo\)$/);
  const buyers = await queryRows<{ user_id: string; shipping_address: string }>(
    db,
    'select user_id, shipping_address from sambatan.participants',
  );
  assert.ok(buyers.length > 200);
  for (const { user_id, shipping_address } of buyers) {
    assert.match(user_id, /^00000000-0000-7000-8000-bbbb/);
    assert.match(shipping_address, /^Pembeli Demo \d+, .* 00000$/);
  }
}

async function contents({ db }: TestDatabase) {
  return await queryRows(
    db,
    `select (select count(*) from sambatan.brands) as brands,
      (select count(*) from sambatan.products) as products,
      (select count(*) from sambatan.campaigns) as campaigns,
      (select count(*) from sambatan.audit_logs) as events`,
  );
}

test('log verify says what is right and what is wrong with a receipt', async () => {
  const log = new WrittenLog().append({ code: codes.created, slots: 0 });
  log.append({ code: codes.joined, slots: 2 }, { code: codes.joined, slots: 1 });
  const folder = await log.write({ 'receipt.txt': `${await log.receipt(1)}\n` });
  const receipt = join(folder, log.campaignId, 'receipt.txt');
  const right = await runCommand(['log', 'verify', '--receipt', receipt, '--from', folder]);
  assert.equal(right.code, 0, right.err);
  assert.match(right.out, /^OK: your order is number 1 of the campaign \(record 2 of 3\)$/m);
  assert.match(right.out, /^OK: the campaign was never above its slots: at most 3 of 60/m);

  log.records.pop();
  const other = await log.write();
  const wrong = await runCommand(['log', 'verify', '--receipt', receipt, '--from', other]);
  assert.equal(wrong.code, 1, wrong.err);
  assert.match(wrong.out, /^PROBLEM: the log has only 2 records; when the receipt was made/m);

  const none = await runCommand(['log', 'verify', '--from', folder]);
  assert.equal(none.code, 2);
  assert.match(none.err, /--receipt is missing/);
  const text = ['log', 'verify', '--from', folder, '--receipt', join(folder, 'sambatan-log-key')];
  assert.match((await runCommand(text)).err, /is not a receipt: a receipt begins with SBT1/);
  const away = ['--receipt', receipt, '--url', `http://127.0.0.1:${await freePort()}`];
  assert.equal((await runCommand(['log', 'verify', ...away])).code, 3);
});
