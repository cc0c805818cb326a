import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  campaignState,
  joinRequest,
} from '../support/builders/market.ts';
import * as replay from '../support/inputs/replay.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);
const till = await createReceivingAccount(db);
const runs = Number(process.env['SAMBATAN_TEST_RUNS'] ?? 200);

/**
 * When one buyer pays and who reports it. The times are hours after the deadline; before it they
 * are negative.
 */
interface Buyer {
  readonly slots: number;
  /** The hour of the payment; null: the buyer never pays. */
  readonly paidAt: number | null;
  readonly by: 'provider' | 'statement' | 'eye';
  /** The hour after the deadline at which the service learns of the payment. */
  readonly heardAt: number;
  readonly proves: boolean;
}
const buyer: fc.Arbitrary<Buyer> = fc.record({
  slots: fc.integer({ min: 1, max: 3 }),
  paidAt: fc.option(fc.constantFrom(-30, -26, -2, -1, 1, 3, 26, 30)),
  by: fc.constantFrom('provider', 'statement', 'eye'),
  heardAt: fc.integer({ min: -1, max: 60 }),
  proves: fc.boolean(),
});
const history = fc.record({
  buyers: fc.array(buyer, { minLength: 1, maxLength: 5 }),
  minimum: fc.integer({ min: 1, max: 8 }),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;
const verificationHours = 48;

/** The deadline is at noon in Jakarta. The day of each payment then follows from its hour. */
const jakartaNoonHours = 12;
const dayOf = (hours: number) => Math.floor((hours + jakartaNoonHours) / 24);

/** The expected status. It depends on when a payment was made, not on when it was verified. */
function expected({ buyers, minimum }: History): 'fulfilled' | 'expired' {
  const counts = ({ paidAt, by, heardAt }: Buyer) => {
    if (paidAt === null || heardAt > verificationHours) return false;
    // If only the day of a payment is known, the whole day of the deadline is in time.
    return by === 'provider' ? paidAt <= 0 : dayOf(paidAt) <= dayOf(0);
  };
  const slots = buyers.filter(counts).reduce((sum, one) => sum + one.slots, 0);
  return slots >= minimum ? 'fulfilled' : 'expired';
}

/**
 * Runs a history against the service. The service uses the clock of the database, so the stored
 * times of the campaign are moved to let time pass. `hours` is the current time in hours after the
 * deadline.
 */
async function played({ buyers, minimum }: History): Promise<{ status: string; refunds: number }> {
  const total = 15;
  const id = await createTestCampaign(db, market, {
    totalSlots: total,
    minimumSlots: Math.min(minimum, total),
    paymentTiming: 'upfront',
    holdSeconds: 2_592_000,
    deadline: new Date(Date.now() + 1_000_000_000),
  });
  const places: string[] = [];
  for (const one of buyers) {
    const [place = ''] = await joinSuccessfully(db, joinRequest(id, { quantity: one.slots }));
    await queryRows(db, 'select sambatan.open_payment($1, $2)', id, place);
    if (one.proves) {
      const proof = "select sambatan.submit_proof($1, $2, 'application/pdf', 'x', 'service')";
      await queryRows(db, proof, id, place);
    }
    places.push(place);
  }
  /** Goes to a time of the history: the deadline was `hours` ago. */
  const goTo = async (hours: number) =>
    queryRows(
      db,
      `with s as (
        update sambatan.campaign_states
        set next_run_at = case when next_run_at is not null then now() end
        where campaign_id = $1
      ), c as (
        update sambatan.campaign_details set deadline = now() - $2::float8 * interval '1 hour'
        where campaign_id = $1 returning deadline)
      update sambatan.transactions t set pay_by = c.deadline from c where t.campaign_id = $1
        and t.status in ('due', 'rejected', 'proof_submitted')`,
      id,
      hours,
    );
  const settle = () => queryRows(db, 'select sambatan.settle_campaign($1, false, 1000)', id);
  const news = buyers
    .map((one, at) => ({ ...one, place: places[at]! }))
    .filter(({ paidAt, heardAt }) => paidAt !== null && heardAt >= paidAt)
    .toSorted((a, b) => a.heardAt - b.heardAt);
  await queryRows(db, 'update sambatan.receiving_accounts set statement_through = null');
  for (const { place, paidAt, by, heardAt } of news) {
    await goTo(heardAt - 0.001);
    await settle();
    const [{ at } = { at: '' }] = await queryRows<{ at: string }>(
      db,
      `select case when $3 then ((deadline at time zone 'Asia/Jakarta')::date + $2::integer)::text
        else (deadline + $4::float8 * interval '1 hour')::text end as at
      from sambatan.campaigns where campaign_id = $1`,
      id,
      dayOf(paidAt!) - dayOf(0),
      by !== 'provider',
      paidAt,
    );
    await queryRows(
      db,
      `select sambatan.receive_money($1, $2, t.amount + t.unique_code, 'service', null, $3,
        case when $4 then $5::timestamptz end, case when not $4 then $5::date end)
      from sambatan.transactions t where t.campaign_id = $1 and t.cause = 'payment:' || $2::uuid`,
      id,
      place,
      `test:${place}`,
      by === 'provider',
      at,
    );
  }
  await goTo(verificationHours + 0.001);
  await settle();
  const [{ refunds } = { refunds: 0n }] = await queryRows<{ refunds: bigint }>(
    db,
    "select count(*) as refunds from sambatan.transactions where campaign_id = $1 and kind = 'refund'",
    id,
  );
  return { status: (await campaignState(db, id)).status, refunds: Number(refunds) };
}

/** A payment cannot be reported before it was made. */
const isPossible = ({ buyers }: History) =>
  buyers.every(({ paidAt, heardAt }) => paidAt === null || heardAt >= paidAt);

test('the outcome depends on the times of payment, in any order of arrival and however late they are seen', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${replay.seed} for SAMBATAN_TEST_RUNS=${runs}`);
  assert.ok(till);
  const seen = new Set<string>();
  const property = fc.asyncProperty(history.filter(isPossible), async (story) => {
    const { status, refunds } = await played(story);
    seen.add(status);
    assert.equal(status, expected(story), JSON.stringify(story));
    // Money that was received but does not count is refunded.
    const paid = story.buyers.filter(({ paidAt }) => paidAt !== null);
    const kept =
      status === 'fulfilled'
        ? paid.filter(
            ({ paidAt, by, heardAt }) =>
              heardAt <= verificationHours &&
              (by === 'provider' ? paidAt! <= 0 : dayOf(paidAt!) <= dayOf(0)),
          ).length
        : 0;
    assert.equal(refunds, paid.length - kept, JSON.stringify(story));
  });
  const file = 'test/ledger/payments-model.test.ts';
  await replay.checkProperty(property, { numRuns: runs, file, title: t.name });
  if (runs < 200 || replay.path !== undefined) return;
  assert.deepEqual([...seen].sort(), ['expired', 'fulfilled']);
});

test('control: a model based on the time of verification is detected', async () => {
  const story: History = {
    buyers: [{ slots: 2, paidAt: -2, by: 'provider', heardAt: 20, proves: false }],
    minimum: 2,
  };
  const byTheClockOfStaff = story.buyers[0]!.heardAt <= 0 ? 'fulfilled' : 'expired';
  const { status } = await played(story);
  assert.equal(status, expected(story));
  assert.notEqual(status, byTheClockOfStaff);
});
