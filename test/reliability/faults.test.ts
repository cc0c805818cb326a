import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { chaos, expectConsistent, formatReport, type ChaosReport } from '../chaos/chaos.ts';
import { examine, type Found, type Operation } from '../chaos/history.ts';
import { Client } from '../support/clients/client.ts';
import { startHttpService, serviceKey } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { startNetworkProxy } from '../support/fakes/network-proxy.ts';
import { openShop } from '../support/builders/shop.ts';
import { waitUntil } from '../support/server/until.ts';

const least = {
  acknowledged: Number(process.env['SAMBATAN_CHAOS_JOINS'] ?? 5_000),
  faults: Number(process.env['SAMBATAN_CHAOS_FAULTS'] ?? 25),
};
const seed = Number(process.env['SAMBATAN_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

test('under any fault acknowledged writes are stored once and refused ones are not', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${seed}`);
  const report = await chaos(t, {
    lanes: 64,
    seed,
    say: () => undefined,
    calm: Math.ceil(least.acknowledged / least.faults / 2),
    longMs: 2_000,
    isEnough: ({ acknowledged, faults }) =>
      acknowledged >= least.acknowledged && faults >= least.faults,
  });
  for (const line of formatReport(report)) t.diagnostic(line);
  expectConsistent(report, least);
});

const operation = (what: Partial<Operation> = {}): Operation => {
  const userId = newId();
  return {
    userId,
    campaignId: 'one',
    key: userId,
    outcome: 'ok',
    participationId: newId(),
    settled: false,
    ...what,
  };
};
const stored = ({ userId, campaignId, participationId }: Operation): Found => ({
  userId,
  campaignId,
  participationId: participationId ?? newId(),
});

test('control: the checker finds lost, duplicated, invented and unresolved writes', () => {
  const good = [operation(), operation(), operation({ outcome: 'fail', participationId: null })];
  const there = good.slice(0, 2).map(stored);
  const none = { lost: [], duplicated: [], refusedButStored: [], unexpected: [], open: [] };
  assert.deepEqual(examine(good, there), none);
  assert.deepEqual(examine(good, there.slice(1)), { ...none, lost: [good[0]] });
  const other = { ...there[0]!, participationId: newId() };
  assert.deepEqual(examine(good, [other, there[1]!]), { ...none, lost: [good[0]] });
  const moved = { ...there[0]!, campaignId: 'two' };
  assert.deepEqual(examine(good, [moved, there[1]!]), { ...none, lost: [good[0]] });
  assert.deepEqual(examine(good, [...there, other]), { ...none, duplicated: [good[0]] });
  const ghost = stored(good[2]!);
  assert.deepEqual(examine(good, [...there, ghost]), { ...none, refusedButStored: [good[2]] });
  const stranger = stored(operation());
  assert.deepEqual(examine(good, [...there, stranger]), { ...none, unexpected: [stranger] });
  const open = operation({ outcome: 'unknown', participationId: null });
  assert.deepEqual(examine([...good, open], there), { ...none, open: [open] });
});

test('control: a run without faults or with too few joins is not a success', () => {
  const findings = examine([], []);
  const fine: ChaosReport = {
    acknowledged: 100,
    refused: 0,
    settled: 0,
    faults: { some: 1 },
    longestSilenceMs: 0,
    answers: {},
    findings,
    violations: [],
  };
  const asked = { acknowledged: 0, faults: 0 };
  expectConsistent(fine, asked);
  assert.throws(() => expectConsistent({ ...fine, faults: {} }, asked));
  assert.throws(() => expectConsistent({ ...fine, acknowledged: 99 }, asked));
  assert.throws(() => expectConsistent({ ...fine, answers: { '500 internal_error': 1 } }, asked));
  const silent = { '503 database_unavailable without Retry-After': 1 };
  assert.throws(() => expectConsistent({ ...fine, answers: silent }, asked));
  assert.throws(() => expectConsistent({ ...fine, violations: ['01_counters'] }, asked));
});

const service = await startHttpService();
after(service.close);

/**
 * Sends a join over a network that loses the answer, and then the same join over a good network.
 */
async function joinTwice(headers: Record<string, string>): Promise<Found[]> {
  const shop = await openShop(service);
  const { id: campaignId } = await shop.campaign();
  const proxy = await startNetworkProxy({
    host: '127.0.0.1',
    port: Number(new URL(service.url).port),
  });
  const agent = new Agent({ keepAlive: false });
  const client = new Client(
    { url: `http://127.0.0.1:${proxy.port}`, agent, secrets: new Set() },
    serviceKey,
  );
  const userId = newId();
  const body = { user_id: userId, quantity: 1, shipping_address: 'Jalan Kenanga 12, Bandung' };
  const send = () => client.post(`/campaigns/${campaignId}/join`, body, headers);
  const rows = () =>
    queryRows<Found>(
      service.db,
      `select user_id as "userId", campaign_id as "campaignId",
        participation_id as "participationId" from sambatan.participants where user_id = $1`,
      userId,
    );
  proxy.fault = { kind: 'mute' };
  const unheard = assert.rejects(send());
  await waitUntil(async () => (await rows()).length === 1);
  proxy.heal();
  await unheard;
  const answer = await send();
  assert.equal(answer.status, 201, answer.text);
  await proxy.close();
  agent.destroy();
  const found = await rows();
  const heard = operation({ userId, campaignId, participationId: answer.body.id });
  const { duplicated, lost } = examine([heard], found);
  assert.deepEqual(lost, []);
  assert.equal(duplicated.length, found.length - 1);
  return found;
}

test('a join whose answer was lost is stored once when it is repeated with its key', async () => {
  assert.equal((await joinTwice({ 'idempotency-key': 'sekali' })).length, 1);
});

test('control: without the key it is stored twice, and the checker reports it', async () => {
  assert.equal((await joinTwice({})).length, 2);
});
