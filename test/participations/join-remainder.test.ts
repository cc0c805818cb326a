import { textOf } from '../../src/i18n/messages.ts';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { defaultTerms, validateTerms, type CampaignTerms } from '../../src/campaigns/campaign.ts';
import { newId } from '../../src/identity/ids.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  joinBatch,
  createTestCampaign,
  createBrandAndProduct,
  operator,
  outcomeOf,
  campaignState,
  joinWaitingList,
  joinRequest,
} from '../support/builders/market.ts';
import { cancelParticipation } from '../../src/participations/operations.ts';
import { DomainError } from '../../src/errors/errors.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

interface Bounds {
  readonly total: number;
  readonly minimum: number;
  readonly least: number;
  readonly most: number;
}

const termsOf = ({ total, minimum, least, most }: Bounds): CampaignTerms => ({
  ...defaultTerms,
  title: 'Senja',
  totalSlots: total,
  minimumSlots: minimum,
  minSlotsPerUser: least,
  maxSlotsPerUser: most,
  pricePerSlot: 1_000n,
  deadline: new Date(Date.now() + 3_600_000),
});

/**
 * Whether new buyers who join one after the other can take all slots. Tries every sequence of
 * quantities.
 */
function canFill({ total, least, most }: Bounds): boolean {
  const reached = new Set([0]);
  for (const taken of reached) {
    const left = total - taken;
    for (let quantity = 1; quantity <= left; quantity++) {
      const isWithin = quantity >= least || quantity === left;
      const mayBegin = taken > 0 || least <= total;
      if (isWithin && quantity <= most && mayBegin) reached.add(taken + quantity);
    }
  }
  return reached.has(total);
}

const small = fc.integer({ min: 1, max: 14 });
const bounds = fc.record({ total: small, minimum: small, least: small, most: small });

test('terms are refused exactly if no set of buyers can reach the minimum and the total', () => {
  fc.assert(
    fc.property(bounds, (one) => {
      const isPossible = one.minimum <= one.total && one.most <= one.total && canFill(one);
      assert.equal(validateTerms(termsOf(one)) === undefined, isPossible);
    }),
    { numRuns: 2_000 },
  );
});

test('terms that cannot be filled are refused with valid alternatives', () => {
  const fault = validateTerms(termsOf({ total: 5, minimum: 5, least: 6, most: 5 }));
  assert.equal(fault?.fields[0]?.field, 'min_slots_per_user');
  assert.match(textOf('en', fault!.fields[0]!.message), /Enter 5 or less/);
});

for (const [total, least, most] of [
  [5, 2, 2],
  [7, 3, 3],
  [10, 4, 5],
  [3, 3, 3],
] as const) {
  test(`${total} slots, ${least} to ${most} per buyer: every order of purchases sells out`, async () => {
    for (const first of [least, most]) {
      const id = await createTestCampaign(db, market, {
        totalSlots: total,
        minSlotsPerUser: least,
        maxSlotsPerUser: most,
      });
      for (let left = total; left > 0;) {
        const quantity = left < least ? left : Math.min(first, left);
        await joinSuccessfully(db, joinRequest(id, { quantity }));
        left -= quantity;
      }
      assert.equal((await campaignState(db, id)).status, 'locked');
    }
  });
}

test('a remainder is sold as a whole to one buyer; no other order is below the minimum', async () => {
  const id = await createTestCampaign(db, market, {
    totalSlots: 12,
    minSlotsPerUser: 5,
    maxSlotsPerUser: 6,
  });
  const [answer] = await joinBatch(db, [joinRequest(id, { quantity: 2 })]);
  assert.equal(outcomeOf(answer!), 'quantity_out_of_bounds');
  const userId = newId();
  const two = [joinRequest(id, { quantity: 5, userId }), joinRequest(id, { quantity: 5 })];
  const answers = await joinBatch(db, [
    ...two,
    joinRequest(id, { quantity: 1 }),
    joinRequest(id, { quantity: 3 }),
    // A buyer who already has the minimum may add any number of slots up to the maximum.
    joinRequest(id, { quantity: 2, userId }),
    joinRequest(id, { quantity: 2 }),
  ]);
  assert.deepEqual(answers.map(outcomeOf), [
    'joined',
    'joined',
    'quantity_out_of_bounds',
    'slots_unavailable',
    'quantity_out_of_bounds',
    'joined',
  ]);
  assert.ok(answers[2] instanceof DomainError);
  assert.deepEqual(answers[2].params, { minimum: 2, maximum: 6, held: 0 });
});

test('a remainder that fits no waiting buyer is open to joins', async () => {
  const id = await createTestCampaign(db, market, {
    totalSlots: 5,
    minSlotsPerUser: 2,
    maxSlotsPerUser: 2,
  });
  const userId = newId();
  await joinSuccessfully(db, joinRequest(id, { quantity: 2 }), joinRequest(id, { quantity: 2 }));
  const [last = ''] = await joinSuccessfully(db, joinRequest(id, { quantity: 1, userId }));
  await joinWaitingList(db, id, 2);
  await db.transaction((tx) => cancelParticipation(tx, operator(), last, null));
  const [row] = await queryRows<{ reserved_slots: number; waiting: string }>(
    db,
    `select reserved_slots, (select status::text from sambatan.waiting_entries
      where campaign_id = $1) as waiting
    from sambatan.campaigns where campaign_id = $1`,
    id,
  );
  assert.deepEqual(row, { reserved_slots: 0, waiting: 'waiting' });
  await joinSuccessfully(db, joinRequest(id, { quantity: 1 }));
  assert.equal((await campaignState(db, id)).status, 'locked');
});
