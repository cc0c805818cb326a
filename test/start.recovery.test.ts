import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const clone = mkdtempSync(join(tmpdir(), 'sambatan-start-'));
const serviceKey = 'a-service-key-of-at-least-32-characters';
const started = new Set<ChildProcess>();

after(() => {
  for (const child of started) killGroup(child, 'SIGKILL');
  rmSync(clone, { recursive: true, force: true });
});

/** What a clone would hold; what is installed stays where it is. */
function copyProject(): void {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root });
  for (const file of files.toString().trim().split('\n')) {
    // A test of another process may come and go.
    if (/^(test|bench|docs)\//.test(file)) continue;
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Started {
  readonly child: ChildProcess;
  readonly readyMs: number;
}

/** `npm start` in a process group of its own, until it is ready. */
async function npmStart(port: number): Promise<Started> {
  const begin = performance.now();
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('npm', ['start'], {
    cwd: clone,
    detached: true,
    stdio: 'ignore',
    env: {
      PATH,
      HOME,
      PORT: String(port),
      SAMBATAN_SERVICE_KEY: serviceKey,
      SAMBATAN_JOIN_RATE_LIMIT: '0',
    },
  });
  started.add(child);
  for (;;) {
    assert.ok(performance.now() - begin < 60_000, 'npm start was not ready in a minute');
    assert.equal(child.exitCode, null, 'npm start ended before it was ready');
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (ready?.status === 200) return { child, readyMs: performance.now() - begin };
    await sleep(50);
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal);
  } catch {
    // It has ended already.
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once('exit', resolve));
  }
  started.delete(child);
}

async function post<T>(port: number, path: string, body: object): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/sambatan${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()) as T;
}

async function openCampaign(port: number): Promise<string> {
  const brand = await post<{ id: string }>(port, '/brands', { name: 'Rumah Wangi' });
  const product = await post<{ id: string }>(port, '/products', {
    brand_id: brand.id,
    name: 'Melati Senja',
    base_price: 245_000,
    sambatan_enabled: true,
  });
  const campaign = await post<{ id: string }>(port, '/campaigns', {
    product_id: product.id,
    title: 'Melati Senja batch 1',
    total_slots: 100_000,
    price_per_slot: 195_000,
    deadline: '2099-12-31T17:00:00Z',
    publish: true,
  });
  return campaign.id;
}

/** Buyers who join until the service is gone; gives how many were acknowledged. */
async function joinUntilGone(port: number, campaignId: string): Promise<number> {
  let acknowledged = 0;
  const buyer = async (): Promise<void> => {
    for (;;) {
      const wish = {
        user_id: crypto.randomUUID(),
        quantity: 1,
        shipping_address: 'Jalan Kenanga 12',
      };
      try {
        await post(port, `/campaigns/${campaignId}/join`, wish);
        acknowledged++;
      } catch {
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, buyer));
  return acknowledged;
}

async function slotsTaken(port: number, campaignId: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/sambatan/campaigns/${campaignId}`);
  const { slots_taken } = (await answer.json()) as { slots_taken: number };
  return slots_taken;
}

/** The server processes that still work on this clone's data, as their lock file names them. */
function serverIsGone(): boolean {
  try {
    const pid = Number(
      readFileSync(join(clone, 'data/postgres/postmaster.pid'), 'utf8').split('\n')[0],
    );
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

test('npm start, killed in the middle of a crowd, starts again with every acknowledged join', async (t) => {
  copyProject();
  const port = await freePort();
  const first = await npmStart(port);
  const campaignId = await openCampaign(port);

  const crowd = joinUntilGone(port, campaignId);
  await sleep(500);
  killGroup(first.child, 'SIGKILL');
  await ended(first.child);
  const acknowledged = await crowd;
  assert.ok(acknowledged > 0, 'nobody had joined before the kill');

  const second = await npmStart(port);
  t.diagnostic(`ready in ${Math.round(second.readyMs)} ms after the kill`);
  const kept = await slotsTaken(port, campaignId);
  // What was under way at the kill may have been committed without its answer being seen.
  assert.ok(kept >= acknowledged && kept <= acknowledged + 16, `${kept} kept of ${acknowledged}`);

  killGroup(second.child, 'SIGTERM');
  await ended(second.child);
  for (let waited = 0; !serverIsGone() && waited < 10_000; waited += 50) await sleep(50);
  assert.ok(serverIsGone(), 'a PostgreSQL process was left behind');

  const third = await npmStart(port);
  t.diagnostic(`ready in ${Math.round(third.readyMs)} ms after a stop`);
  assert.equal(await slotsTaken(port, campaignId), kept);
  killGroup(third.child, 'SIGTERM');
  await ended(third.child);
});
