// `npm run image:check`: builds the container image without a Docker daemon and runs it as
// compose.yaml does, with a separate PostgreSQL. Needs root on Debian or Ubuntu: see
// ops/image/build.sh.
//   npm run image:check -- --place /var/tmp/sambatan-image (the directory is kept and used again)
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../../../src/database/embedded/start.ts';
import { openDatabase } from '../../../src/database/pool.ts';
import { newId } from '../../../src/identity/ids.ts';
import { openImage, type Container, type Image } from '../server/image.ts';
import { recordingLog } from '../server/log.ts';
import { createTestCampaign, createBrandAndProduct } from '../builders/market.ts';
import { addressOf, startNetworkProxy, proxiedUrl } from '../fakes/network-proxy.ts';
import { expectStatus, joinBody } from '../builders/shop.ts';
import { waitUntil } from '../server/until.ts';

const { values } = parseArgs({
  options: { place: { type: 'string' }, 'no-build': { type: 'boolean', default: false } },
});
const project = join(import.meta.dirname, '../../..');
const say = (line: string) => void process.stdout.write(`${line}\n`);
const ends: (() => unknown)[] = [];
const t = { after: (end: () => unknown) => void ends.push(end) };
const place = values.place ?? mkdtempSync(join(tmpdir(), 'sambatan-image-'));
if (values.place === undefined) t.after(() => rmSync(place, { recursive: true, force: true }));

try {
  if (!values['no-build']) {
    const script = join(project, 'ops/image/build.sh');
    const { status } = spawnSync('bash', [script, place], { stdio: 'inherit' });
    if (status !== 0) throw new Error('the image could not be built; what was said is above');
  }
  // Deletes the files of an earlier run, because a backup never overwrites another one, and the
  // database must be new each time.
  for (const name of ['volumes', 'database'])
    rmSync(join(place, name), { recursive: true, force: true });
  await check(openImage(place));
  say('the image does what compose.yaml asks of it');
} catch (error) {
  process.stderr.write(`image: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  for (const end of ends.toReversed()) await end();
}

async function check(image: Image): Promise<void> {
  say(`${image.megabytes} MB, of which ${image.ownMegabytes} MB are not Debian's`);
  const server = await startEmbedded({ dataDir: join(place, 'database'), log: recordingLog() });
  t.after(() => server.stop());
  const proxy = await startNetworkProxy(addressOf(server.url));
  t.after(() => proxy.close());
  const variables = { DATABASE_URL: proxiedUrl(proxy, server.url) };
  const db = openDatabase({ url: server.url, log: recordingLog(), maxConnections: 2 });
  t.after(() => db.close());

  const service = await image.start(t, 'service', variables);
  const worker = await image.start(t, 'worker', variables);
  for (const container of [service, worker]) expectConfined(container);
  const wanted = readFileSync(join(project, '.node-version'), 'utf8').trim();
  assert.equal((await service.exec(['node', '--version'])).out.trim(), `v${wanted}`);
  say(`node ${wanted}, as uid 1000, without capabilities, on a read-only file system`);
  for (const container of [service, worker]) {
    const { code, out, err } = await container.health();
    assert.equal(code, 0, out + err);
  }
  assert.notEqual((await service.health({ PORT: '1' })).code, 0, 'an unhealthy one is told');
  say('both are healthy by their own check');

  const market = await createBrandAndProduct(db);
  const deadline = new Date(Date.now() + 8_000);
  const campaignId = await createTestCampaign(db, market, {
    totalSlots: 5,
    minimumSlots: 2,
    deadline,
  });
  for (let buyer = 0; buyer < 3; buyer++) {
    const body = joinBody({ user_id: newId() });
    expectStatus(await service.client.post(`/campaigns/${campaignId}/join`, body), 201);
  }
  const page = await service.client.get('//');
  assert.equal(page.status, 200);
  assert.match(page.text, /Senja batch pertama/);
  const picture = await service.client.get(`//sambatan/${campaignId}/gambar.png`);
  assert.equal(picture.headers['content-type'], 'image/png', picture.text);
  say('three have joined; the site and its drawn pictures answer');
  const status = async () => (await service.client.get(`/campaigns/${campaignId}`)).body.status;
  await waitUntil(async () => (await status()) === 'completed');
  const late = ((Date.now() - deadline.getTime()) / 1_000).toFixed(1);
  say(`the worker has closed the campaign within ${late} s after its deadline`);

  const file = '/backups/first.backup';
  await expectCommand(service, ['backup', '--to', file]);
  assert.equal((await service.exec(['stat', '-c', '%a %U', file])).out, '600 node\n');
  for (const args of [['invariants'], ['audit', 'verify']]) await expectCommand(worker, args);
  say('a backup is written, and invariants and audit log are sound, by `sambatan` inside');
  await expectDrained(service);
  worker.stop();
  assert.equal(await worker.ended, 0, worker.said());
  say('SIGTERM drains and ends both with 0');
}

/**
 * Checks the restrictions of compose.yaml: another user than root, no capabilities, no new
 * privileges.
 */
function expectConfined({ pid }: Container): void {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1];
  assert.equal(field('Uid'), '1000\t1000\t1000\t1000');
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    assert.equal(Number(`0x${field(set)}`), 0, set);
  }
  assert.equal(field('NoNewPrivs'), '1');
}

async function expectCommand(container: Container, args: readonly string[]): Promise<void> {
  const { code, out, err } = await container.exec(['sambatan', ...args]);
  assert.equal(code, 0, `sambatan ${args.join(' ')}: ${out}${err}`);
}

/** Checks that after the stop signal the service is not ready, still answers, and then exits. */
async function expectDrained(service: Container): Promise<void> {
  service.stop();
  await waitUntil(async () => (await service.client.get('//readyz')).status === 503);
  assert.equal((await service.client.get('/campaigns')).status, 200);
  const began = performance.now();
  assert.equal(await service.ended, 0, service.said());
  const seconds = (performance.now() - began) / 1_000;
  assert.ok(seconds > 5 && seconds < 50, `${seconds} s`);
}
