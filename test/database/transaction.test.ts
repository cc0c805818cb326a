import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { databaseError } from '../../src/database/errors.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { allQueries, query } from '../../src/database/query.ts';
import type { Tx } from '../../src/database/transaction.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';

const { url, db, close } = await testDatabase();
after(close);

const one = query<[], { one: number }>('test_one', 'select 1 as one');
const makeTable = query<[], never>(
  'test_make',
  'create table notes (id int primary key, text text)',
);
const write = query<[number, string], { id: number }>(
  'test_write',
  'insert into notes values ($1, $2) returning id',
);
const count = query<[], { count: bigint }>('test_count', 'select count(*) from notes');
const ownPid = query<[], { pid: number }>('test_pid', 'select pg_backend_pid() as pid');
const kill = query<[number], unknown>('test_kill', 'select pg_terminate_backend($1)');
const lockNotes = query<[], never>('test_lock', 'lock table notes in exclusive mode');

await db.rows(makeTable);

const failure = async (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => databaseError(error),
  );

/** A separate connection pool, which is closed after the test. */
function pool(t: TestContext, options: { url?: string; maxConnections?: number } = {}) {
  const log = recordingLog();
  const own = openDatabase({ url, log, ...options });
  t.after(() => own.close());
  return Object.assign(own, { log });
}

test('values have their types: bigint, Date, json, numeric text', async () => {
  const values = query<[bigint, Date], Record<string, unknown>>(
    'test_values',
    `select $1::int8 as big, $2::timestamptz as time, '{"a": [1]}'::jsonb as json,
            12.50::numeric as exact, '{1,null}'::int8[] as bigs, date '2026-03-01' as day,
            '\\x00ff'::bytea as bytes, current_setting('timezone') as zone`,
  );
  const time = new Date('2026-03-01T17:00:00.123Z');
  assert.deepEqual(await db.one(values, 9_007_199_254_740_993n, time), {
    big: 9_007_199_254_740_993n,
    time,
    json: { a: [1] },
    exact: '12.50',
    bigs: [1n, null],
    day: '2026-03-01',
    bytes: Buffer.from([0, 255]),
    zone: 'UTC',
  });
});

test('one() and maybe() throw on another number of rows', async () => {
  const some = query<[number], { n: number }>('test_some', 'select generate_series(1, $1) as n');
  assert.deepEqual(await db.one(some, 1), { n: 1 });
  assert.equal(await db.maybe(some, 0), undefined);
  await assert.rejects(db.one(some, 0), /test_some gives one row, not 0/);
  await assert.rejects(db.maybe(some, 2), /test_some gives at most one row, not 2/);
});

test('a statement name belongs to one SQL text', () => {
  assert.throws(() => query('test_one', 'select 2'), /two queries are named test_one/);
  assert.throws(() => query('Bad Name', 'select 2'), /not a name/);
  assert.ok(allQueries().some(({ name }) => name === 'test_one'));
});

test('a commit stores the writes, and an exception rolls them back', async () => {
  assert.deepEqual(await db.transaction((tx) => tx.one(write, 1, 'a')), { id: 1 });
  const stop = new Error('stop');
  const failing = db.transaction(async (tx) => {
    await tx.rows(write, 2, 'b');
    throw stop;
  });
  await assert.rejects(failing, stop);
  assert.equal((await db.one(count)).count, 1n);
});

test('the commit of a failed transaction is an error, not a lost write', async () => {
  const swallowed = db.transaction(async (tx) => {
    await tx.rows(write, 3, 'c');
    await assert.rejects(tx.rows(write, 3, 'again'));
  });
  await assert.rejects(swallowed, { name: 'CommitRefused' });
  assert.equal((await db.one(count)).count, 1n);
});

test('a transaction used after its end throws and writes nothing', async () => {
  let kept: Tx | undefined;
  await db.transaction(async (tx) => {
    kept = tx;
  });
  await assert.rejects(kept!.rows(write, 4, 'd'), /test_write came after its transaction's end/);
  assert.equal((await db.one(count)).count, 1n);
});

test('a constraint violation, a refusal and a bug are distinguished', async () => {
  assert.deepEqual(await failure(db.rows(write, 1, 'twice')), {
    kind: 'constraint',
    constraint: 'notes_pkey',
    sqlState: '23505',
  });
  const refuse = query<[], never>(
    'test_refuse',
    `do $$ begin raise exception using errcode = 'SB000', message = 'slots_unavailable',
       detail = '{"remaining": 3}'; end $$`,
  );
  assert.deepEqual(await failure(db.rows(refuse)), {
    kind: 'refusal',
    code: 'slots_unavailable',
    params: { remaining: 3 },
  });
  const bug = query<[], never>('test_bug', 'select nonsense');
  assert.deepEqual(await failure(db.rows(bug)), { kind: 'unknown' });
});

test('a lock wait ends after about 1.5 s with “busy”', async (t) => {
  const holder = pool(t);
  const { promise: held, resolve: isHeld } = Promise.withResolvers<void>();
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  const holding = holder.transaction(async (tx) => {
    await tx.rows(lockNotes);
    isHeld();
    await done;
  });
  await held;
  const begin = performance.now();
  assert.deepEqual(await failure(db.rows(write, 5, 'e')), { kind: 'busy', sqlState: '55P03' });
  const waited = performance.now() - begin;
  assert.ok(waited > 1_400 && waited < 2_500, `${waited} ms`);
  finish();
  await holding;
});

test('a killed idle backend only causes a log line', async (t) => {
  const own = pool(t, { maxConnections: 1 });
  const { pid } = await own.one(ownPid);
  await db.rows(kill, pid);
  while (own.stats().total > 0) await new Promise((next) => setTimeout(next, 5));
  assert.notEqual((await own.one(ownPid)).pid, pid);
  assert.ok(own.log.lines.some(({ text }) => text === 'an idle database connection was lost'));
});

test('a backend killed inside a transaction is retryable: nothing was applied', async (t) => {
  const own = pool(t, { maxConnections: 1 });
  const killed = own.transaction(async (tx) => {
    const { pid } = await tx.one(ownPid);
    await tx.rows(write, 6, 'f');
    await db.rows(kill, pid);
    await tx.rows(write, 7, 'g');
  });
  assert.deepEqual(await failure(killed), { kind: 'unavailable', safe: true });
  assert.equal((await own.one(count)).count, 1n);
  assert.deepEqual(own.stats(), { total: 1, idle: 1, waiting: 0 });
});

test('an interrupted single write may have been applied and is not retryable', async (t) => {
  const own = pool(t, { maxConnections: 1 });
  const { pid } = await own.one(ownPid);
  const sleepQuery = query<[], unknown>('test_sleep', 'select pg_sleep(10)', {
    writes: true,
  });
  const cut = failure(own.rows(sleepQuery));
  const active = query<[number], unknown>(
    'test_active',
    "select 1 from pg_stat_activity where pid = $1 and query like '%pg_sleep(10)%'",
  );
  while ((await db.rows(active, pid)).length === 0);
  await db.rows(kill, pid);
  assert.deepEqual(await cut, { kind: 'unavailable', safe: false });
});

test('a statement whose result type a migration changed is prepared again', async (t) => {
  const own = pool(t, { maxConnections: 1 });
  await own.transaction((tx) => tx.rows(query('test_shape', 'create table shape (a int)')));
  const all = query<[], object>('test_shape_all', 'select * from shape');
  assert.deepEqual(await own.rows(all), []);
  await db.rows(query('test_shape_add', 'alter table shape add b int default 2'));
  await db.rows(query('test_shape_row', 'insert into shape (a) values (1)'));
  assert.deepEqual(await own.rows(all), [{ a: 1, b: 2 }]);
});

/** A server that accepts connections and calls `onSocket` for each of them. */
async function fakeServer(t: TestContext, onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onSocket(socket);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `postgresql://nobody:nothing@127.0.0.1:${address.port}/none`;
}

const quickly = async (promise: Promise<unknown>) => {
  const begin = performance.now();
  assert.deepEqual(await failure(promise), { kind: 'unavailable', safe: true });
  const waited = performance.now() - begin;
  assert.ok(waited < 2_500, `${waited} ms`);
};

test('a missing server is detected at once', async (t) => {
  const absent = 'postgresql://nobody:nothing@127.0.0.1:1/none';
  await quickly(pool(t, { url: absent }).rows(one));
  const socket = 'postgresql://nobody:nothing@localhost/none?host=%2Fnowhere';
  await quickly(pool(t, { url: socket }).transaction((tx) => tx.rows(one)));
});

test('an unresponsive server is given up after two seconds', async (t) => {
  const own = pool(t, { url: await fakeServer(t, () => undefined), maxConnections: 1 });
  await Promise.all([quickly(own.rows(one)), quickly(own.rows(one))]);
});

test('an exhausted pool answers overloaded, not unavailable', async (t) => {
  const own = pool(t, { maxConnections: 1 });
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  const holding = own.transaction(async (tx) => {
    await tx.rows(one);
    await done;
  });
  assert.deepEqual(await failure(own.rows(one)), { kind: 'overloaded' });
  finish();
  await holding;
});

test('behind a transaction pooler: no prepared statements, no LISTEN, time-outs set per transaction', async (t) => {
  const pooled = new URL(url);
  pooled.searchParams.set('pgbouncer', 'true');
  const own = pool(t, { url: pooled.toString(), maxConnections: 1 });
  assert.equal(own.canListen, false);
  await assert.rejects(
    own.listen('x', () => undefined),
    /transaction pooler/,
  );
  const seen = query<[], { timeout: string; names: bigint }>(
    'test_seen',
    `select current_setting('lock_timeout') as timeout,
            (select count(*) from pg_prepared_statements where name <> '') as names`,
  );
  assert.deepEqual(await own.one(seen), { timeout: '1500ms', names: 0n });
  assert.deepEqual(await own.transaction((tx) => tx.one(seen)), { timeout: '1500ms', names: 0n });
});

test('LISTEN receives notifications, survives a lost connection and reports the gap', async (t) => {
  const own = pool(t);
  const heard: string[] = [];
  let wake = Promise.withResolvers<void>();
  const { stop } = await own.listen('test_channel', (payload) => {
    heard.push(payload);
    wake.resolve();
  });
  const notify = query<[string], unknown>('test_notify', "select pg_notify('test_channel', $1)");
  await db.rows(notify, 'first');
  await wake.promise;
  wake = Promise.withResolvers();
  const killListener = query<[], unknown>(
    'test_kill_listener',
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'sambatan listen' and datname = current_database()`,
  );
  assert.equal((await db.rows(killListener)).length, 1);
  await wake.promise;
  wake = Promise.withResolvers();
  await db.rows(notify, 'second');
  await wake.promise;
  assert.deepEqual(heard, ['first', '', 'second']);
  await stop();
});

test('closing waits for running work and can be called twice', async () => {
  const own = openDatabase({ url, log: recordingLog() });
  const slow = query<[], { done: boolean }>('test_slow', 'select true as done from pg_sleep(0.2)');
  const answer = own.one(slow);
  await new Promise((next) => setTimeout(next, 50));
  await Promise.all([own.close(), own.close()]);
  assert.deepEqual(await answer, { done: true });
  assert.deepEqual(await failure(own.rows(one)), { kind: 'unavailable', safe: true });
});
