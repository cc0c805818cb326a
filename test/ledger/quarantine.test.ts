import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Tx } from '../../src/database/transaction.ts';
import { newId } from '../../src/identity/ids.ts';
import { releaseQuarantine } from '../../src/quarantine/operations.ts';
import { refundsToMake, settleRefunds } from '../../src/ledger/refunds/operations.ts';
import { releasePayout, settlePayout } from '../../src/ledger/payouts/operations.ts';
import { receiveMoney, verifyPayment } from '../../src/ledger/payments/operations.ts';
import { markPending } from '../../src/ledger/gateway/pending-refunds.ts';
import { StatementImporter } from '../../src/ledger/bank-statements/importer.ts';
import { assignLine } from '../../src/ledger/bank-statements/lines.ts';
import { importStatement } from '../../src/ledger/bank-statements/operations.ts';
import { confirmParticipation } from '../../src/participations/operations.ts';
import { recordingLog } from '../support/server/log.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  service,
  joinRequest,
} from '../support/builders/market.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const { db, close } = await testDatabase();
after(close);
const campaignId = await createTestCampaign(db, await createBrandAndProduct(db), {
  paymentTiming: 'upfront',
});
const [participationId = ''] = await joinSuccessfully(db, joinRequest(campaignId));
const [payment] = await queryRows<{ transaction_id: string }>(
  db,
  "select transaction_id from sambatan.transactions where kind = 'payment'",
);
const accountId = await createReceivingAccount(db);
const call = { provider: 'midtrans', providerReference: 'a call' };
const money = { campaignId, participationId, amount: 1n, reference: null };

const importer = new StatementImporter({ db, log: recordingLog() });

const movements: Record<string, (tx: Tx) => Promise<unknown>> = {
  'settles refunds': (tx) => settleRefunds(tx, service, [newId()], 'BCA 1'),
  'lists refunds to make': (tx) => refundsToMake(tx, service, undefined),
  'releases a payout': (tx) => releasePayout(tx, service, newId()),
  'settles a payout': (tx) => settlePayout(tx, service, newId(), 'BCA 2'),
  'sends a movement': (tx) => markPending(tx, 'payment', payment?.transaction_id ?? newId(), call),
  'verifies a payment': (tx) =>
    verifyPayment(tx, service, participationId, { amount: null, reference: null }),
  'receives money': (tx) => receiveMoney(tx, 'service', 'midtrans:1', money),
  'says what a transfer pays for': (tx) => assignLine(tx, service, newId(), { participationId }),
  'imports a statement': () =>
    importStatement({ db, importer }, service, accountId, {
      bytes: Buffer.from('date,description,amount\n'),
      fileName: 'mutasi.csv',
      mapping: undefined,
      maxWaitMs: 60_000,
    }),
  'confirms a participation': (tx) => confirmParticipation(tx, service, participationId, null),
};

const codeOf = (verb: (tx: Tx) => Promise<unknown>): Promise<string> =>
  db.transaction(verb).then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );

test('in a restored database no operation moves money until it is released', async () => {
  await queryRows(db, 'delete from sambatan.installation');
  for (const [what, verb] of Object.entries(movements)) {
    assert.equal(await codeOf(verb), 'installation_held', what);
  }
  assert.equal(await releaseQuarantine(db), true);
  for (const [what, verb] of Object.entries(movements)) {
    assert.notEqual(await codeOf(verb), 'installation_held', what);
  }
});
