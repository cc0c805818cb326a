import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { DomainError } from '../../src/errors/errors.ts';
import { newId } from '../../src/identity/ids.ts';
import { declareShortfall } from '../../src/ledger/shortfall/operations.ts';
import { openDispute, resolveDispute } from '../../src/ledger/disputes/operations.ts';
import { viewBooks } from '../../src/ledger/books/operations.ts';
import {
  failRefund,
  dueRefunds,
  reverseRefund,
  settleRefunds,
} from '../../src/ledger/refunds/operations.ts';
import {
  duePayouts,
  releasePayout,
  reversePayout,
  settlePayout,
} from '../../src/ledger/payouts/operations.ts';
import {
  receiveMoney,
  rejectPayment,
  submitProof,
  verifyPayment,
  viewPayment,
  writeOffPayment,
} from '../../src/ledger/payments/operations.ts';
import { decideBelowMinimum } from '../../src/lifecycle/operations.ts';
import { runInTransaction } from '../../src/operation/run.ts';
import { cancelParticipation, fulfilParticipation } from '../../src/participations/operations.ts';
import type { Tx } from '../../src/database/transaction.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  service,
  joinRequest,
} from '../support/builders/market.ts';
import * as replay from '../support/inputs/replay.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);
await createReceivingAccount(db);

const pdf = { contentType: 'application/pdf', content: Buffer.from('%PDF-1.7') } as const;

/** One campaign and its users, with the money that the bank account should have. */
interface World {
  readonly id: string;
  readonly participations: string[];
  bank: bigint;
  receipts: number;
}

/** A change of the campaign. If it is refused, nothing may have changed. */
type Step = (world: World) => Promise<void>;

const inTx = <T>(verb: (tx: Tx) => Promise<T>) => runInTransaction(db, verb);
const pick = <T>(from: readonly T[], n: number): T => {
  const chosen = from[n % Math.max(from.length, 1)];
  // The step needs a participation, but there is none yet, so it gets an id that does not exist.
  return chosen ?? (newId() as T);
};
const settle = (id: string) => queryRows(db, 'select sambatan.settle_campaign($1, true, 1000)', id);

async function movementsOf(world: World, kind: string, status: string): Promise<string[]> {
  const rows = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind::text = $2 and status::text = $3 order by created_at, cause`,
    world.id,
    kind,
    status,
  );
  return rows.map(({ id }) => id);
}

/** The amount of a ledger entry in rupiah. Refuses: movement_not_found. */
async function amountOf(id: string): Promise<bigint> {
  const find = 'select amount from sambatan.transactions where transaction_id = $1';
  const [row] = await queryRows<{ amount: bigint }>(db, find, id);
  if (row === undefined) throw new DomainError('movement_not_found', {});
  return row.amount;
}

const person = fc.nat(30);
const few = fc.integer({ min: -3_000, max: 3_000 });

const steps: fc.Arbitrary<[name: string, step: Step]>[] = [
  fc.integer({ min: 1, max: 4 }).map((quantity) => [
    `join ${quantity}`,
    async ({ id, participations }) => {
      const [answer] = await joinBatch(db, [joinRequest(id, { quantity })]);
      if (answer instanceof DomainError) throw answer;
      participations.push(answer!.participationId);
    },
  ]),
  person.map((n) => [
    `look ${n}`,
    async ({ participations }) => {
      await inTx((tx) => viewPayment(tx, service, pick(participations, n)));
    },
  ]),
  person.map((n) => [
    `proof ${n}`,
    async ({ participations }) => {
      await inTx((tx) => submitProof(tx, service, pick(participations, n), pdf));
    },
  ]),
  person.map((n) => [
    `reject ${n}`,
    async ({ participations }) => {
      await inTx((tx) => rejectPayment(tx, service, pick(participations, n), 'buram'));
    },
  ]),
  fc.tuple(person, fc.option(few)).map(([n, off]) => [
    `verify ${n} ${off}`,
    async (world) => {
      const id = pick(world.participations, n);
      const { total } = await inTx((tx) => viewPayment(tx, service, id));
      const arrived = off === null ? total : total + BigInt(off);
      const amount = off === null ? null : arrived < 1n ? 1n : arrived;
      const seen = { amount, reference: 'BCA' };
      const { outcome } = await inTx((tx) => verifyPayment(tx, service, id, seen));
      // If an operator verifies the same amount twice, it is the same transfer.
      if (outcome !== 'known') world.bank += amount ?? total;
    },
  ]),
  fc.tuple(person, few, fc.boolean()).map(([n, off, again]) => [
    `arrive ${n} ${off} ${again}`,
    async (world) => {
      const participationId = pick(world.participations, n);
      const amount = 30_000n + BigInt(off);
      const money = { campaignId: world.id, participationId, amount, reference: null };
      const receipt = `test:${world.receipts++}`;
      await inTx((tx) => receiveMoney(tx, 'service', receipt, money));
      world.bank += amount;
      if (again) {
        const { outcome } = await inTx((tx) => receiveMoney(tx, 'service', receipt, money));
        assert.equal(outcome, 'known');
      }
    },
  ]),
  person.map((n) => [
    `leave ${n}`,
    async ({ participations }) => {
      await inTx((tx) => cancelParticipation(tx, service, pick(participations, n), null));
    },
  ]),
  fc.integer({ min: 30, max: 400 }).map((seconds) => [
    `${seconds} s pass`,
    async ({ id }) => {
      await letTimePass(db, id, seconds);
      await settle(id);
    },
  ]),
  fc.constant([
    'the deadline',
    async ({ id }) => {
      await letTimePass(db, id, 3_700);
      await settle(id);
    },
  ]),
  fc.constant([
    'call off',
    async ({ id }) => {
      await inTx((tx) =>
        queryRows(tx, "select sambatan.cancel_campaign($1, 'batal', 'service')", id),
      );
      await settle(id);
    },
  ]),
  person.map((n) => [
    `receive ${n}`,
    async ({ participations }) => {
      await inTx((tx) => fulfilParticipation(tx, service, pick(participations, n)));
    },
  ]),
  person.map((n) => [
    `write off ${n}`,
    async ({ participations }) => {
      await inTx((tx) => writeOffPayment(tx, service, pick(participations, n), 'tidak bayar'));
    },
  ]),
  fc.integer({ min: 0, max: 8 }).map((slots) => [
    `deliver ${slots}`,
    async ({ id }) => {
      await inTx((tx) => declareShortfall(tx, service, id, { slots, reason: 'pecah' }));
    },
  ]),
  person.map((n) => [
    `dispute ${n}`,
    async ({ participations }) => {
      await inTx((tx) => openDispute(tx, service, pick(participations, n), 'tumpah'));
    },
  ]),
  fc.tuple(person, fc.boolean()).map(([n, upheld]) => [
    `resolve ${n} ${upheld}`,
    async ({ id }) => {
      const open = await queryRows<{ id: string }>(
        db,
        `select dispute_id as id from sambatan.disputes
        where campaign_id = $1 and resolved_at is null order by opened_at`,
        id,
      );
      const dispute = pick(
        open.map((one) => one.id),
        n,
      );
      const resolution = upheld ? 'upheld' : 'dismissed';
      await inTx((tx) =>
        resolveDispute(tx, service, dispute, { resolution, explanation: 'dicek' }),
      );
    },
  ]),
  ...(['refund', 'payout'] as const).flatMap((kind) => [
    person.map((n): [string, Step] => [
      `settle ${kind} ${n}`,
      async (world) => {
        const id = pick(await movementsOf(world, kind, 'due'), n);
        await inTx(async (tx) =>
          kind === 'refund'
            ? settleRefunds(tx, service, [id], 'TRF')
            : settlePayout(tx, service, id, 'TRF'),
        );
        world.bank -= await amountOf(id);
      },
    ]),
    person.map((n): [string, Step] => [
      `reverse ${kind} ${n}`,
      async (world) => {
        const id = pick(await movementsOf(world, kind, 'settled'), n);
        const reverse = kind === 'refund' ? reverseRefund : reversePayout;
        await inTx(async (tx) => reverse(tx, service, id, 'rekening tutup'));
        world.bank += await amountOf(id);
      },
    ]),
  ]),
  person.map((n) => [
    `fail refund ${n}`,
    async (world) => {
      const id = pick(await movementsOf(world, 'refund', 'due'), n);
      await inTx((tx) => failRefund(tx, service, id, 'nomor salah'));
    },
  ]),
  person.map((n) => [
    `release ${n}`,
    async (world) => {
      const id = pick(await movementsOf(world, 'payout', 'due'), n);
      await inTx((tx) => releasePayout(tx, service, id));
    },
  ]),
];

const [join, look, , , verify] = steps;
const [deadline, callOff] = [steps[8], steps[9]];
const among = (...more: ((typeof steps)[number] | undefined)[]) =>
  fc.oneof(
    ...steps.filter((step) => step !== deadline && step !== callOff),
    ...more.map((s) => s!),
  );
const [release, settlePayouts] = [steps.at(-1), steps.at(-4)];

/** Random steps while the campaign is open, then its end, then random steps after the end. */
const histories = fc
  .tuple(
    fc.array(among(join, join, join, join, look, verify), { minLength: 6, maxLength: 25 }),
    fc.oneof(deadline!, deadline!, deadline!, callOff!),
    fc.array(among(verify, verify, verify, release, release, settlePayouts, settlePayouts), {
      minLength: 10,
      maxLength: 35,
    }),
  )
  .map(([open, end, afterwards]) => [...open, end, ...afterwards]);

/** Checks that the books agree with the bank and that both sides of them are equal. */
async function check(world: World, done: readonly string[]): Promise<void> {
  const b = await viewBooks(db, service, world.id);
  const story = done.join(', ');
  assert.equal(b.held, world.bank, `what is in hand, after ${story}`);
  assert.equal(
    b.paid + b.unique_codes + b.credits + b.returned + b.receivable + b.owed_back + b.lost,
    b.gross + b.codes_kept + b.payouts_returned + b.refunds_due + b.refunds_settled,
    `both sides, after ${story}`,
  );
  for (const [name, value] of Object.entries(b)) {
    assert.ok(value >= 0n, `${name} is ${value} after ${story}`);
  }
}

/** Sends all money that is due. What remains belongs to the platform, and nothing may be open. */
async function finish(world: World): Promise<void> {
  // Lets the deadline and the verification hours pass.
  await letTimePass(db, world.id, 3_700 + 48 * 3_600);
  await settle(world.id);
  const open = await queryRows<{ id: string; status: string }>(
    db,
    `select t.participation_id as id, t.status from sambatan.transactions t
    join sambatan.participants p using (campaign_id, participation_id)
    where campaign_id = $1 and t.kind = 'payment' and p.status in ('confirmed', 'fulfilled')
      and t.status in ('due', 'rejected', 'proof_submitted')`,
    world.id,
  );
  for (const { id } of open) {
    const { total } = await inTx((tx) => viewPayment(tx, service, id));
    await inTx((tx) => verifyPayment(tx, service, id, { amount: null, reference: null }));
    world.bank += total;
  }
  const disputes = await queryRows<{ id: string }>(
    db,
    `select dispute_id as id from sambatan.disputes
    where campaign_id = $1 and resolved_at is null`,
    world.id,
  );
  const dismissed = { resolution: 'dismissed', explanation: 'selesai' } as const;
  for (const { id } of disputes) {
    await inTx((tx) => resolveDispute(tx, service, id, dismissed));
  }
  // If fewer slots than the minimum are paid, the campaign needs a decision.
  await inTx((tx) => decideBelowMinimum(tx, service, world.id, { goesOn: true, note: null })).catch(
    (error: unknown) => {
      if (!(error instanceof DomainError) || error.code !== 'no_decision_open') throw error;
    },
  );
  for (const kind of ['refund', 'payout'] as const) {
    for (const id of await movementsOf(world, kind, 'due')) {
      if (kind === 'payout') await inTx((tx) => releasePayout(tx, service, id));
      await inTx(async (tx) =>
        kind === 'refund'
          ? settleRefunds(tx, service, [id], 'AKHIR')
          : settlePayout(tx, service, id, 'AKHIR'),
      );
      world.bank -= await amountOf(id);
    }
  }
  const b = await viewBooks(db, service, world.id);
  assert.equal(b.held, b.fee + b.codes_kept, 'what stays is the fee and the codes');
}

const runs = Number(process.env['SAMBATAN_TEST_RUNS'] ?? 30);

test('after any money event the books equal the bank and balance', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${replay.seed} for SAMBATAN_TEST_RUNS=${runs}`);
  const reached = new Map<string, number>();
  const property = fc.asyncProperty(fc.boolean(), histories, async (upfront, history) => {
    const id = await createTestCampaign(db, market, {
      totalSlots: 8,
      minimumSlots: 2,
      pricePerSlot: 9_973n,
      paymentTiming: upfront ? 'upfront' : 'on_completion',
      holdSeconds: 300,
    });
    const world: World = { id, participations: [], bank: 0n, receipts: 0 };
    const done: string[] = [];
    for (const [name, step] of history) {
      try {
        await step(world);
        done.push(name);
        const kind = name.replaceAll(/ -?\d.*| (true|false|null).*/g, '');
        reached.set(kind, (reached.get(kind) ?? 0) + 1);
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
      }
      await check(world, done);
    }
    await finish(world);
    await check(world, [...done, 'the end']);
  });
  const file = 'test/ledger/books.test.ts';
  await replay.checkProperty(property, { numRuns: runs, file, title: t.name });
  if (runs < 30 || replay.path !== undefined) return;
  // If most steps were refused, the histories would prove nothing.
  for (const kind of ['verify', 'arrive', 'settle refund', 'settle payout', 'deliver']) {
    assert.ok((reached.get(kind) ?? 0) > 0, `${kind} was never done in ${runs} histories`);
  }
});

test('queues of refunds and payouts are paged, oldest first, for staff only', async () => {
  const all = await dueRefunds(db, service, undefined, {
    failedOnly: false,
    after: [null, null],
    limit: 500,
  });
  const paged: string[] = [];
  let place: [number | null, string | null] = [null, null];
  for (;;) {
    const page = await dueRefunds(db, service, undefined, {
      failedOnly: false,
      after: place,
      limit: 3,
    });
    if (page.length === 0) break;
    paged.push(...page.map((row) => row.transaction_id));
    place = [Number(page.at(-1)!.position), page.at(-1)!.transaction_id];
  }
  assert.deepEqual(
    paged,
    all.map((row) => row.transaction_id),
  );
  const nobody = { kind: 'user', userId: newId(), address: '192.0.2.9', roles: [] } as const;
  const asked = { releasedOnly: false, after: [null, null] as const, limit: 5 };
  await assert.rejects(duePayouts(db, nobody, asked), { code: 'forbidden' });
});
