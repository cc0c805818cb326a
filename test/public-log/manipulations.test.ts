import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, test } from 'node:test';
import { derivedKey, keySource, type KeySource } from '../../src/public-log/key-source.ts';
import { enrolSigner, rotateKey } from '../../src/public-log/keys.ts';
import { signNote } from '../../src/public-log/note.ts';
import { joinRequest, joinSuccessfully, queryRows } from '../support/builders/market.ts';
import { createLogWriter } from '../support/builders/public-log.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';
import type { Client } from '../support/clients/client.ts';
import { readFrom, verifyLog } from '../support/public-log/page-verifier.ts';
import {
  byIndependentVerifier,
  verifyEverywhere,
  type Evidence,
} from '../support/public-log/verifiers.ts';
import { runCommand } from '../support/server/command.ts';
import { startHttpService, type HttpService } from '../support/server/http-service.ts';

// The attacker holds the database as its superuser, the signing key and all code, but not what
// buyers and witnesses have kept. Whoever holds an old receipt has to notice each manipulation.

const witnessFolder = await mkdtemp(joinPath(tmpdir(), 'sambatan-witness-'));
const witnessFile = joinPath(witnessFolder, 'checkpoints');
after(() => rm(witnessFolder, { recursive: true, force: true }));
const service = await startHttpService({
  invariants: false,
  environment: { SAMBATAN_LOG_WITNESS_FILE: witnessFile },
});
after(service.close);
const shop = await openShop(service);
await createReceivingAccount(service.db);

interface Order {
  readonly buyer: Client;
  readonly id: string;
}

/** A campaign with orders, and the receipts that its buyers keep. */
interface Sale {
  readonly at: HttpService;
  readonly campaign: string;
  readonly orders: readonly Order[];
  /** The receipts of the first three orders, from before the cancellation. */
  readonly receipts: readonly string[];
  /** The receipt of the fourth order. */
  readonly young: string;
}

/** Signs what is in the database now, as the service does. */
const signAll = (at: HttpService = service) => at.app.logWriter.drain();

async function receiptOf({ buyer, id }: Order): Promise<string> {
  const answer = await buyer.get(`/participations/${id}/receipt`);
  assert.equal(answer.status, 200, answer.text);
  return answer.text.trim();
}

async function order(at: HttpService, campaign: string, quantity: number): Promise<Order> {
  const buyer = await at.user();
  const { id } = await join(buyer, campaign, { quantity });
  return { buyer, id };
}

/**
 * A campaign of ten slots. Three buyers ordered 2, 1 and 3 slots and kept their receipts; then the
 * second one left, and a fourth one ordered 2 slots.
 */
async function sell(at = service, from = shop): Promise<Sale> {
  const { id: campaign } = await from.campaign({ total_slots: 10, minimum_slots: 1 });
  const orders: Order[] = [];
  for (const quantity of [2, 1, 3]) orders.push(await order(at, campaign, quantity));
  await signAll(at);
  const receipts = await Promise.all(orders.map(receiptOf));
  const { buyer, id } = orders[1]!;
  expectStatus(await buyer.post(`/participations/${id}/cancel`, {}), 200);
  orders.push(await order(at, campaign, 2));
  await signAll(at);
  return { at, campaign, orders, receipts, young: await receiptOf(orders[3]!) };
}

/** Runs statements as the superuser, without triggers. */
async function tamper({ at }: Pick<Sale, 'at'>, ...statements: string[]): Promise<void> {
  const all = statements.map((statement) => `${statement};`).join(' ');
  await queryRows(
    at.db,
    `do $do$ begin set local session_replication_role = replica; ${all} end $do$`,
  );
}

const ofCampaign = ({ campaign }: Sale) => `campaign_id = '${campaign}'`;

/** Computes all hashes again and signs the new history with the real key. */
async function signAgain(sale: Sale): Promise<void> {
  await forgetTree(sale);
  await signAll(sale.at);
}

/** Makes the numbers and hashes of the log right again, and forgets what was signed. */
async function forgetTree(sale: Sale): Promise<void> {
  const where = ofCampaign(sale);
  await tamper(
    sale,
    `update sambatan.audit_logs set seq = seq + 1000000 where ${where}`,
    `update sambatan.audit_logs a set seq = b.seq, slots_taken = b.taken
    from (select seq as old, row_number() over (order by seq) as seq,
      sum(slots) over (order by seq) as taken from sambatan.audit_logs where ${where}) b
    where a.seq = b.old and a.${where}`,
    `update sambatan.audit_logs set leaf_hash = sambatan.leaf_hash(sambatan.public_record(
      seq, occurred_at, event, slots, slots_taken, total_slots, price_per_slot, commitment))
    where ${where}`,
    `update sambatan.campaign_states set audit_seq =
      (select count(*) from sambatan.audit_logs where ${where}) where ${where}`,
    ...['log_trees', 'log_tiles', 'log_checkpoints'].map(
      (table) => `delete from sambatan.${table} where ${where}`,
    ),
  );
}

/** Changes rows of the log of a campaign, then computes and signs everything again. */
const rewrite = (statement: (sale: Sale) => string) => async (sale: Sale) => {
  await tamper(sale, statement(sale));
  await signAgain(sale);
};

/** The number of the record of the third order. */
const third = (sale: Sale) =>
  `(select seq from sambatan.audit_logs where ${ofCampaign(sale)}
    and participation_id = '${sale.orders[2]!.id}' and event = 'participant_joined')`;

const update = (change: string) =>
  rewrite(
    (sale) => `update sambatan.audit_logs set ${change}
    where ${ofCampaign(sale)} and seq = ${third(sale)}`,
  );

/** Every verifier has to find something wrong. Returns what they said. */
async function assertNoticed(at: HttpService, evidence: Evidence): Promise<string> {
  const verdicts = await verifyEverywhere(at.url, evidence);
  for (const [verifier, verdict] of Object.entries(verdicts)) {
    assert.notEqual(verdict, '', `the ${verifier} verifier has noticed nothing`);
  }
  return Object.values(verdicts).join('\n');
}

async function assertRight(at: HttpService, evidence: Evidence): Promise<void> {
  assert.deepEqual(await verifyEverywhere(at.url, evidence), {
    independent: '',
    command: '',
    page: '',
  });
}

test('without a manipulation all verifiers are content', async () => {
  const sale = await sell();
  await assertRight(service, { receipts: [...sale.receipts, sale.young] });
});

test('sambatan log verify says the same as a command', async () => {
  const sale = await sell();
  const folder = await mkdtemp(joinPath(tmpdir(), 'sambatan-receipt-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const file = joinPath(folder, 'receipt');
  await writeFile(file, sale.receipts[0]!);
  const args = ['log', 'verify', '--receipt', file, '--url', service.url];
  const right = await runCommand(args);
  assert.equal(right.code, 0, right.out + right.err);
  await update('price_per_slot = 1')(sale);
  const wrong = await runCommand(args);
  assert.equal(wrong.code, 1, wrong.out + wrong.err);
});

test('a copy of the log is verified like the service, without it', async () => {
  const sale = await sell();
  const folder = await mkdtemp(joinPath(tmpdir(), 'sambatan-copy-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const args = ['--campaign', sale.campaign, '--to', folder, '--url', service.url];
  const copied = await runCommand(['log', 'export', ...args]);
  assert.equal(copied.code, 0, copied.err);
  assert.equal(await byIndependentVerifier(folder, { receipts: sale.receipts }), '');
  await update('price_per_slot = 1')(sale);
  assert.equal(await byIndependentVerifier(folder, { receipts: sale.receipts }), '');
  const again = await runCommand(['log', 'export', ...args]);
  assert.equal(again.code, 0, again.err);
  assert.match(await byIndependentVerifier(folder, { receipts: [sale.young] }), /was changed/);
});

/** What the attacker does to a sale, each with the history signed again with the real key. */
const rewritten: Record<string, (sale: Sale) => Promise<void>> = {
  'an order is deleted': rewrite(
    (sale) => `delete from sambatan.audit_logs where ${ofCampaign(sale)} and seq = ${third(sale)}`,
  ),
  'an order is inserted': rewrite(
    (sale) => `update sambatan.audit_logs set seq = seq + 1000
      where ${ofCampaign(sale)} and seq >= ${third(sale)};
    insert into sambatan.audit_logs select campaign_id, seq - 1, occurred_at, gen_random_uuid(),
      actor_id, price_per_slot, event, actor_kind, 1, slots_taken, total_slots,
      sha256('invented'), leaf_hash, metadata
    from sambatan.audit_logs where ${ofCampaign(sale)} and seq = ${third(sale)}`,
  ),
  'two orders are swapped': rewrite(
    (sale) => `update sambatan.audit_logs set seq = seq + 1000
      where ${ofCampaign(sale)} and participation_id in
        ('${sale.orders[1]!.id}', '${sale.orders[2]!.id}') and event = 'participant_joined';
    update sambatan.audit_logs set seq = seq + 5
      where ${ofCampaign(sale)} and seq > 1000
        and participation_id = '${sale.orders[1]!.id}'`,
  ),
  'a quantity is changed': update('slots = 1'),
  'a time is changed': update("occurred_at = occurred_at - interval '1 hour'"),
  'a price is changed': update('price_per_slot = price_per_slot - 1'),
  'a commitment is changed': update("commitment = sha256('another order')"),
  'a cancellation becomes something else': rewrite(
    (sale) => `update sambatan.audit_logs set event = 'participant_changed', slots = 0
      where ${ofCampaign(sale)} and event = 'participant_cancelled'`,
  ),
  'the total of slots is changed everywhere': rewrite(
    (sale) => `update sambatan.audit_logs set total_slots = 9 where ${ofCampaign(sale)}`,
  ),
  'all orders after the first one are removed': rewrite(
    (sale) => `delete from sambatan.audit_logs where ${ofCampaign(sale)}
      and seq > (select min(seq) from sambatan.audit_logs where ${ofCampaign(sale)}
        and event = 'participant_joined')`,
  ),
};
for (const [name, attack] of Object.entries(rewritten)) {
  test(`signed again with the real key, it is noticed: ${name}`, async () => {
    const sale = await sell();
    await attack(sale);
    await assertNoticed(service, { receipts: [sale.young] });
    // Older receipts show what happened before them.
    const isLater = name === 'a cancellation becomes something else';
    if (!isLater) await assertNoticed(service, { receipts: [sale.receipts[0]!] });
  });
}

test('a row that was changed without new signatures is noticed', async () => {
  const sale = await sell();
  const [row] = [`${ofCampaign(sale)} and seq = ${third(sale)}`];
  await tamper(sale, `update sambatan.audit_logs set price_per_slot = 5 where ${row}`);
  await assertNoticed(service, { receipts: [sale.receipts[0]!] });
});

test('a log that is shorter than its checkpoint is noticed', async () => {
  const sale = await sell();
  await tamper(sale, `delete from sambatan.audit_logs where ${ofCampaign(sale)} and seq > 3`);
  await assertNoticed(service, { receipts: [sale.receipts[0]!] });
});

test('a checkpoint whose signature or root was changed is noticed', async () => {
  for (const change of ["signature = decode(repeat('ab', 64), 'hex')", "root = sha256('other')"]) {
    const sale = await sell();
    await tamper(sale, `update sambatan.log_checkpoints set ${change} where ${ofCampaign(sale)}`);
    await assertNoticed(service, { receipts: [sale.receipts[0]!] });
  }
});

test('an older checkpoint that is served again is noticed by holders of younger receipts', async () => {
  const sale = await sell();
  await tamper(
    sale,
    `delete from sambatan.log_checkpoints c where ${ofCampaign(sale)} and size =
      (select max(size) from sambatan.log_checkpoints where ${ofCampaign(sale)})`,
  );
  await assertRight(service, { receipts: sale.receipts });
  await assertNoticed(service, { receipts: [sale.young] });
});

test('two checkpoints of one size are noticed', async () => {
  const sale = await sell();
  await update('price_per_slot = 7')(sale);
  const forged = await receiptOf(sale.orders[3]!);
  await assertRight(service, { receipts: [forged] });
  await assertNoticed(service, { receipts: [sale.young] });
  await assertNoticed(service, { receipts: [sale.young, forged] });
});

test('a fork that is shown to two holders is noticed when they compare', async () => {
  const sale = await sell();
  const first = await order(service, sale.campaign, 1);
  await signAll();
  const seenByFirst = await receiptOf(first);
  await assertRight(service, { receipts: [seenByFirst] });
  await tamper(
    sale,
    `update sambatan.audit_logs set commitment = sha256('invented'), price_per_slot = 1
      where ${ofCampaign(sale)} and participation_id = '${first.id}'`,
  );
  await signAgain(sale);
  const second = await order(service, sale.campaign, 1);
  await signAll();
  const seenBySecond = await receiptOf(second);
  await assertRight(service, { receipts: [...sale.receipts, seenBySecond] });
  await assertNoticed(service, { receipts: [seenBySecond, seenByFirst] });
});

/** The newest checkpoint of a campaign, as a witness keeps it. */
async function witnessed({ campaign, at }: Sale): Promise<string> {
  const answer = await at.visitor.get(`/campaigns/${campaign}/log/checkpoint`);
  assert.equal(answer.status, 200);
  return `${answer.text}\n`;
}

test('a fork is noticed with the file of a witness, although the receipt fits', async () => {
  // A witness gets the checkpoints from the time at which it was configured.
  await service.app.witnesses.sendNew();
  const sale = await sell();
  await service.app.witnesses.sendNew();
  const witness = await readFile(witnessFile, 'utf8');
  await assertRight(service, { receipts: sale.receipts, witness });
  await update('price_per_slot = 7')(sale);
  const forged = await receiptOf(sale.orders[0]!);
  await assertRight(service, { receipts: [forged] });
  await assertNoticed(service, { receipts: [forged], witness });
});

test('a receipt does not fit the log of another campaign', async () => {
  const [sale, other] = [await sell(), await sell()];
  const tables = ['audit_logs', 'log_trees', 'log_checkpoints', 'log_tiles'];
  const spare = '00000000-0000-7000-8000-000000000000';
  const move = (from: string, to: string) =>
    tables.map(
      (table) => `update sambatan.${table} set campaign_id = '${to}' where campaign_id = '${from}'`,
    );
  await tamper(sale, ...move(sale.campaign, spare), ...move(other.campaign, sale.campaign));
  await assertNoticed(service, { receipts: [sale.receipts[0]!] });
  await signAgain(sale);
  await assertNoticed(service, { receipts: [sale.receipts[0]!] });
  await tamper(sale, ...move(spare, other.campaign));
});

test('tiles in another order are noticed', async () => {
  const { id: campaign } = await shop.campaign({ total_slots: 1_000, minimum_slots: 1 });
  const first = await order(service, campaign, 1);
  for (let n = 0; n < 6; n++) {
    await joinSuccessfully(service.db, ...Array.from({ length: 100 }, () => joinRequest(campaign)));
  }
  await signAll();
  const young = await receiptOf(first);
  const sale = { at: service, campaign, orders: [first], receipts: [young], young };
  await assertRight(service, sale);
  await tamper(
    sale,
    `update sambatan.audit_logs set seq = seq + 1000000
      where ${ofCampaign(sale)} and seq <= 512`,
    `update sambatan.audit_logs set seq = (seq - 1000001 + 256) % 512 + 1
      where ${ofCampaign(sale)} and seq > 1000000`,
  );
  await assertNoticed(service, sale);
  await signAgain(sale);
  await assertNoticed(service, sale);
});

test('when an account is deleted, the receipts of the others stay right', async () => {
  const sale = await sell();
  const { buyer } = sale.orders[0]!;
  const reason = { reason: 'Bahan tidak datang' };
  expectStatus(await shop.seller.post(`/campaigns/${sale.campaign}/cancel`, reason), 200);
  const gone = await buyer.send({ method: 'DELETE', path: '/me' });
  assert.equal(gone.status, 204, gone.text);
  await signAll();
  // The receipt that the deleted person has kept stays right, too.
  await assertRight(service, { receipts: [...sale.receipts, sale.young] });
  await assertRight(service, { receipts: [await receiptOf(sale.orders[3]!)] });
});

/** A paid campaign of two orders whose sums are published, and the sum proof of the first one. */
async function sellAndPublish(): Promise<Sale & { sumProof: string }> {
  const { id: campaign } = await shop.campaign({ total_slots: 3, minimum_slots: 1 });
  const orders = [await order(service, campaign, 1), await order(service, campaign, 2)];
  const operator = await service.operator();
  await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', campaign);
  for (const { id } of orders) {
    expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
    expectStatus(await operator.post(`/participations/${id}/fulfil`), 200);
  }
  await publishSums();
  await signAll();
  const receipts = await Promise.all(orders.map(receiptOf));
  const { buyer, id } = orders[0]!;
  const proof = await buyer.get(`/participations/${id}/sum-proof`);
  expectStatus(proof, 200);
  const young = receipts[1]!;
  return { at: service, campaign, orders, receipts, young, sumProof: proof.text };
}

async function publishSums(): Promise<void> {
  await service.app.notifications.plan();
  await service.app.sums.publishDue();
}

test('sums that were changed and signed again are noticed', async () => {
  const { receipts, sumProof, ...sale } = await sellAndPublish();
  await assertRight(service, { receipts, sumProof });
  const { checkpoint } = JSON.parse(sumProof) as { checkpoint: string };
  const text = checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1);
  const [origin, version, , ...amounts] = text.split('\n');
  const seed = await keySource(service.app.config).read();
  const signer = await service.db.transaction((tx) => enrolSigner(tx, seed, 'localhost'));
  const serve = async (...lines: unknown[]) => {
    const note = await signNote([origin, ...lines, ...amounts].join('\n'), signer);
    await queryRows(
      service.db,
      'update sambatan.log_sums set checkpoint = $2 where campaign_id = $1',
      sale.campaign,
      note,
    );
  };
  await serve(version, Buffer.alloc(32, 7).toString('base64'));
  await assertNoticed(service, { receipts, sumProof });
  await serve(0, Buffer.alloc(32, 7).toString('base64'));
  await assertNoticed(service, { receipts, sumProof });
  const less = { ...(JSON.parse(sumProof) as object), paid: 1 };
  await serve(version, text.split('\n')[2]);
  await assertRight(service, { receipts, sumProof });
  await assertNoticed(service, { receipts, sumProof: JSON.stringify(less) });
});

/** A service of its own, for what changes more than one campaign. */
async function separateSale(): Promise<Sale> {
  const own = await startHttpService({ invariants: false });
  after(own.close);
  return await sell(own, await openShop(own));
}

test('the key may be rotated, but not swapped', async () => {
  const sale = await separateSale();
  const { at, receipts } = sale;
  const seed = await keySource(at.app.config).read();
  const [next, stranger] = ['next', 'stranger'].map((name) => derivedKey(`${name} key of the log`));
  const signWith = async (key: KeySource) => {
    await createLogWriter(at.db, { keySource: key, logName: 'localhost' }).writer.drain();
  };
  const newSeed = await next!.read();
  await at.db.transaction((tx) => rotateKey(tx, { seed, newSeed, name: 'localhost' }));
  await order(at, sale.campaign, 1);
  await signWith(next!);
  await assertRight(at, { receipts });

  // The announcement is gone, as if the old key had been lost.
  await tamper(sale, 'update sambatan.log_keys set statement = null');
  assert.match(await assertNoticed(at, { receipts }), /keyReplaced/);
  // The announcement is not by the old key.
  await tamper(
    sale,
    "update sambatan.log_keys set statement = decode(repeat('ab', 64), 'hex') where number = 2",
  );
  assert.match(await assertNoticed(at, { receipts }), /signature/);
  // The key list is written anew, and all is signed with a strange key.
  await tamper(sale, 'delete from sambatan.log_keys');
  await forgetTree(sale);
  await signWith(stranger!);
  assert.match(await assertNoticed(at, { receipts }), /unknownKey/);
});

test('a restored backup says so, and orders that it lost are noticed', async () => {
  const sale = await separateSale();
  const { at, young } = sale;
  const receipts = sale.receipts.slice(0, 1);
  await tamper(
    sale,
    `delete from sambatan.audit_logs where ${ofCampaign(sale)}
      and participation_id = '${sale.orders[3]!.id}'`,
  );
  await forgetTree(sale);
  await queryRows(at.db, "select sambatan.note_restore('2026-03-01T10:00:00Z')");
  await signAll(at);
  await assertRight(at, { receipts });
  assert.match(await witnessed(sale), /^restored 2026-03-01T10:00:00Z$/m);
  const found = await verifyLog([...receipts], readFrom(at.url));
  assert.deepEqual(
    found.filter(({ word }) => word === 'restored').map(({ values }) => values),
    [{ time: '2026-03-01T10:00:00Z' }],
  );
  assert.match(await assertNoticed(at, { receipts: [young] }), /shorter/);

  // Later the restore is concealed.
  const later = await receiptOf(sale.orders[0]!);
  await tamper(sale, 'delete from sambatan.log_restores');
  await signAgain(sale);
  assert.match(await assertNoticed(at, { receipts: [later] }), /restoreHidden/);
});

test('a batch that was oversold is noticed, although everything was signed', async () => {
  const sale = await separateSale();
  // The superuser also removes the checks that would refuse this.
  const checks = await queryRows<{ name: string }>(
    sale.at.db,
    `select conname as name from pg_constraint
    where conrelid = 'sambatan.audit_logs'::regclass and contype = 'c'`,
  );
  for (const { name } of checks) {
    await queryRows(sale.at.db, `alter table sambatan.audit_logs drop constraint ${name}`);
  }
  await tamper(
    sale,
    `insert into sambatan.audit_logs select campaign_id, 1000, occurred_at, gen_random_uuid(),
      actor_id, price_per_slot, event, actor_kind, 4, slots_taken, total_slots,
      sha256('one too many'), leaf_hash, metadata
    from sambatan.audit_logs where ${ofCampaign(sale)} and seq = ${third(sale)}`,
    `update sambatan.audit_logs set occurred_at = now() where ${ofCampaign(sale)} and seq = 1000`,
  );
  await signAgain(sale);
  const said = await assertNoticed(sale.at, { receipts: sale.receipts });
  assert.match(said, /11 taken slots of 10/);
  assert.match(said, /oversold/);
});
