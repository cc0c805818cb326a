import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { auditEvents } from '../../src/audit/events.ts';
import { editCampaign } from '../../src/campaigns/operations.ts';
import { seedMarket } from '../../src/demo/seed.ts';
import { cancelParticipation } from '../../src/participations/operations.ts';
import { acceptOffer, declineOffer, withdrawEntry } from '../../src/waiting/operations.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  pastDeadline,
  service,
  joinWaitingList,
  joinRequest,
  type BrandAndProduct,
} from '../support/builders/market.ts';
import { newId } from '../../src/identity/ids.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const { db, log, close } = await testDatabase();
after(close);

/**
 * The metadata fields of each event, as the last column of the table in docs/events.md names them.
 */
const documented = new Map(
  readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => /^\| `[a-z_]+` \|/.test(line))
    .map((line) => {
      const [, event = '', , , metadata = ''] = line.split('|');
      return [event.replaceAll(/[` ]/g, ''), metadata] as const;
    }),
);

test('docs/events.md lists exactly the events of the audit log', () => {
  assert.deepEqual([...documented.keys()].sort(), [...auditEvents].sort());
});

test('the metadata of all written events is as docs/events.md describes', async () => {
  await seedMarket({ db, log });
  const market = await createBrandAndProduct(db);
  const campaignId = await createTestCampaign(db, market, { totalSlots: 1 });
  const [participationId = ''] = await joinSuccessfully(db, joinRequest(campaignId));
  await db.transaction((tx) => cancelParticipation(tx, service, participationId, null));
  const change = { description: 'Dengan botol baru.' };
  await db.transaction((tx) => editCampaign(tx, service, campaignId, change));

  await waitInEveryWay(market);
  await moveMoney();
  await payLate(market);

  const written = await queryRows<{ event: string; keys: string[] }>(
    db,
    `select event, array_agg(distinct key) as keys
    from sambatan.audit_events, jsonb_object_keys(metadata) as key group by event`,
  );
  assert.deepEqual(written.map(({ event }) => event).sort(), [...auditEvents].sort());
  for (const { event, keys } of written) {
    const said = documented.get(event) ?? '';
    for (const always of ['slots_taken', 'total_slots']) assert.ok(keys.includes(always), event);
    for (const key of keys.filter((each) => !/^(slots_taken|total_slots)$/.test(each))) {
      assert.ok(said.includes(`\`${key}\``), `${event} has ${key}, which the document leaves out`);
    }
  }
});

/** Five buyers wait for the only slot of a campaign. Their waiting ends in all possible ways. */
async function waitInEveryWay(market: BrandAndProduct): Promise<void> {
  const campaignId = await createTestCampaign(db, market, {
    totalSlots: 1,
    deadline: new Date(Date.now() + 10_800_000),
  });
  const [first = ''] = await joinSuccessfully(db, joinRequest(campaignId));
  const line: string[] = [];
  for (let place = 0; place < 5; place++) line.push((await joinWaitingList(db, campaignId)).id);
  const settle = () => queryRows(db, 'select sambatan.settle_campaign($1, false, 100)', campaignId);
  await db.transaction((tx) => withdrawEntry(tx, service, line[0]!));
  await db.transaction((tx) => cancelParticipation(tx, service, first, null));
  await db.transaction((tx) => declineOffer(tx, service, line[1]!));
  await letTimePass(db, campaignId, 7_200);
  await settle();
  await db.transaction((tx) => acceptOffer(tx, service, line[3]!));
  await letTimePass(db, campaignId, pastDeadline);
  await settle();
}

/**
 * Causes payments that are still pending after the deadline, and orders that stay unpaid after
 * success.
 */
async function payLate(market: BrandAndProduct): Promise<void> {
  const settle = (id: string) =>
    queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', id);
  const awaited = await createTestCampaign(db, market, { totalSlots: 2, paymentTiming: 'upfront' });
  const [reserved = ''] = await joinSuccessfully(db, joinRequest(awaited));
  await queryRows(db, 'select sambatan.open_payment($1, $2)', awaited, reserved);
  await letTimePass(db, awaited, pastDeadline);
  await settle(awaited);
  const calledOff = await createTestCampaign(db, market, { totalSlots: 1 });
  await joinSuccessfully(db, joinRequest(calledOff));
  await joinWaitingList(db, calledOff);
  await queryRows(db, "select sambatan.cancel_campaign($1, 'batal', 'service')", calledOff);
  await settle(calledOff);
  const unpaid = await createTestCampaign(db, market, { totalSlots: 2 });
  await joinSuccessfully(db, joinRequest(unpaid, { quantity: 2 }));
  await settle(unpaid);
  await letTimePass(db, unpaid, 7 * 86_400);
  await settle(unpaid);
  await queryRows(
    db,
    "select sambatan.decide_below_minimum($1, true, false, 'jalan', 'service')",
    unpaid,
  );
}

/** Causes every event about money, by the database functions that write these events. */
async function moveMoney(): Promise<void> {
  await createReceivingAccount(db);
  const market = await createBrandAndProduct(db);
  const smaller = await createTestCampaign(db, market);
  const [corrected = ''] = await joinSuccessfully(db, joinRequest(smaller, { quantity: 2 }));
  const change = "select sambatan.change_participation($1, $2, 1, null, 'catatan', 'service')";
  await queryRows(db, change, smaller, corrected);
  const id = await createTestCampaign(db, market, { totalSlots: 4, paymentTiming: 'upfront' });
  const people = await joinSuccessfully(
    db,
    joinRequest(id, { quantity: 2 }),
    joinRequest(id),
    joinRequest(id),
  );
  const [first = '', second = ''] = people;
  const run = (text: string, ...parameters: unknown[]) => queryRows(db, text, ...parameters);
  for (const one of people) {
    await run('select sambatan.open_payment($1, $2)', id, one);
    const proof = 'select sambatan.submit_proof($1, $2, $3, $4, $5)';
    await run(proof, id, one, 'application/pdf', Buffer.from('%PDF-'), 'service');
  }
  await run("select sambatan.reject_payment($1, $2, 'buram', 'service')", id, first);
  for (const one of people) {
    await run("select sambatan.verify_payment($1, $2, null, 'service', null)", id, one);
  }
  const money = "select sambatan.receive_money($1, $2, 5000, 'service', null, 'test')";
  await run(money, id, first);
  await run('select sambatan.settle_campaign($1, true, 100)', id);
  const movement = async (kind: string) =>
    (
      await queryRows<{ id: string }>(
        db,
        `select transaction_id as id from sambatan.transactions
        where campaign_id = $1 and kind::text = $2 and status = 'due'`,
        id,
        kind,
      )
    )[0]!.id;
  const refund = await movement('refund');
  await run("select sambatan.fail_refund($1, 'nomor salah', 'service')", refund);
  await run("select sambatan.settle_ledger_entry($1, 'refund', 'TRF', 'service')", refund);
  await run("select sambatan.reverse_ledger_entry($1, 'refund', 'tutup', 'service')", refund);
  await run("select sambatan.declare_shortfall($1, 3, 'pecah', 'service')", id);
  const dispute = newId();
  await run("select sambatan.open_dispute($1, $2, $3, 'tumpah', 'service')", id, second, dispute);
  await run("select sambatan.resolve_dispute($1, 'dismissed', 'dicek', 'service')", dispute);
  for (const end of [
    "settle_overpaid_refund($1, 'TRF', 'service')",
    "write_off_overpaid_refund($1, 'hilang', 'service')",
  ]) {
    const twice = await movement('refund');
    await run("select sambatan.settle_ledger_entry($1, 'refund', 'TRF', 'service')", twice);
    await run("select sambatan.refund_by_provider($1, 'midtrans', $2, 'system')", twice, newId());
    await run(`select sambatan.${end}`, await movement('adjustment'));
  }
  await run("select sambatan.ship_campaign($1, 1, 'service')", id);
  await run(
    `update sambatan.campaign_details set shipped_at = shipped_at - interval '2 days',
      received_after = now() - interval '1 day', receipts_due_at = now() - interval '1 day'
    where campaign_id = $1`,
    id,
  );
  await run(
    `update sambatan.transactions set settled_at = settled_at - interval '2 days'
    where campaign_id = $1 and kind = 'payment'`,
    id,
  );
  await run('select sambatan.receive_unanswered($1, 100)', id);
  const payout = await movement('payout');
  await run("select sambatan.release_payout($1, 'service')", payout);
  await run("select sambatan.settle_ledger_entry($1, 'payout', 'TRF', 'service')", payout);
  await run("select sambatan.reverse_ledger_entry($1, 'payout', 'tutup', 'service')", payout);
}
