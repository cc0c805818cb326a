import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assets } from '../../src/web/assets.ts';
import {
  eventCodes,
  keyList,
  keyStatement,
  logKey,
  ReferenceLog,
  ReferenceSums,
  sha256,
  signNote,
} from '../support/builders/reference-log.ts';
import { faultsOf, unreachable, verifyLog } from '../support/public-log/page-verifier.ts';

const key = logKey('log.example', sha256('first key'));

/** Checks texts against the files of a log, like the page does. */
const check = (files: Record<string, string | Buffer>, ...texts: string[]) =>
  verifyLog(texts, async (path, campaignId) => {
    const file = files[campaignId === undefined ? path : `${campaignId}/${path}`];
    return file === undefined ? undefined : new Uint8Array(Buffer.from(file));
  });

function logOfThree(): { log: ReferenceLog; orders: number[] } {
  const log = new ReferenceLog(key);
  const orders = [log.join(2), log.join(1), log.join(3)];
  log.add(eventCodes.changed);
  log.add(eventCodes.left, -1);
  return { log, orders };
}

test('the script of the page is small', () => {
  const { gzip, brotli } = assets['verify.js'];
  assert.ok(gzip().length <= 6_000, `gzip: ${gzip().length} bytes`);
  assert.ok(brotli().length <= 5_500, `brotli: ${brotli().length} bytes`);
});

test('receipts of every age fit the log, and the number of each order is told', async () => {
  const { log, orders } = logOfThree();
  const findings = await check(log.files(), log.receipt(orders[0]!, 3), log.receipt(orders[2]!));
  assert.deepEqual(faultsOf(findings), []);
  const numbers = findings.filter(({ word }) => word === 'order').map(({ values }) => values);
  assert.deepEqual(numbers, [{ number: 1 }, { number: 3 }]);
  const never = findings.find(({ word }) => word === 'neverOver');
  assert.deepEqual(never?.values, { peak: 6, total: 10 });
});

test('receipts fit a log of any size', async () => {
  for (const size of [3, 4, 7, 8, 255, 256, 257, 513]) {
    const log = new ReferenceLog(key, undefined, 1000);
    while (log.events.length < size) log.join();
    const receipts = [
      log.receipt(2, 3),
      log.receipt(Math.max(2, size >> 1)),
      log.receipt(size - 1),
    ];
    assert.deepEqual(faultsOf(await check(log.files(), receipts.join('\n'))), [], `size ${size}`);
  }
});

test('what was changed is named', async () => {
  const changes: [(log: ReferenceLog) => void, string][] = [
    [(log) => (log.events[3]!.price = 1n), 'changed'],
    [(log) => (log.events[3]!.salt = sha256('other')), 'changed'],
    [(log) => log.events.splice(6), 'shorter'],
    [(log) => log.join(7), 'oversold'],
    [(log) => (log.events[log.join()]!.taken = 1), 'rule'],
    [(log) => (log.events[log.join()]!.minutes = 1), 'rule'],
    [(log) => log.add(eventCodes.completed, -1), 'rule'],
    [(log) => log.add(99), 'rule'],
    [(log) => (log.key = logKey('log.example', sha256('another key'))), 'unknownKey'],
  ];
  for (const [change, word] of changes) {
    const { log, orders } = logOfThree();
    const receipt = log.receipt(orders[0]!);
    change(log);
    assert.deepEqual(faultsOf(await check(log.files(), receipt)), [word]);
  }
});

test('what is missing or forged is named', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[0]!);
  const at = `${log.campaignId}/`;
  const files = log.files();
  const without = (path: string) => ({ ...files, [path]: undefined as unknown as string });
  const cases: [Record<string, string | Buffer>, string][] = [
    [without(`${at}checkpoint`), 'missing'],
    [without(`${at}tile/entries/000.p/7`), 'missing'],
    [{ ...files, [`${at}checkpoint`]: 'nonsense' }, 'unreadable'],
    [{ ...files, 'sambatan-log-key': 'nonsense' }, 'unreadable'],
    [{ ...files, [`${at}checkpoint`]: log.checkpoint().replace('\n7\n', '\n8\n') }, 'signature'],
    [{ ...files, [`${at}tile/entries/000.p/7`]: Buffer.alloc(476) }, 'changed'],
  ];
  for (const [shown, word] of cases) {
    assert.deepEqual(faultsOf(await check(shown, receipt)), [word]);
  }
  const bytes = Buffer.from(receipt.slice(5), 'base64url');
  bytes[60]! ^= 1;
  const forged = `SBT1.${bytes.toString('base64url')}`;
  assert.deepEqual(faultsOf(await check(files, forged)), ['signature']);
  for (const text of ['', 'hello', receipt.slice(0, 90), `${receipt}AAAA`]) {
    assert.deepEqual(faultsOf(await check(files, text)), ['notReceipt']);
  }
});

test('two histories are found with two receipts or with the file of a witness', async () => {
  const [one, two] = [logOfThree().log, logOfThree().log];
  const [mine, yours] = [one.join(1), two.join(2)];
  const both = await check(one.files(), one.receipt(mine), two.receipt(yours));
  assert.deepEqual(faultsOf(both), ['fork']);
  const witness = `${two.checkpoint(5)}\n${two.checkpoint()}\n`;
  assert.deepEqual(faultsOf(await check(two.files(), two.receipt(yours), witness)), []);
  assert.deepEqual(faultsOf(await check(one.files(), one.receipt(mine), witness)), ['fork']);
});

test('a new key is accepted only if the key before it names it', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[0]!);
  const next = logKey('log.example', sha256('second key'));
  log.key = next;
  log.join();
  const withStatement = (statement: string | null) => {
    const list = JSON.parse(keyList(key, next));
    list.keys[0].statement = statement;
    return check({ ...log.files(), 'sambatan-log-key': JSON.stringify(list) }, receipt);
  };
  assert.deepEqual(faultsOf(await withStatement(keyStatement(key, next))), []);
  assert.deepEqual(faultsOf(await withStatement(null)), ['keyReplaced']);
  assert.deepEqual(faultsOf(await withStatement(keyStatement(next, next))), ['unknownKey']);
  assert.deepEqual(faultsOf(await withStatement(keyStatement(key, key))), ['keyReplaced']);
});

test('a restored backup is told, and cannot be concealed later', async () => {
  const { log, orders } = logOfThree();
  const kept = log.receipt(orders[0]!, 4);
  log.events.splice(4);
  log.extra = 'restored 2026-03-01T10:00:00Z\n';
  log.join(5);
  const young = log.receipt(4);
  assert.deepEqual(faultsOf(await check(log.files(), kept, young)), ['restored']);
  log.extra = '';
  assert.deepEqual(faultsOf(await check(log.files(), young)), ['restoreHidden']);
});

test('the sum proof of an order fits the signed sums, and changed sums are found', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[0]!);
  const leafOf = (index: number) => {
    const { salt, privateRecord } = log.events[index]!;
    return sha256(Buffer.of(2), sha256(salt, privateRecord.subarray(0, 16)));
  };
  const leaves = orders.map((index, i) => ({ hash: leafOf(index), sum: 100_000n * BigInt(i + 1) }));
  const sums = new ReferenceSums(leaves);
  const noteOf = (version: number, fee: number) => {
    const lines = ['paid 600000', 'receivable 0', 'payout 582000', `fee ${fee}`, 'refunds 0'];
    const root = sums.root.hash.toString('base64');
    const text = [`${key.name}/${log.campaignId}/sums`, version, root, ...lines, 'kept 0', ''];
    return signNote(key, text.join('\n'));
  };
  const proof = { paid: 100_000, participation_id: log.orderId(orders[0]!), salt: '' };
  const own = { ...proof, ...sums.proof(leafOf(orders[0]!)), checkpoint: noteOf(2, 18_000) };
  const faults = async (json: object, newest: string) => {
    const files = { ...log.files(), [`${log.campaignId}/sums`]: newest };
    return faultsOf(await check(files, receipt, JSON.stringify(json)));
  };
  assert.deepEqual(await faults(own, noteOf(2, 18_000)), []);
  assert.deepEqual(await faults(own, noteOf(3, 18_000)), []);
  assert.deepEqual(await faults(own, noteOf(1, 18_000)), ['sumsReplaced']);
  assert.deepEqual(await faults(own, noteOf(2, 17_000)), ['sumsReplaced']);
  assert.deepEqual(await faults({ ...own, paid: 1 }, noteOf(2, 18_000)), ['notCounted']);
  const unequal = { ...own, checkpoint: noteOf(2, 17_000) };
  assert.deepEqual(await faults(unequal, noteOf(2, 17_000)), ['sumsWrong']);
  const foreign = { ...own, participation_id: log.orderId(orders[1]!) };
  assert.deepEqual(await faults(foreign, noteOf(2, 18_000)), ['foreignProof']);
});

test('a browser that knows no Ed25519 checks the rest and says so', async (context) => {
  const { log, orders } = logOfThree();
  context.mock.method(globalThis.crypto.subtle, 'importKey', () =>
    Promise.reject(new DOMException('Unrecognized name.', 'NotSupportedError')),
  );
  const right = await check(log.files(), log.receipt(orders[0]!));
  assert.deepEqual(faultsOf(right), ['signatureUnchecked']);
  assert.ok(right.some(({ word }) => word === 'neverOver'));
  log.events[3]!.price = 1n;
  const receipt = logOfThree().log.receipt(orders[2]!);
  assert.deepEqual(faultsOf(await check(log.files(), receipt)), ['signatureUnchecked', 'changed']);
});

test('without a secure connection, nothing can be checked', async (context) => {
  const { log, orders } = logOfThree();
  context.mock.getter(Object.getPrototypeOf(globalThis.crypto), 'subtle', () => undefined);
  const findings = await check(log.files(), log.receipt(orders[0]!));
  assert.deepEqual(findings, [{ look: 'busy', word: 'insecure', values: {} }]);
});

test('a service that does not answer is not called wrong', async () => {
  const { log, orders } = logOfThree();
  const findings = await verifyLog([log.receipt(orders[0]!)], () => Promise.reject(unreachable()));
  assert.deepEqual(findings, [{ look: 'busy', word: 'unreachable', values: {} }]);
});
