import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  auditPath,
  eventCodes,
  keyList,
  keyStatement,
  logKey,
  ReferenceLog,
  ReferenceSums,
  sha256,
  signNote,
  treeHash,
} from '../support/builders/reference-log.ts';

const verifier = fileURLToPath(new URL('../../tools/verify/verify.mjs', import.meta.url));
const seed = (text: string) => sha256(text);
const key = logKey('log.example', seed('first key'));

interface Verdict {
  code: number | null;
  output: string;
}

/** Runs the verifier on the files of a log and the contents of further files. */
async function verify(
  files: Record<string, string | Buffer>,
  ...contents: string[]
): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'verify-'));
  after(() => rm(folder, { recursive: true, force: true }));
  await new ReferenceLog(key).writeTo(folder, files);
  return run(folder, await save(folder, contents));
}

async function save(folder: string, contents: string[]): Promise<string[]> {
  const paths = contents.map((_, i) => join(folder, `argument-${i}`));
  await Promise.all(paths.map((path, i) => writeFile(path, contents[i]!)));
  return paths;
}

async function run(source: string, args: string[]): Promise<Verdict> {
  const child = spawn(process.execPath, [verifier, source, ...args]);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return new Promise((done) => child.on('close', (code) => done({ code, output })));
}

function assertRight({ code, output }: Verdict, ...lines: RegExp[]): void {
  assert.equal(code, 0, output);
  for (const line of lines) assert.match(output, line);
}

function assertWrong({ code, output }: Verdict, reason: RegExp): void {
  assert.equal(code, 1, output);
  assert.match(output, reason);
  assert.match(output, /^WRONG/m);
}

/** A campaign with orders of 2, 1 and 3 slots, of which the second one left. */
function logOfThree(): { log: ReferenceLog; orders: number[] } {
  const log = new ReferenceLog(key);
  const orders = [log.join(2), log.join(1), log.join(3)];
  log.add(eventCodes.changed);
  log.add(eventCodes.left, -1);
  return { log, orders };
}

test('the verifier has at most 150 lines and imports nothing but Node', async () => {
  const text = await readFile(verifier, 'utf8');
  assert.ok(text.split('\n').length - 1 <= 150);
  const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from!);
  assert.ok(
    imports.every((from) => from.startsWith('node:')),
    imports.join(', '),
  );
  assert.doesNotMatch(text, /import\(|require\(/);
});

test('the reference log of the tests fits the published vectors', () => {
  // The example key and note of golang.org/x/mod/sumdb/note.
  const secret = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64');
  const peter = logKey('PeterNeumann', secret.subarray(1));
  assert.equal(
    peter.verifierKey,
    'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  );
  const text =
    'If you think cryptography is the answer to your problem,\n' +
    "then you don't know what your problem is.\n";
  assert.equal(
    signNote(peter, text),
    `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`,
  );
  // A record hash of golang.org/x/mod/sumdb/tlog, and the trees of Certificate Transparency.
  assert.equal(
    treeHash([Buffer.from('hello world')]).toString('base64'),
    'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=',
  );
  const hex = '|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f';
  const leaves = hex.split('|').map((leaf) => Buffer.from(leaf, 'hex'));
  const roots = {
    1: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    2: 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    3: 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    5: '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    8: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  };
  for (const [size, root] of Object.entries(roots)) {
    assert.equal(treeHash(leaves.slice(0, Number(size))).toString('hex'), root);
  }
  assert.deepEqual(
    auditPath(5, leaves).map((hash) => hash.toString('hex')),
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  );
});

test('receipts of every age fit the log, and the number of each order is told', async () => {
  const { log, orders } = logOfThree();
  const old = log.receipt(orders[0]!, 3);
  const young = [log.receipt(orders[1]!), log.receipt(orders[2]!)].join('\n');
  assertRight(
    await verify(log.files(), old, young),
    /^OK {5}The batch was never above its slots: at most 6 were taken\.$/m,
    /^OK {5}Your order is number 1\.$/m,
    /^OK {5}Your order is number 2\.$/m,
    /^OK {5}Your order is number 3\.$/m,
  );
});

test('receipts fit a log of any size, with full and partial tiles', async () => {
  for (const size of [3, 4, 7, 8, 255, 256, 257, 513]) {
    const log = new ReferenceLog(key, undefined, 1000);
    while (log.events.length < size) log.join();
    const middle = Math.max(2, Math.floor(size / 2));
    const receipts = [log.receipt(2, 3), log.receipt(middle), log.receipt(size - 1)];
    assertRight(await verify(log.files(), ...receipts), new RegExp(`number ${size - 2}\\.`));
  }
});

test('the log is read from a service as from a folder', async () => {
  const { log, orders } = logOfThree();
  const files = log.files();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    const path = request.url!.replace('/.well-known/', '').replace('/api/sambatan/campaigns/', '');
    const file = files[path.replace('/log/', '/')];
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  after(() => server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await mkdtemp(join(tmpdir(), 'verify-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const args = await save(folder, [log.receipt(orders[1]!)]);
  assertRight(await run(url, args), /number 2\./);
  assert.deepEqual(asked.toSorted(), [
    '/.well-known/sambatan-log-key',
    `/api/sambatan/campaigns/${log.campaignId}/log/checkpoint`,
    `/api/sambatan/campaigns/${log.campaignId}/log/tile/entries/000.p/7`,
  ]);
  delete files[`${log.campaignId}/checkpoint`];
  assertWrong(await run(url, args), /checkpoint: 404/);
  server.close();
  server.closeAllConnections();
  const unreachable = await run(url, args);
  assert.equal(unreachable.code, 2, unreachable.output);
  assert.match(unreachable.output, /^ERROR/m);
});

test('a record that was changed, removed, inserted or moved is found', async () => {
  const changes: ((log: ReferenceLog) => void)[] = [
    (log) => (log.events[3]!.slots = 2),
    (log) => (log.events[3]!.price = 1n),
    (log) => (log.events[3]!.minutes -= 1),
    (log) => (log.events[3]!.salt = seed('other')),
    (log) => log.events.forEach((event) => (event.total = 12)),
    (log) => log.events.splice(3, 1),
    (log) => log.events.splice(3, 0, { ...log.events[3]! }),
    (log) => log.events.splice(2, 2, log.events[3]!, log.events[2]!),
  ];
  for (const change of changes) {
    const { log, orders } = logOfThree();
    const receipts = [log.receipt(orders[0]!, 4), log.receipt(orders[2]!)];
    change(log);
    log.join();
    assertWrong(await verify(log.files(), ...receipts), /Record \d+/);
  }
});

test('a history that was shortened is found', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[2]!);
  log.events.splice(6);
  assertWrong(await verify(log.files(), receipt), /Records are missing: it had 7/);
});

test('records that break a rule are found although the service has signed them', async () => {
  const rules: [(log: ReferenceLog) => void, RegExp][] = [
    [(log) => log.join(7), /Record 8 has 12 taken slots of 10: the batch was oversold/],
    [(log) => (log.events[log.join()]!.taken = 1), /Record 8 counts the taken slots wrong/],
    [(log) => (log.events[log.join()]!.minutes = 1), /Record 8 is older than the record before/],
    [(log) => log.add(eventCodes.completed, -1), /Record 8 changes the slots/],
    [(log) => log.add(eventCodes.joined, 0), /Record 8 changes the slots/],
    [(log) => log.add(eventCodes.left, 1), /Record 8 changes the slots/],
    [(log) => log.add(eventCodes.waiting, 1), /Record 8 changes the slots/],
    [(log) => log.add(99), /Record 8 changes the slots/],
  ];
  for (const [change, reason] of rules) {
    const { log, orders } = logOfThree();
    const receipt = log.receipt(orders[0]!);
    change(log);
    assertWrong(await verify(log.files(), receipt), reason);
  }
});

test('two histories are found with two receipts or with the file of a witness', async () => {
  const one = logOfThree().log;
  const two = logOfThree().log;
  const [mine, yours] = [one.join(1), two.join(2)];
  assertRight(await verify(one.files(), one.receipt(mine)));
  assertRight(await verify(two.files(), two.receipt(yours)));
  assertWrong(
    await verify(one.files(), one.receipt(mine), two.receipt(yours)),
    /Record 8 or one before it was changed/,
  );
  const witness = `${two.checkpoint(5)}\n${two.checkpoint()}\n`;
  assertRight(await verify(two.files(), two.receipt(yours), witness));
  assertWrong(await verify(one.files(), one.receipt(mine), witness), /was changed/);
});

test('a receipt is checked with the key that signed it, also after a rotation', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[0]!);
  const next = logKey('log.example', seed('second key'));
  const stranger = logKey('log.example', seed('key of somebody else'));
  log.key = next;
  log.join();
  const list = (text: string) => ({ ...log.files(), 'sambatan-log-key': text });
  assertRight(await verify(list(keyList(key, next)), receipt, log.receipt(orders[1]!)));
  assertWrong(await verify(list(keyList(next)), receipt), /is not signed with a key/);
  assertWrong(await verify(list(keyList(key)), receipt), /is not signed with a key/);
  assertWrong(await verify(list(keyList(stranger, next)), receipt), /is not signed with a key/);
  const withStatement = (statement: string | null) => {
    const keys = JSON.parse(keyList(key, next));
    keys.keys[0].statement = statement;
    return list(JSON.stringify(keys));
  };
  assertRight(await verify(withStatement(null), log.receipt(orders[0]!)));
  assertWrong(await verify(withStatement(null), receipt), /The key was replaced without the old/);
  const foreign = keyStatement(stranger, next);
  assertWrong(await verify(withStatement(foreign), receipt), /is not signed with a key/);
  const another = keyStatement(key, stranger);
  assertWrong(await verify(withStatement(another), receipt), /The key .* is wrong/);
  const cut = JSON.parse(keyList(key, next));
  cut.keys.pop();
  assertWrong(await verify(list(JSON.stringify(cut)), log.receipt(orders[1]!)), /is not signed/);
  const renamed = keyList(key, next).replace(`+${next.id}+`, '+00000000+');
  assertWrong(await verify(list(renamed), receipt), /The key .* is wrong/);
});

test('a checkpoint of another campaign, or one that was altered, is not accepted', async () => {
  const { log, orders } = logOfThree();
  const other = new ReferenceLog(key, '0190a7e2-2222-7000-8000-00000000000b');
  const path = `${log.campaignId}/checkpoint`;
  const receipt = log.receipt(orders[0]!);
  for (const note of [
    other.checkpoint(),
    log.checkpoint().replace('\n7\n', '\n8\n'),
    log.checkpoint().replace('— log.example', '— other.example'),
    log.checkpoint().replace('\n\n', '\nrestored 2026-01-01T00:00:00Z\n\n'),
    signNote(key, `${log.checkpoint().split('\n\n')[0]}\nAnother line\n`),
  ]) {
    assertWrong(await verify({ ...log.files(), [path]: note }, receipt), /is not signed/);
  }
});

test('a receipt of which one byte was changed is not accepted', async () => {
  const { log, orders } = logOfThree();
  const bytes = Buffer.from(log.receipt(orders[0]!).slice(5), 'base64url');
  for (let at = 0; at < bytes.length; at += 23) {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1;
    const { code, output } = await verify(log.files(), `SBT1.${copy.toString('base64url')}`);
    assert.ok(code === 1 || code === 2, `byte ${at}: ${output}`);
  }
});

test('a restored backup is told, and orders that it lost are found', async () => {
  const { log, orders } = logOfThree();
  const [kept, lost] = [log.receipt(orders[0]!, 4), log.receipt(orders[2]!)];
  log.events.splice(4);
  log.extra = 'restored 2026-03-01T10:00:00Z\n';
  log.join(5);
  const note = /^NOTE {3}.*newer than a backup: restored 2026-03-01T10:00:00Z/m;
  assertRight(await verify(log.files(), kept), note);
  const verdict = await verify(log.files(), lost);
  assertWrong(verdict, /Records are missing/);
  assert.match(verdict.output, note);
  const young = log.receipt(4);
  assertRight(await verify(log.files(), kept, young), note);
  log.extra = '';
  assertWrong(await verify(log.files(), young), /a restore is concealed/);
});

/** The sums of the three orders of a log, and the proof of the first. */
function sumsOf(log: ReferenceLog, orders: number[]) {
  const leafOf = (index: number) => {
    const { salt, privateRecord } = log.events[index]!;
    return sha256(Buffer.of(2), sha256(salt, privateRecord.subarray(0, 16)));
  };
  const leaves = orders.map((index, i) => ({ hash: leafOf(index), sum: 100_000n * BigInt(i + 1) }));
  const note = (sums: ReferenceSums, version: number, fee = 18_000n) => {
    const paid = sums.root.sum;
    const lines = [`paid ${paid}`, 'receivable 0', `payout ${paid - 18_000n}`, `fee ${fee}`];
    const text = [`${key.name}/${log.campaignId}/sums`, version, sums.root.hash.toString('base64')];
    return signNote(key, [...text, ...lines, 'refunds 0', 'kept 0', ''].join('\n'));
  };
  const proof = (sums: ReferenceSums, checkpoint: string) => ({
    participation_id: log.orderId(orders[0]!),
    salt: log.events[orders[0]!]!.salt.toString('base64'),
    paid: 100_000,
    ...sums.proof(leafOf(orders[0]!)),
    checkpoint,
  });
  return { leaves, note, proof };
}

test('the sum proof of an order fits the signed sums, now and after later versions', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[0]!);
  const { leaves, note, proof } = sumsOf(log, orders);
  const path = `${log.campaignId}/sums`;
  for (const count of [1, 2, 3]) {
    const sums = new ReferenceSums(leaves.slice(0, count));
    const text = JSON.stringify(proof(sums, note(sums, 2)));
    const total = [100_000, 300_000, 600_000][count - 1];
    const right = new RegExp(`your Rp 100000 are part of the Rp ${total} that`);
    assertRight(await verify({ ...log.files(), [path]: note(sums, 2) }, receipt, text), right);
    const later = note(new ReferenceSums(leaves), 3);
    assertRight(await verify({ ...log.files(), [path]: later }, receipt, text), right);
  }
});

test('sums that were changed, replaced or taken back are found', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[0]!);
  const { leaves, note, proof } = sumsOf(log, orders);
  const path = `${log.campaignId}/sums`;
  const sums = new ReferenceSums(leaves);
  const less = new ReferenceSums(leaves.with(2, { ...leaves[2]!, sum: 1n }));
  const own = proof(sums, note(sums, 2));
  const cases: [unknown, string, RegExp][] = [
    [{ ...own, paid: 90_000 }, note(sums, 2), /Rp 90000 is not in the sums/],
    [{ ...own, index: own.index ^ 2 }, note(sums, 2), /is not in the sums/],
    [{ ...own, siblings: own.siblings.slice(1) }, note(sums, 2), /is not in the sums/],
    [own, note(less, 2), /The sums were replaced/],
    [own, note(sums, 1), /The sums were replaced/],
    [proof(sums, note(sums, 2, 0n)), note(sums, 2, 0n), /The sums do not add up/],
    [proof(sums, note(less, 2)), note(less, 2), /is not in the sums/],
    [own, log.checkpoint(), /is not signed/],
  ];
  const negative = own.siblings.map((one, i) => (i === 1 ? { ...one, sum: -1 } : one));
  cases.push([{ ...own, siblings: negative }, note(sums, 2), /The sum proof is wrong/]);
  for (const [json, newest, reason] of cases) {
    const files = { ...log.files(), [path]: newest };
    assertWrong(await verify(files, receipt, JSON.stringify(json)), reason);
  }
});

test('what cannot be checked is told apart from what is wrong', async () => {
  const { log, orders } = logOfThree();
  const receipt = log.receipt(orders[0]!);
  const { leaves, note, proof } = sumsOf(log, orders);
  const sums = new ReferenceSums(leaves);
  const foreign = { ...proof(sums, note(sums, 1)), participation_id: log.orderId(orders[2]!) };
  for (const verdict of [
    await verify(log.files()),
    await verify(log.files(), 'no receipt in here'),
    await verify(log.files(), receipt.slice(0, 60)),
    await verify(log.files(), `${receipt}AAAA`),
    await verify(log.files(), receipt, JSON.stringify(foreign)),
    await run('/nonexistent', ['/nonexistent/receipt']),
  ]) {
    assert.equal(verdict.code, 2, verdict.output);
    assert.match(verdict.output, /^ERROR/m);
  }
});
