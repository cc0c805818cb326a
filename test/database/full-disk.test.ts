import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { after, test } from 'node:test';
import { databaseError } from '../../src/database/errors.ts';
import { startEmbedded } from '../../src/database/embedded/start.ts';
import { findViolations } from '../../src/database/invariants.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse } from '../support/clients/client.ts';
import { asAdmin } from '../support/database/cluster.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  createTestCampaign,
  createBrandAndProduct,
} from '../support/builders/market.ts';
import { childrenOf, directory } from '../support/server/service.ts';
import { serveCommand, startServiceProcess } from '../support/server/started.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const megabyte = 1_048_576;
const log = recordingLog();

const server = await startEmbedded({ dataDir: directory(), log });
after(() => server.stop());
await migrate(server.url, { log });
const db = openDatabase({ url: server.url, log });
after(() => db.close());

/** Sets the maximum size of the files of the database; undefined: no limit. */
function limitFiles(bytes: number | undefined): void {
  const postmaster = server.postmaster()!;
  // Only the user of the server can limit its processes. If root runs the test, that is another
  // user.
  const { uid, gid } = statSync(`/proc/${postmaster}`);
  const limit = `--fsize=${bytes ?? 'unlimited'}:`;
  const setLimit = (pid: number) =>
    spawnSync('prlimit', ['--pid', String(pid), limit], { uid, gid });
  // Processes that the postmaster starts from now on inherit its limit.
  const own = setLimit(postmaster);
  assert.equal(own.status, 0, String(own.stderr));
  for (const { pid } of childrenOf(postmaster)) {
    const { status, stderr } = setLimit(pid);
    // A process that existed only for a moment may have ended meanwhile.
    assert.ok(status === 0 || !existsSync(`/proc/${pid}`), String(stderr));
  }
}

const stranger = newId();

/**
 * Makes the file of the audit log larger than a WAL file, because the limit must allow WAL files.
 */
async function lengthen(): Promise<number> {
  await asAdmin(
    server.url,
    `set session_replication_role = replica;
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, actor_kind, event, slots,
      slots_taken, total_slots, price_per_slot, commitment, leaf_hash, metadata)
    select '${stranger}', n, now(), 'system', 'campaign_edited', 0, 0, 1, 1, '', '',
      jsonb_build_object('x', repeat('x', 1700))
    from generate_series(1, 9500) as n`,
  );
  const [row] = await queryRows<{ size: bigint }>(
    db,
    `select pg_relation_size('sambatan.audit_logs') as size`,
  );
  return Number(row!.size);
}

test('on a full disk joins are refused with 503 and none is lost', async (t) => {
  const market = await createBrandAndProduct(db);
  const campaignId = await createTestCampaign(db, market, {
    totalSlots: 1_000_000,
    minimumSlots: 1,
  });
  const service = await startServiceProcess(t, {
    command: serveCommand,
    cwd: '/',
    dataDir: directory(),
    variables: { DATABASE_URL: server.url, SAMBATAN_SERVICE_KEY: serviceKey, LOG_LEVEL: 'error' },
  });
  const backend = service.client(serviceKey);
  const join = () =>
    backend.post(`/campaigns/${campaignId}/join`, {
      user_id: newId(),
      quantity: 1,
      shipping_address: 'Jalan Kenanga 12, Bandung',
    });
  const size = await lengthen();
  assert.ok(size > 17 * megabyte, `${size} bytes`);
  limitFiles(size + megabyte / 8);
  t.after(() => limitFiles(undefined));
  const answers: ClientResponse[] = [];
  const isFull = () => answers.filter(({ status }) => status !== 201).length >= 20;
  while (!isFull() && answers.length < 20_000) {
    answers.push(...(await Promise.all(Array.from({ length: 20 }, join))));
  }
  const refused = answers.filter(({ status }) => status !== 201);
  const told = new Set(refused.map(({ status, body }) => `${status} ${body.code}`));
  assert.deepEqual([...told], ['503 database_unavailable']);
  assert.ok(refused.every(({ headers }) => headers['retry-after'] !== undefined));
  const joined = answers.length - refused.length;
  assert.ok(joined >= 100, `${joined} joined before`);
  assert.equal((await backend.get(`/campaigns/${campaignId}`)).status, 200, 'it can be read');
  limitFiles(undefined);
  assert.equal((await join()).status, 201, 'and written to when there is room again');
  await asAdmin(
    server.url,
    `set session_replication_role = replica;
    delete from sambatan.audit_logs where campaign_id = '${stranger}'`,
  );
  const [row] = await queryRows<{ count: number }>(
    db,
    'select count(*)::integer as count from sambatan.participants',
  );
  assert.equal(row!.count, joined + 1);
  assert.deepEqual(await findViolations(server.url), []);
  t.diagnostic(`${joined} joined, ${refused.length} refused`);
});

test('only errors of storage count as a full disk', () => {
  const error = (routine: string) =>
    Object.assign(new Error('could not'), { code: 'XX000', severity: 'ERROR', routine });
  assert.deepEqual(databaseError(error('mdextend')), { kind: 'unavailable', safe: true });
  assert.deepEqual(databaseError(error('mdzeroextend')), { kind: 'unavailable', safe: true });
  assert.deepEqual(databaseError(error('cache_lookup')), { kind: 'unknown' });
});
