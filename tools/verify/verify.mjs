// Independent verifier of the public log, written from docs/public-log.md alone. See README.md.
import { createHash, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';

class Wrong extends Error {} // The log is wrong. Any other error means: it could not be checked.
const ensure = (fact, message) => {
  if (!fact) throw new Wrong(message);
};
const say = (kind, text) => console.log(kind.padEnd(6), text);
const bytes = (base64) => Buffer.from(base64, 'base64');
const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const node = (left, right) => sha(Buffer.of(1), left, right);
const uuid = (b) => b.toString('hex', 0, 16).replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
const NOTE = /^((\S+)\/(\S{36}|\S{41}|keys)\n(.+)\n(.*)\n?((?:[a-z]+ \d\S*\n)*))\n— \2 (\S+)\n$/;
function openNote(keys, note, expected) {
  const [, text, name, log, size, root, extra, end = ''] = NOTE.exec(note) ?? [];
  const key = keys.get(`${name}+${bytes(end).toString('hex', 0, 4)}`);
  const valid = key && verify(null, Buffer.from(text), key, bytes(end).subarray(4));
  ensure(valid && log === (expected ?? log), `${note}\nis not signed with a key of the service`);
  return { text, log, line: size, size: Number(size), root, extra, chain: key.chain };
}

function parseKeys(json) {
  const keys = [];
  let chain = 0; // It goes on as long as each key names the next one
  for (const { vkey, statement } of JSON.parse(json).keys.toReversed()) {
    const [, name, id, raw = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(A.{43})$/.exec(vkey) ?? [];
    const right = id === sha(Buffer.from(`${name}\n`), bytes(raw)).toString('hex', 0, 4);
    const named = statement ? openNote(new Map(keys.slice(-1)), statement, 'keys').line : vkey;
    ensure(right && named === vkey && bytes(raw)[0] === 1, `The key ${vkey} is wrong`);
    const key = { kty: 'OKP', crv: 'Ed25519', x: bytes(raw).toString('base64url', 1) };
    keys.push([`${name}+${id}`, { key, format: 'jwk', chain: (chain += !statement) }]);
  }
  return new Map(keys);
}

function openReceipt(keys, text) {
  const all = bytes(text.slice(5));
  let at = 0;
  const take = (n) => all.subarray(at, (at += n));
  const sized = () => take(take(2).readUInt16BE());
  const [version, name, campaign] = [take(1)[0], `${take(take(1)[0])}`, uuid(take(16))];
  const [head, salt, secret, size] = [take(34), take(32), sized(), take(4).readUInt32BE()];
  const [extra, signature, proof] = [`${sized()}`, take(68).toString('base64'), []];
  while (at < all.length) proof.unshift(take(32));
  if (version !== 1 || at !== all.length || head[13] !== 32) throw new Error('Not a receipt');
  const [leaf, index] = [sha(Buffer.of(0), head, sha(salt, secret)), head.readUInt32BE(5) - 1];
  const root = rootFromProof(leaf, index, size, proof).toString('base64');
  const note = `${name}/${campaign}\n${size}\n${root}\n${extra}\n— ${name} ${signature}\n`;
  return { ...openNote(keys, note), index, salt, id: secret.subarray(0, 16) };
}

function rootFromProof(hash, index, size, [last, ...rest]) {
  ensure(index >= 0 && index < size && size > 1 === Boolean(last), 'The receipt has a bad proof');
  if (size === 1) return hash;
  const half = 2 ** (31 - Math.clz32(size - 1)); // The largest power of two below the size
  if (index < half) return node(rootFromProof(hash, index, half, rest), last);
  return node(last, rootFromProof(hash, index - half, size - half, rest));
}

async function read(source, path, campaign) {
  if (!/^https?:/.test(source)) return readFile(`${source}/${campaign ?? ''}/${path}`);
  const folder = campaign ? `api/sambatan/campaigns/${campaign}/log` : '.well-known';
  const answer = await fetch(`${source.replace(/\/$/, '')}/${folder}/${path}`);
  if (!answer.ok) throw new (answer.status === 404 ? Wrong : Error)(`${path}: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

async function* readRecords(source, log, size) {
  for (let n = 0; n * 256 < size; n += 1) {
    const width = Math.min(256, size - n * 256);
    const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, '0');
    const path = `tile/entries/${digits.replace(/(\d{3})(?=\d)/g, 'x$1/')}`;
    const tile = await read(source, width < 256 ? `${path}.p/${width}` : path, log);
    ensure(tile.length === width * 68, `${path} does not have ${width} records`);
    for (let at = 2; at < tile.length; at += 68) yield tile.subarray(at, at + 66);
  }
}

async function checkLog(source, newest, notes) {
  const [stack, bySize, numbers] = [[], Map.groupBy(notes, ({ size }) => size), []];
  const root = () => stack.reduceRight((right, left) => node(left, right)).toString('base64');
  let [taken, minutes, peak, orders] = [0, 0, 0, 0];
  for await (const r of readRecords(source, newest.log, newest.size)) {
    const [event, slots, total] = [r[13], r.readInt32BE(14), r.readUInt32BE(22)];
    const size = numbers.push((orders += event === 32));
    const is = (fact, what) => ensure(fact, `Record ${size} ${what}`);
    is(r[0] === 1 && r.readBigUInt64BE(1) === BigInt(size), 'has another number');
    is(r.readUInt32BE(9) >= minutes, 'is older than the record before');
    [taken, minutes, peak] = [taken + slots, r.readUInt32BE(9), Math.max(peak, taken + slots)];
    is(r.readUInt32BE(18) === taken, 'counts the taken slots wrong');
    is(taken <= total, `has ${taken} taken slots of ${total}: the batch was oversold`);
    const sign = { 32: 1, 33: -1, 34: Math.sign(slots), 48: 0 }[event] ?? (event < 18 ? 0 : NaN);
    is(Math.sign(slots) === sign, 'changes the slots as its event cannot');
    stack.push(sha(Buffer.of(0), r));
    for (let n = size; n % 2 === 0; n /= 2) stack.push(node(...stack.splice(-2)));
    is(!bySize.get(size)?.some((note) => note.root !== root()), 'or one before it was changed');
  }
  say('OK', `The batch was never above its slots: at most ${peak} were taken.`);
  for (const { id, index } of notes) if (id) say('OK', `Your order is number ${numbers[index]}.`);
}

function checkSums(note, { paid: own, index, siblings }, { salt, id }) {
  const [paid, receivable, ...parts] = note.extra.match(/\d+/g).map(BigInt);
  const u64 = (n) => Buffer.from(BigInt(n).toString(16).padStart(16, '0'), 'hex');
  let me = Buffer.concat([u64(own), sha(Buffer.of(2), sha(salt, id))]);
  siblings.forEach(({ sum, hash }, i) => {
    const it = Buffer.concat([u64(sum), bytes(hash)]);
    const total = me.readBigInt64BE() + it.readBigInt64BE();
    ensure(it.length === 40 && it[0] < 128 && total < 2n ** 63n, 'The sum proof is wrong');
    me = Buffer.concat([
      u64(total),
      sha(Buffer.of(3), ...((index >> i) % 2 ? [it, me] : [me, it])),
    ]);
  });
  ensure(me.equals(Buffer.concat([u64(paid), bytes(note.root)])), `Rp ${own} is not in the sums`);
  ensure(paid + receivable === parts.reduce((a, b) => a + b), 'The sums do not add up');
  say('OK', `The money adds up: your Rp ${own} are part of the Rp ${paid} that buyers paid.`);
}

try {
  const [source, ...files] = process.argv.slice(2);
  const load = (file) => readFile(file, 'utf8').catch((e) => Promise.reject(Error(e.message)));
  const texts = await Promise.all(files.map(load));
  const all = (pattern) => texts.flatMap((text) => text.match(pattern) ?? []);
  const keys = parseKeys(await read(source, 'sambatan-log-key'));
  const receipts = all(/SBT1\.[\w-]+/g).map((text) => openReceipt(keys, text));
  if (receipts.length === 0) throw new Error('Usage: verify.mjs URL-OR-FOLDER RECEIPT-FILE…');
  const notes = all(/(?:.+\n){3,}\n— .+\n/g).map((note) => openNote(keys, note));
  for (const log of new Set(receipts.map((receipt) => receipt.log))) {
    const newest = openNote(keys, await read(source, 'checkpoint', log), log);
    const seen = [newest, ...receipts, ...notes].filter((note) => note.log === log);
    if (newest.extra) say('NOTE', `The service lost what is newer than a backup: ${newest.extra}`);
    const kept = seen.every((n) => n.chain === newest.chain && newest.extra.startsWith(n.extra));
    ensure(kept, 'The key was replaced without the old one, or a restore is concealed');
    for (const { size } of seen) ensure(size <= newest.size, `Records are missing: it had ${size}`);
    await checkLog(source, newest, seen);
  }
  for (const proof of all(/^\s*\{[^]*/g).map((text) => JSON.parse(text))) {
    const receipt = receipts.find(({ id }) => uuid(id) === proof.participation_id);
    if (!receipt) throw new Error('The receipt of the order of the sum proof is missing');
    const note = openNote(keys, proof.checkpoint, `${receipt.log}/sums`);
    const newest = openNote(keys, await read(source, 'sums', receipt.log), note.log);
    ensure(newest.size > note.size || newest.text === note.text, 'The sums were replaced');
    checkSums(note, proof, receipt);
  }
} catch (error) {
  process.exitCode = error instanceof Wrong || error.code === 'ENOENT' ? 1 : 2;
  say(process.exitCode === 1 ? 'WRONG' : 'ERROR', error.message);
}
