import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderSource } from '../../src/public-log/log-source.ts';
import { createSigner, formatVerifierKey, signNote } from '../../src/public-log/note.ts';
import { decodeReceipt } from '../../src/public-log/receipt.ts';
import { sumLeafHash, SumTree } from '../../src/public-log/sum-tree.ts';
import { verifyReceipts, type VerificationInput } from '../../src/public-log/verify-receipts.ts';
import { codes, WrittenLog } from '../support/builders/log-folder.ts';

const order = (slots: number) => ({ code: codes.joined, slots });
/** A log with its first event and four orders. */
const someLog = () =>
  new WrittenLog().append(
    { code: codes.created, slots: 0 },
    order(2),
    order(1),
    order(3),
    order(4),
  );
/** The same log with the records, salts and key of another, which a test may forge. */
function forged(log: WrittenLog): WrittenLog {
  const copy = new WrittenLog(log.campaignId, log.signer);
  copy.records.push(...log.records.map((record) => Buffer.from(record)));
  return copy;
}

const verify = async (
  folder: string,
  receipts: readonly string[],
  more: Partial<VerificationInput> = {},
) =>
  await verifyReceipts({
    source: folderSource(folder),
    receipts: receipts.map(decodeReceipt),
    ...more,
  });

/** Expects exactly these problems. */
async function expectProblems(
  folder: string,
  receipts: readonly string[],
  problems: readonly RegExp[],
  more: Partial<VerificationInput> = {},
): Promise<void> {
  const found = (await verify(folder, receipts, more)).problems;
  assert.equal(found.length, problems.length, found.join('\n'));
  problems.forEach((problem, n) => assert.match(found[n]!, problem));
}

test('an old receipt tells the number of its order, and that the log only grew', async () => {
  const log = someLog();
  const receipt = await log.receipt(2, 4);
  log.append({ code: codes.left, slots: -2 }, order(5));
  const { facts, problems } = await verify(await log.write(), [receipt, await log.receipt(4)]);
  assert.deepEqual(problems, []);
  assert.match(facts[0]!, /number 2 of the campaign \(record 3 of 7\)/);
  assert.match(facts[1]!, /the log had 4 records/);
  assert.match(facts[2]!, /number 4 of the campaign/);
  assert.match(facts[4]!, /at most 13 of 60 were taken/);
});

test('a log of more than one tile is read completely', async () => {
  const log = new WrittenLog().append(...Array.from({ length: 60 }, () => order(1)));
  log.append(...Array.from({ length: 700 }, () => ({ code: codes.changed, slots: 0 })));
  const receipt = await log.receipt(59, 300);
  const { facts, problems } = await verify(await log.write(), [receipt]);
  assert.deepEqual(problems, []);
  assert.match(facts[0]!, /number 60 .*\(record 60 of 760\)/);
});

test('records that were deleted, inserted, swapped or changed are detected', async () => {
  const log = someLog();
  const receipt = await log.receipt(3);
  const change = (manipulate: (records: Buffer[]) => void): WrittenLog => {
    const copy = forged(log);
    manipulate(copy.records);
    return copy;
  };
  const own = /record 4 of the log is not the record of the receipt/;
  const other = /one of the first 5 records was changed/;
  const impossible = /record \d of the log is not possible/;
  const shorter = /only 4 records; when the receipt was made it had 5/;
  const cases: [WrittenLog, RegExp[]][] = [
    [change((records) => void records.splice(1, 1)), [shorter, impossible]],
    [change((records) => void records.splice(1, 0, records[1]!)), [own, impossible]],
    [change((records) => void records.splice(3, 2, records[4]!, records[3]!)), [own, impossible]],
    [change((records) => void records[1]!.writeUInt8(7, 40)), [other]],
    [change((records) => void records[3]!.writeUInt32BE(29_900_003, 9)), []],
    [change((records) => void records[2]!.writeUInt32BE(29_900_001, 9)), [other]],
    [change((records) => void records[1]!.writeUInt32BE(99, 18)), [other, impossible]],
    [change((records) => void records.pop()), [shorter]],
  ];
  for (const [copy, problems] of cases)
    await expectProblems(await copy.write(), [receipt], problems);
});

test('a campaign that was above its slots is detected', async () => {
  const log = someLog().append(order(51));
  await expectProblems(
    await log.write(),
    [await log.receipt(1)],
    [/record 6 of the log is not possible: 61 of 60 slots are taken/],
  );
});

test('a new history with the same key and the same size is detected', async () => {
  const receipt = await someLog().receipt(2);
  const log = someLog();
  const other = decodeReceipt(receipt);
  await expectProblems(await log.write(), [receipt], [/does not show the key any more/]);
  const rewritten = new WrittenLog(log.campaignId, log.signer).append(
    { code: codes.created, slots: 0 },
    order(2),
    order(1),
    order(3),
    order(4),
  );
  await expectProblems(
    await rewritten.write(),
    [await log.receipt(2)],
    [/record 3 of the log is not the record of the receipt/],
  );
  assert.equal(other.treeSize, 5);
});

test('two receipts of one size with different roots show a fork, without any log', async () => {
  const log = someLog();
  const rewritten = new WrittenLog(log.campaignId, log.signer).append(
    ...Array.from({ length: 5 }, () => order(1)),
  );
  const folder = await log.write();
  await expectProblems(
    folder,
    [await log.receipt(2), await rewritten.receipt(2)],
    [/two different logs of 5 records \(a fork\)/, /record 3 of the log is not the record/],
  );
});

test('a key that was swapped, and a list of keys without valid statements, are detected', async () => {
  const log = someLog();
  const receipt = await log.receipt(1);
  const thief = createSigner('sambatan.example', Buffer.alloc(32, 7));
  const text = `sambatan.example/keys\n${formatVerifierKey(thief)}\n`;
  const listOf = (statement: string | null) =>
    JSON.stringify({
      keys: [
        { vkey: formatVerifierKey(thief), signs_from: '2026-12-01T00:00:00.000Z', statement },
        { vkey: formatVerifierKey(log.signer), signs_from: null, statement: null },
      ],
    });
  const stolen = new WrittenLog(log.campaignId, thief);
  stolen.records.push(...log.records);
  const swapped = await stolen.write();
  await expectProblems(swapped, [receipt], [/does not show the key any more/]);
  for (const [statement, problem] of [
    [null, /no known key has signed the note/],
    [await signNote(text, thief), /no known key has signed the note/],
    [await signNote('sambatan.example/keys\nanother\n', log.signer), /about another key/],
  ] as const) {
    const keys = { 'sambatan-log-key': listOf(statement) };
    await expectProblems(await stolen.write(keys), [receipt], [problem]);
  }
  const rotated = await stolen.write({
    'sambatan-log-key': listOf(await signNote(text, log.signer)),
  });
  assert.deepEqual((await verify(rotated, [receipt])).problems, []);
});

test('a receipt with a wrong signature, proof or private record is refused', async () => {
  const log = someLog();
  const folder = await log.write();
  const text = await log.receipt(1);
  const damaged = (change: (receipt: ReturnType<typeof decodeReceipt>) => void) => {
    const receipt = decodeReceipt(text);
    change(receipt);
    return { receipts: [receipt], source: folderSource(folder) };
  };
  for (const [change, problem] of [
    [(receipt) => receipt.signature.writeUInt8(receipt.signature[0]! ^ 1), /signature .* is wrong/],
    [
      (receipt) => receipt.hashes[0]!.writeUInt8(receipt.hashes[0]![0]! ^ 1),
      /signature .* is wrong/,
    ],
    [(receipt) => void (receipt.hashes as Buffer[]).pop(), /does not fit its record/],
    [(receipt) => receipt.privateRecord.writeUInt8(1, 45), /not about a new order/],
  ] as readonly [(receipt: ReturnType<typeof decodeReceipt>) => unknown, RegExp][]) {
    const { problems } = await verifyReceipts(damaged(change));
    assert.match(problems.join('\n'), problem);
  }
});

test('what a witness has seen must be in the log', async () => {
  const log = someLog();
  const receipt = await log.receipt(1, 3);
  const seen = [await log.checkpoint(2), await log.checkpoint(4)]
    .map((note) => `${note}\n`)
    .join('');
  const other = `${await someLog().checkpoint()}\n`;
  const folder = await log.write();
  const { facts, problems } = await verify(folder, [receipt], { witness: seen });
  assert.deepEqual(problems, []);
  assert.match(facts.join('\n'), /2 checkpoints of the witness were compared/);
  const fork = forged(log);
  fork.records[4]!.writeUInt8(7, 60);
  const larger = forged(log).append(order(1));
  await expectProblems(folder, [receipt], [/seen another log of 5 records \(a fork\)/], {
    witness: `${seen}${await fork.checkpoint()}\n`,
  });
  await expectProblems(folder, [receipt], [/seen a log of 6 records; now it has 5/], {
    witness: `${seen}${await larger.checkpoint()}\n`,
  });
  await expectProblems(folder, [receipt], [/cannot be verified/, /cannot be verified/], {
    witness: `${other}${seen.replace('—', '— sambatan.example AAAAAAA\n—')}`,
  });
  await expectProblems(folder, [receipt], [/no checkpoint of this campaign/], { witness: '' });
});

test('a restore from a backup is reported, and must be named from then on', async () => {
  const log = someLog();
  const receipt = await log.receipt(1, 3);
  const lines = ['restored 2026-11-30T10:00:00Z'];
  const restored = await log.write({ checkpoint: await log.checkpoint(5, lines) });
  const { facts, problems } = await verify(restored, [receipt]);
  assert.deepEqual(problems, []);
  assert.match(facts.join('\n'), /restored from a backup of 2026-11-30T10:00:00Z/);
  const unknown = await log.write({ checkpoint: await log.checkpoint(5, ['hello']) });
  await expectProblems(unknown, [receipt], [/an unknown line/]);
});

test('the sums must add up, and count the payment of the receipt', async () => {
  const log = someLog().append({ code: codes.payoutReleased, slots: 0 });
  const receipt = await log.receipt(1);
  const [id, salt] = [log.orderIds[1]!, log.salts[1]!];
  const own = { hash: sumLeafHash(salt, id), sum: 300_000n };
  const tree = await SumTree.build([own, { hash: Buffer.alloc(32, 8), sum: 150_000n }]);
  const sumsOf = async (payout: number, root = tree.root) =>
    await signNote(
      `sambatan.example/${log.campaignId}/sums\n1\n${root.hash.toString('base64')}\n` +
        `paid ${root.sum}\nreceivable 0\npayout ${payout}\nfee 13500\nrefunds 0\nkept 0\n`,
      log.signer,
    );
  const sums = await sumsOf(436_500);
  const proofOf = (paid: number) => {
    const { index, siblings } = tree.prove(own.hash)!;
    return JSON.stringify({
      participation_id: id,
      salt: salt.toString('base64'),
      paid,
      index,
      siblings: siblings.map(({ hash, sum }) => ({
        hash: hash.toString('base64'),
        sum: Number(sum),
      })),
      checkpoint: sums,
    });
  };
  const folder = await log.write({ sums });
  const { facts, problems } = await verify(folder, [receipt], { sumProof: proofOf(300_000) });
  assert.deepEqual(problems, []);
  assert.match(facts.at(-2)!, /buyers paid Rp450000 .* the seller gets Rp436500/);
  assert.match(facts.at(-1)!, /your payment of Rp300000 is counted/);
  await expectProblems(folder, [receipt], [/does not lead to the sums/], {
    sumProof: proofOf(299_000),
  });
  await expectProblems(await log.write(), [receipt], [/no sums are published/]);
  await expectProblems(await log.write({ sums: await sumsOf(1) }), [receipt], [/do not add up/]);
  const another = await sumsOf(436_500, { hash: Buffer.alloc(32, 1), sum: 450_000n });
  await expectProblems(await log.write({ sums: another }), [receipt], [/a fork/], {
    sumProof: proofOf(300_000),
  });
});
