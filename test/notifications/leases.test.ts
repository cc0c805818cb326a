import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import {
  claimWebhooks,
  endAttempts,
  extendLeases,
} from '../../src/notifications/delivery-queries.ts';
import { testDatabase } from '../support/database/database.ts';
import { insertDelivery, insertEndpoint } from '../support/builders/deliveries.ts';
import {
  queryRows,
  createTestCampaign,
  createBrandAndProduct,
} from '../support/builders/market.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

interface Kept {
  readonly status: string;
  readonly attempts: number;
  readonly lease_id: string | null;
  readonly last_result: string | null;
}

/**
 * Creates a delivery that is due. Also returns functions that read its stored state and end an
 * attempt.
 */
async function due() {
  const campaignId = await createTestCampaign(db, market);
  const { id: endpointId } = await insertEndpoint(db, null);
  const deliveryId = await insertDelivery(db, campaignId, endpointId);
  await queryRows(
    db,
    `update sambatan.deliveries set status = 'pending', finished_at = null, next_attempt_at = now()
    where delivery_id = $1`,
    deliveryId,
  );
  const kept = async () => {
    const [row] = await queryRows<Kept>(
      db,
      `select status::text, attempts, lease_id, last_result from sambatan.deliveries
      where delivery_id = $1`,
      deliveryId,
    );
    return row!;
  };
  const end = (leaseId: string, result: string) =>
    db.rows(endAttempts, [campaignId], [deliveryId], [leaseId], ['delivered'], [null], [result]);
  return { campaignId, deliveryId, kept, end };
}

async function claimed(seconds: number): Promise<string> {
  const leaseId = newId();
  const taken = await db.rows(claimWebhooks, 10, leaseId, seconds, 10, []);
  assert.equal(taken.length, 1);
  return leaseId;
}

test('an attempt with a lost lease stores no result; the holder of the lease does', async () => {
  const { kept, end } = await due();
  const lost = await claimed(0);
  const held = await claimed(60);
  await end(lost, 'too late');
  const { attempts, ...open } = await kept();
  assert.deepEqual(open, { status: 'pending', lease_id: held, last_result: null });
  assert.equal(attempts, 2);
  await end(held, 'HTTP 200');
  assert.partialDeepStrictEqual(await kept(), { status: 'delivered', last_result: 'HTTP 200' });
  await end(held, 'HTTP 500');
  assert.partialDeepStrictEqual(await kept(), { status: 'delivered', last_result: 'HTTP 200' });
});

test('a lease is renewed by its holder, and no other worker gets the delivery meanwhile', async () => {
  const { campaignId, deliveryId, end } = await due();
  const lost = await claimed(0);
  const held = await claimed(0.2);
  await db.rows(extendLeases, [campaignId], [deliveryId], [held], 60);
  await db.rows(extendLeases, [campaignId], [deliveryId], [lost], 3_600);
  await queryRows(db, 'select pg_sleep(0.3)');
  assert.deepEqual(await db.rows(claimWebhooks, 10, newId(), 60, 10, []), []);
  const [row] = await queryRows<{ seconds: number }>(
    db,
    `select extract(epoch from next_attempt_at - now())::float8 as seconds
    from sambatan.deliveries where delivery_id = $1`,
    deliveryId,
  );
  assert.ok(row!.seconds > 30 && row!.seconds <= 60, 'not by whose lease was lost');
  await end(held, 'HTTP 200');
});
