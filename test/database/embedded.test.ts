import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverProcesses } from '../../src/database/embedded/processes.ts';
import { startEmbedded } from '../../src/database/embedded/start.ts';
import { asAdmin } from '../support/database/cluster.ts';
import { recordingLog } from '../support/server/log.ts';
import { childrenOf, cloneInto, directory, startService } from '../support/server/service.ts';
import { waitUntil } from '../support/server/until.ts';

const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };
const log = recordingLog();

const clusterOf = (dataDir: string) => join(dataDir, 'postgres');

const socketDirectoryOf = (url: string) => new URL(url).searchParams.get('host') ?? '/';

async function gone(dataDir: string, milliseconds: number): Promise<void> {
  const begin = performance.now();
  while (serverProcesses(clusterOf(dataDir)).length > 0) {
    assert.ok(performance.now() - begin < milliseconds, 'server processes are left');
    await sleep(5);
  }
}

test('data survive a stop, a second start is quick, and no process remains', async () => {
  const dataDir = directory();
  const first = await startEmbedded({ dataDir, log });
  await asAdmin(first.url, 'create table kept as select 7 as seven');
  await Promise.all([first.stop(), first.stop()]);
  assert.deepEqual(serverProcesses(clusterOf(dataDir)), []);
  const begin = performance.now();
  const second = await startEmbedded({ dataDir, log });
  assert.ok(performance.now() - begin < 20_000);
  assert.deepEqual((await asAdmin(second.url, 'select * from kept')).rows, [{ seven: 7 }]);
  await second.stop();
  assert.deepEqual(serverProcesses(clusterOf(dataDir)), []);
  assert.equal(existsSync(socketDirectoryOf(second.url)), false);
});

test('a data directory of another major version is refused with instructions, and stays unchanged', async () => {
  const dataDir = directory();
  const first = await startEmbedded({ dataDir, log });
  await first.stop();
  const versionFile = join(clusterOf(dataDir), 'PG_VERSION');
  const version = readFileSync(versionFile, 'utf8');
  writeFileSync(versionFile, '17\n');
  await assert.rejects(
    startEmbedded({ dataDir, log }),
    /made by PostgreSQL 17, .*includes PostgreSQL 18\..*sambatan backup.*sambatan restore/s,
  );
  writeFileSync(versionFile, version);
  await (await startEmbedded({ dataDir, log })).stop();
});

test('the server is durable, uses UTF-8 and C.UTF-8, and accepts only its owner', async (t) => {
  const dataDir = directory();
  const server = await startEmbedded({ dataDir, log });
  t.after(() => server.stop());
  const { rows } = await asAdmin(
    server.url,
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as sync,
            current_setting('listen_addresses') as addresses, current_user as who,
            (select datlocprovider::text || ' ' || datlocale || ' ' || pg_encoding_to_char(encoding)
               from pg_database where datname = current_database()) as locale`,
  );
  const locale = 'b C.UTF-8 UTF8';
  assert.deepEqual(rows, [{ fsync: 'on', sync: 'on', addresses: '', who: 'sambatan', locale }]);
  const wrong = new URL(server.url);
  wrong.password = 'wrong';
  await assert.rejects(asAdmin(wrong.toString(), 'select 1'), { code: '28P01' });
  assert.equal(statSync(join(dataDir, 'postgres-password')).mode & 0o777, 0o600);
  assert.equal(statSync(clusterOf(dataDir)).mode & 0o777, 0o700);
});

test('a killed service takes its server with it, and the next start recovers', async (t) => {
  const dataDir = directory();
  const killed = await startService(t, { dataDir });
  await asAdmin(killed.url, 'create table acknowledged as select 1 as one');
  killed.process.kill('SIGKILL');
  await killed.ended;
  await gone(dataDir, 5_000);
  while (existsSync(socketDirectoryOf(killed.url))) await sleep(5);
  const next = await startService(t, { dataDir });
  const { rows } = await asAdmin(next.url, 'select * from acknowledged');
  assert.deepEqual(rows, [{ one: 1 }]);
  next.process.kill('SIGTERM');
  assert.equal(await next.ended, 0);
  assert.deepEqual(serverProcesses(clusterOf(dataDir)), []);
});

test('a server without service and watchdog is stopped by the next start', async (t) => {
  const dataDir = directory();
  const killed = await startService(t, { dataDir });
  const watchdog = childrenOf(killed.pid).find(({ command }) => command.includes('read -r pid'));
  assert.ok(watchdog !== undefined);
  process.kill(watchdog.pid, 'SIGKILL');
  killed.process.kill('SIGKILL');
  await killed.ended;
  await sleep(200);
  assert.ok(serverProcesses(clusterOf(dataDir)).includes(killed.postmaster));
  const next = await startService(t, { dataDir });
  assert.notEqual(next.postmaster, killed.postmaster);
  assert.equal(existsSync(socketDirectoryOf(killed.url)), false);
  assert.equal(serverProcesses(clusterOf(dataDir)).includes(killed.postmaster), false);
});

test('a killed service that the watchdog missed does not block the next start', async (t) => {
  const dataDir = directory();
  // A process that replaced itself by exec never waits for its child, so the child stays a zombie.
  // The same happens in a container whose first process does not wait for ended children.
  const script = '"$0" "$1" "$2" & echo "$!" >&2; exec sleep 60';
  const service = join(import.meta.dirname, '../support/server/embedded-service.ts');
  const parent = spawn('/bin/sh', ['-c', script, process.execPath, service, dataDir]);
  t.after(() => parent.kill('SIGKILL'));
  const [pid, said] = await Promise.all([once(parent.stderr, 'data'), once(parent.stdout, 'data')]);
  const killed = Number(pid.toString());
  const { postmaster } = JSON.parse(said.toString()) as { postmaster: number };
  const watchdog = childrenOf(killed).find(({ command }) => command.includes('read -r pid'));
  assert.ok(watchdog !== undefined);
  process.kill(watchdog.pid, 'SIGKILL');
  process.kill(killed, 'SIGKILL');
  await waitUntil(() => / Z /.test(readFileSync(`/proc/${killed}/stat`, 'utf8')));
  assert.ok(serverProcesses(clusterOf(dataDir)).includes(postmaster));

  const next = await startService(t, { dataDir });
  assert.match(
    readFileSync(`/proc/${killed}/stat`, 'utf8'),
    / Z /,
    'it was no zombie at the start',
  );
  assert.notEqual(next.postmaster, postmaster);
});

test('a stale postmaster.pid with the pid of another process does not block the start', async () => {
  const dataDir = directory();
  await (await startEmbedded({ dataDir, log })).stop();
  const lines = [process.pid, clusterOf(dataDir), 1_700_000_000, 5432, '/tmp', '', '', 'ready'];
  writeFileSync(join(clusterOf(dataDir), 'postmaster.pid'), `${lines.join('\n')}\n`);
  const server = await startEmbedded({ dataDir, log });
  await asAdmin(server.url, 'select 1');
  await server.stop();
});

test('a second service on the same data directory is refused, and the first continues', async (t) => {
  const dataDir = directory();
  const first = await startService(t, { dataDir });
  const second = startEmbedded({ dataDir, log });
  await assert.rejects(second, {
    name: 'DataDirectoryInUse',
    message: new RegExp(`in use by another running Sambatan \\(process ${first.pid}\\)`),
  });
  await assert.rejects(startService(t, { dataDir }), /DataDirectoryInUse/);
  await asAdmin(first.url, 'select 1');
});

test('a killed server is restarted with the same address', async (t) => {
  const dataDir = directory();
  const server = await startEmbedded({ dataDir, log });
  t.after(() => server.stop());
  const before = server.postmaster();
  assert.ok(before !== undefined);
  process.kill(before, 'SIGKILL');
  const begin = performance.now();
  for (;;) {
    try {
      await asAdmin(server.url, 'select 1');
      if (server.postmaster() !== before) break;
    } catch {
      await sleep(10);
    }
    assert.ok(performance.now() - begin < 10_000, 'it was not started again');
  }
  t.diagnostic(`back after ${Math.round(performance.now() - begin)} ms`);
  assert.notEqual(server.postmaster(), before);
});

test(
  'a clone in root’s private home directory works',
  { skip: !isRoot && 'not root' },
  async (t) => {
    const home = directory(0o700);
    const temporary = directory();
    const root = cloneInto(home);
    const dataDir = join(root, 'data');
    for (const round of [1, 2]) {
      const service = await startService(t, { dataDir, root, temporary });
      await asAdmin(service.url, `create table round_${round} ()`);
      // In the first round the service is killed, so the second start must recover the database
      // through the socket directory of the embedded server.
      service.process.kill(round === 1 ? 'SIGKILL' : 'SIGTERM');
      await service.ended;
      await gone(dataDir, 5_000);
    }
    assert.equal(statSync(clusterOf(dataDir)).uid === 0, false);
  },
);

test('a user other than root works', { skip: !isRoot && 'all others do' }, async (t) => {
  const home = directory();
  const root = cloneInto(home, nobody);
  const dataDir = join(root, 'data');
  const options = { dataDir, root, node: join(root, 'node'), account: nobody };
  const service = await startService(t, options);
  await asAdmin(service.url, 'select 1');
  assert.equal(statSync(clusterOf(dataDir)).uid, nobody.uid);
  service.process.kill('SIGINT');
  assert.equal(await service.ended, 0);
  // Root runs the database as the owner of the directory, who still owns it afterwards.
  const asRoot = await startService(t, { dataDir, root });
  asRoot.process.kill('SIGTERM');
  assert.equal(await asRoot.ended, 0);
  assert.equal(statSync(clusterOf(dataDir)).uid, nobody.uid);
});
