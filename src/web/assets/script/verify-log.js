// Checks receipts against the public log, as docs/public-log.md describes it, with WebCrypto alone.
// It shares no code with the service.

/** Something that is wrong (`bad`) or could not be checked (`busy`). `word` names its message. */
class Finding extends Error {
  constructor(word, values = {}, look = 'bad') {
    super(word);
    Object.assign(this, { word, values, look });
  }
}
function ensure(fact, word, values) {
  if (!fact) throw new Finding(word, values);
}
const unclear = (word) => new Finding(word, {}, 'busy');

const utf8 = (text) => new TextEncoder().encode(text);
const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const toHex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, '0')).join('');
const viewOf = ({ buffer, byteOffset, length }) => new DataView(buffer, byteOffset, length);

function join(parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', join(parts)));
const nodeOf = (left, right) => sha256([1], left, right);

/** Runs `work` for each item, at most `width` at a time. */
async function inParts(items, width, work) {
  const results = [];
  for (let at = 0; at < items.length; at += width) {
    for (const one of await Promise.all(items.slice(at, at + width).map(work))) results.push(one);
  }
  return results;
}

const importKey = (raw) => crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
const probe = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='; // A public key of RFC 8032

/** Returns whether this browser can check Ed25519 signatures. Older ones cannot. */
const canCheckSignatures = () =>
  importKey(fromBase64(probe)).then(
    () => true,
    () => false,
  );

/** Checks the signature of a note. `log`: what its first line has to name. */
async function openNote(keys, note, log) {
  const [, text, name, named, number, root, extra, base64] =
    /^((\S+)\/([0-9a-f-]{36}(?:\/sums)?|keys)\n(.+)\n(?:(.{44})\n)?((?:[a-z]+ [\dTZ:-]+\n)*))\n— \2 (\S+)\n$/.exec(
      note,
    ) ?? [];
  ensure(text && named === (log ?? named), 'unreadable');
  const bytes = fromBase64(base64);
  const key = keys.get(`${name}+${toHex(bytes.subarray(0, 4))}`);
  ensure(key, 'unknownKey');
  if (keys.canCheck) {
    const [imported, signature] = [await importKey(key.raw), bytes.subarray(4)];
    ensure(await crypto.subtle.verify('Ed25519', imported, signature, utf8(text)), 'signature');
  }
  const [size, { chain }] = [Number(number), key];
  return { note, text, log: named, number, size, root, extra, chain };
}

const oldestFirst = (keys) => keys.map((_, i) => keys[keys.length - 1 - i]);

/** Parses the key list. Keys have one chain as long as each names the one after it. */
async function parseKeys(json) {
  const [keys, canCheck] = [new Map(), await canCheckSignatures()];
  keys.canCheck = canCheck;
  let [older, chain] = [new Map(), 0];
  for (const { vkey, statement } of oldestFirst(JSON.parse(json).keys)) {
    const [, name, id, base64] = /^([^\s+]+)\+([0-9a-f]{8})\+(.{44})$/.exec(vkey) ?? [];
    ensure(name, 'unreadable');
    const typed = fromBase64(base64);
    const hash = toHex(await sha256(utf8(`${name}\n`), typed));
    ensure(typed.length === 33 && typed[0] === 1 && hash.startsWith(id), 'unreadable');
    if (statement === null) chain += 1;
    else ensure((await openNote(older, statement, 'keys')).number === vkey, 'keyReplaced');
    const entry = [`${name}+${id}`, { raw: typed.subarray(1), chain }];
    older = Object.assign(new Map([entry]), { canCheck });
    keys.set(...entry);
  }
  return keys;
}

async function openReceipt(keys, text) {
  const receipt = await parseReceipt(text).catch((error) => {
    throw error instanceof Finding ? error : unclear('notReceipt');
  });
  return { ...receipt, ...(await openNote(keys, receipt.note)) };
}

async function parseReceipt(text) {
  const all = fromBase64(text.slice(5).replaceAll('-', '+').replaceAll('_', '/'));
  let at = 0;
  const take = (length) => all.slice(at, (at += length));
  const sized = () => take(viewOf(take(2)).getUint16(0));
  const string = (bytes) => new TextDecoder().decode(bytes);
  const [version, name] = [take(1)[0], string(take(take(1)[0]))];
  const id = toHex(take(16)).replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const [head, salt, secret] = [take(34), take(32), sized()];
  const size = viewOf(take(4)).getUint32(0);
  const [extra, signature] = [string(sized()), toBase64(take(68))];
  const proof = [];
  while (at < all.length) proof.push(take(32));
  if (version !== 1 || at !== all.length || head[13] !== 32) throw unclear('notReceipt');
  const index = viewOf(head).getUint32(5) - 1;
  const leaf = await sha256([0], head, await sha256(salt, secret));
  const root = toBase64(await rootFromProof(leaf, index, size, proof));
  const note = `${name}/${id}\n${size}\n${root}\n${extra}\n— ${name} ${signature}\n`;
  return { note, index, salt, order: secret.slice(0, 16) };
}

async function rootFromProof(hash, index, size, proof) {
  ensure(index >= 0 && index < size && size > 1 === proof.length > 0, 'wrongReceipt');
  if (size === 1) return hash;
  const half = 2 ** (31 - Math.clz32(size - 1)); // The largest power of two below the size
  const [rest, last] = [proof.slice(0, -1), proof.at(-1)];
  if (index < half) return nodeOf(await rootFromProof(hash, index, half, rest), last);
  return nodeOf(last, await rootFromProof(hash, index - half, size - half, rest));
}

async function readRecords(read, log, size) {
  const tiles = await inParts([...Array(Math.ceil(size / 256)).keys()], 8, async (n) => {
    const width = Math.min(256, size - n * 256);
    const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, '0');
    const path = `tile/entries/${digits.replace(/(\d{3})(?=\d)/g, 'x$1/')}`;
    const tile = await required(read, width < 256 ? `${path}.p/${width}` : path, log);
    ensure(tile.length === width * 68, 'missing');
    return tile;
  });
  return tiles.flatMap((tile) =>
    Array.from({ length: tile.length / 68 }, (_, i) => tile.subarray(i * 68 + 2, i * 68 + 68)),
  );
}

/** The hashes of all complete subtrees: `[level][number]`. */
async function treeOf(records) {
  const levels = [await inParts(records, 4096, (record) => sha256([0], record))];
  for (let level = levels[0]; level.length > 1; level = levels.at(-1)) {
    const pairs = [...Array(level.length >> 1).keys()];
    levels.push(await inParts(pairs, 4096, (i) => nodeOf(level[2 * i], level[2 * i + 1])));
  }
  return levels;
}

async function rootOf(levels, size) {
  let root;
  for (let level = 0; size >> level > 0; level += 1) {
    const count = size >> level;
    if (count % 2 === 0) continue;
    const left = levels[level][count - 1];
    root = root === undefined ? left : await nodeOf(left, root);
  }
  return toBase64(root);
}

/** Replays the records; returns the most taken slots, the total, and the number of each order. */
function replay(records) {
  let [taken, minutes, orders, peak, total] = [0, 0, 0, 0, 0];
  const numbers = records.map((record, i) => {
    const [view, entry] = [viewOf(record), i + 1];
    const [event, slots] = [record[13], view.getInt32(14)];
    total = view.getUint32(22);
    taken += slots;
    ensure(taken <= total, 'oversold', { entry, taken, total });
    const sign = { 32: 1, 33: -1, 34: Math.sign(slots), 48: 0 }[event] ?? (event < 18 ? 0 : NaN);
    const right =
      record[0] === 1 &&
      view.getBigUint64(1) === BigInt(entry) &&
      view.getUint32(9) >= minutes &&
      view.getUint32(18) === taken &&
      Math.sign(slots) === sign;
    ensure(right, 'rule', { entry });
    [minutes, peak] = [view.getUint32(9), Math.max(peak, taken)];
    orders += event === 32 ? 1 : 0;
    return orders;
  });
  return { peak, total, numbers };
}

async function required(read, path, log) {
  const bytes = await read(path, log);
  ensure(bytes, 'missing');
  return bytes;
}
const readText = async (...from) => new TextDecoder().decode(await required(...from));

async function checkCampaign({ read, keys, log, notes, add }) {
  const newest = await openNote(keys, await readText(read, 'checkpoint', log), log);
  for (const [, time] of newest.extra.matchAll(/^restored (.+)$/gm))
    add('busy', 'restored', { time });
  for (const { size: before, chain, extra, root } of notes) {
    ensure(before <= newest.size, 'shorter', { size: newest.size, before });
    ensure(chain === newest.chain, 'keyReplaced');
    ensure(newest.extra.startsWith(extra), 'restoreHidden');
    const same = notes.filter((note) => note.size === before).every((note) => note.root === root);
    ensure(same, 'fork', { size: before });
  }
  const records = await readRecords(read, log, newest.size);
  const levels = await treeOf(records);
  for (const { size, root } of [newest, ...notes]) {
    ensure((await rootOf(levels, size)) === root, 'changed', { size });
  }
  const { peak, total, numbers } = replay(records);
  for (const { index } of notes) {
    if (index !== undefined) add('good', 'order', { number: numbers[index] });
  }
  add('good', 'neverOver', { peak, total });
  add('good', 'unchanged', {});
  add('compare', 'compare', { size: newest.size, root: newest.root, note: newest.note });
}

async function checkSums({ read, keys, proof, receipts, add }) {
  const id = proof.participation_id.replaceAll('-', '');
  const receipt = receipts.find(({ order }) => toHex(order) === id);
  if (!receipt) throw unclear('foreignProof');
  const log = `${receipt.log}/sums`;
  const note = await openNote(keys, proof.checkpoint, log);
  const newest = await openNote(keys, await readText(read, 'sums', receipt.log), log);
  ensure(newest.size > note.size || newest.text === note.text, 'sumsReplaced');
  const cell = (sum, hash) => {
    const bytes = new Uint8Array(8);
    viewOf(bytes).setBigInt64(0, sum);
    return join([bytes, hash]);
  };
  let [sum, hash] = [
    BigInt(proof.paid),
    await sha256([2], await sha256(receipt.salt, receipt.order)),
  ];
  for (const [i, { sum: other, hash: base64 }] of proof.siblings.entries()) {
    const pair = [cell(sum, hash), cell(BigInt(other), fromBase64(base64))];
    ensure(
      pair.every((one) => one.length === 40 && one[0] < 128),
      'notCounted',
      { paid: proof.paid },
    );
    const isRight = (proof.index >> i) % 2 === 1;
    hash = await sha256([3], ...(isRight ? [pair[1], pair[0]] : pair));
    sum += BigInt(other);
  }
  const [paid, receivable, ...parts] = note.extra.match(/\d+/g).map(BigInt);
  ensure(toBase64(hash) === note.root && sum === paid, 'notCounted', { paid: proof.paid });
  ensure(paid + receivable === parts.reduce((all, part) => all + part), 'sumsWrong');
  add('good', 'money', { paid: proof.paid, total: paid });
}

async function check(texts, read, add) {
  if (globalThis.crypto?.subtle === undefined) throw unclear('insecure');
  // Pasted text may lack its last newline, and may have the newlines of another system.
  const tidy = texts.map((text) => `${text.replace(/\r/g, '')}\n`);
  const all = (pattern) => tidy.flatMap((text) => text.match(pattern) ?? []);
  const found = all(/SBT1\.[\w-]+/g);
  if (found.length === 0) throw unclear('notReceipt');
  const keys = await parseKeys(await readText(read, 'sambatan-log-key'));
  if (!keys.canCheck) add('busy', 'signatureUnchecked', {});
  const receipts = await inParts(found, 8, (text) => openReceipt(keys, text));
  const witnessed = all(/.+\/[0-9a-f-]{36}\n(?:.+\n){2,}\n— .+\n/g);
  const seen = [...receipts, ...(await inParts(witnessed, 8, (note) => openNote(keys, note)))];
  for (const log of new Set(receipts.map((receipt) => receipt.log))) {
    const notes = seen.filter((note) => note.log === log);
    await checkCampaign({ read, keys, log, notes, add });
  }
  for (const json of all(/^\s*\{[^]*/g)) {
    await checkSums({ read, keys, proof: JSON.parse(json), receipts, add });
  }
}

/**
 * Checks all receipts, sum proofs and checkpoints of witnesses in `texts` against a log.
 * `read(path, campaignId)` returns a file of the log as bytes, or undefined if there is none, and
 * throws if the service cannot be reached. Returns the findings, the worst of them last.
 */
export async function verifyLog(texts, read) {
  const findings = [];
  const add = (look, word, values) => findings.push({ look, word, values });
  try {
    await check(texts, read, add);
  } catch (error) {
    const { look, word, values } = error instanceof Finding ? error : new Finding('unreadable');
    add(look, word, values);
  }
  return findings;
}

/** What `read` throws if the service cannot be reached. */
export const unreachable = () => unclear('unreachable');
