import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

// A public log that is built from docs/public-log.md without any code of the service. The tests of
// the verifiers use it, so that a mistake of the service is not repeated in its tests.

export const sha256 = (...parts: (Buffer | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Returns the hash of a tree over these leaves, as RFC 6962, section 2.1, defines it. */
export function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0]!);
  const half = largestPowerBelow(leaves.length);
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

/** Returns the audit path of leaf `index`, from the leaf to the root (RFC 6962, section 2.1.1). */
export function auditPath(index: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const half = largestPowerBelow(leaves.length);
  const [left, right] = [leaves.slice(0, half), leaves.slice(half)];
  return index < half
    ? [...auditPath(index, left), treeHash(right)]
    : [...auditPath(index - half, right), treeHash(left)];
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

export interface LogKey {
  name: string;
  id: string;
  privateKey: KeyObject;
  verifierKey: string;
}

/** Makes an Ed25519 key of a log from its name and a seed of 32 bytes. */
export function logKey(name: string, seed: Buffer): LogKey {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const typed = Buffer.concat([Buffer.of(1), Buffer.from(jwk.x!, 'base64url')]);
  const id = sha256(`${name}\n`, typed).toString('hex', 0, 4);
  return { name, id, privateKey, verifierKey: `${name}+${id}+${typed.toString('base64')}` };
}

/** Signs a text as a C2SP signed note. */
export function signNote(key: LogKey, text: string): string {
  const signature = sign(null, Buffer.from(text), key.privateKey);
  const line = Buffer.concat([Buffer.from(key.id, 'hex'), signature]).toString('base64');
  return `${text}\n— ${key.name} ${line}\n`;
}

/** Writes the key list of `/.well-known/sambatan-log-key`; `keys` is ordered from old to new. */
export function keyList(...keys: LogKey[]): string {
  const entries = keys.map((key, i) => ({
    vkey: key.verifierKey,
    signs_from: `2026-01-0${i + 1}T00:00:00.000Z`,
    statement: i === 0 ? null : keyStatement(keys[i - 1]!, key),
  }));
  return JSON.stringify({ log_name: keys.at(-1)!.name, keys: entries.toReversed() });
}

/** A key states that another one follows it. */
export const keyStatement = (before: LogKey, key: LogKey): string =>
  signNote(before, `${before.name}/keys\n${key.verifierKey}\n`);

export const eventCodes = {
  created: 1,
  opened: 3,
  full: 4,
  completed: 7,
  joined: 32,
  left: 33,
  changed: 34,
  waiting: 48,
} as const;

export interface ReferenceEvent {
  event: number;
  slots: number;
  taken: number;
  total: number;
  minutes: number;
  price: bigint;
  salt: Buffer;
  privateRecord: Buffer;
}

/** Writes the 66 bytes of a public record. */
export function recordOf(event: ReferenceEvent, sequence: number): Buffer {
  const record = Buffer.alloc(34);
  record[0] = 1;
  record.writeBigUInt64BE(BigInt(sequence), 1);
  record.writeUInt32BE(event.minutes, 9);
  record[13] = event.event;
  record.writeInt32BE(event.slots, 14);
  record.writeUInt32BE(event.taken, 18);
  record.writeUInt32BE(event.total, 22);
  record.writeBigUInt64BE(event.price, 26);
  return Buffer.concat([record, sha256(event.salt, event.privateRecord)]);
}

const minutesTo2000 = 15_778_080; // From 1970

/** The log of one campaign. A test adds events, changes them, and signs what it wants. */
export class ReferenceLog {
  readonly campaignId: string;
  readonly total: number;
  readonly price = 250_000n;
  key: LogKey;
  events: ReferenceEvent[] = [];
  extra = '';
  #ids = 0;

  constructor(key: LogKey, campaignId = '0190a7e2-1111-7000-8000-00000000000a', total = 10) {
    this.key = key;
    this.campaignId = campaignId;
    this.total = total;
    this.add(eventCodes.created);
    this.add(eventCodes.opened);
  }

  /** Adds an event a minute after the last one; it takes `slots` slots. Returns its index. */
  add(event: number, slots = 0): number {
    const minutes = 29_000_000 + this.events.length;
    const concerned = event >= 32;
    const id = Buffer.alloc(16);
    if (concerned) id.writeUInt32BE((this.#ids += 1), 12);
    const time = Buffer.alloc(8);
    time.writeBigInt64BE(BigInt(minutes - minutesTo2000) * 60_000_000n + 17n);
    const rest = Buffer.concat([Buffer.of(3), Buffer.alloc(16, 7), Buffer.from('event|{}')]);
    const salt = sha256(`salt ${this.campaignId} ${this.events.length}`);
    const taken = (this.events.at(-1)?.taken ?? 0) + slots;
    const privateRecord = Buffer.concat([id, time, rest]);
    const { total, price } = this;
    return (
      this.events.push({ event, slots, taken, total, minutes, price, salt, privateRecord }) - 1
    );
  }

  /** Adds a new order. Returns the index of its record. */
  join(slots = 1): number {
    return this.add(eventCodes.joined, slots);
  }

  records(size = this.events.length): Buffer[] {
    return this.events.slice(0, size).map((event, i) => recordOf(event, i + 1));
  }

  checkpoint(size = this.events.length): string {
    const root = treeHash(this.records(size)).toString('base64');
    const text = `${this.key.name}/${this.campaignId}\n${size}\n${root}\n${this.extra}`;
    return signNote(this.key, text);
  }

  receipt(index: number, size = this.events.length): string {
    const { salt, privateRecord } = this.events[index]!;
    const line = this.checkpoint(size).trimEnd().split('\n').at(-1)!;
    const signature = Buffer.from(line.split(' ')[2]!, 'base64');
    return `SBT1.${Buffer.concat([
      Buffer.of(1),
      Buffer.of(Buffer.byteLength(this.key.name)),
      Buffer.from(this.key.name),
      Buffer.from(this.campaignId.replaceAll('-', ''), 'hex'),
      this.records()[index]!.subarray(0, 34),
      salt,
      sized(privateRecord),
      uint32(size),
      sized(Buffer.from(this.extra)),
      signature,
      ...auditPath(index, this.records(size)),
    ]).toString('base64url')}`;
  }

  /** Returns the id of the order of a record. */
  orderId(index: number): string {
    const hex = this.events[index]!.privateRecord.toString('hex', 0, 16);
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  /** Writes the files of the log, as a folder that a verifier can read. */
  async writeTo(folder: string, files: Record<string, string | Buffer> = {}): Promise<void> {
    const all = { ...this.files(), ...files };
    for (const [path, content] of Object.entries(all)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
  }

  files(): Record<string, string | Buffer> {
    const files: Record<string, string | Buffer> = {
      'sambatan-log-key': keyList(this.key),
      [`${this.campaignId}/checkpoint`]: this.checkpoint(),
    };
    const records = this.records();
    for (let n = 0; n * 256 < records.length; n += 1) {
      const tile = records.slice(n * 256, n * 256 + 256);
      const name = `${String(n).padStart(3, '0')}${tile.length < 256 ? `.p/${tile.length}` : ''}`;
      files[`${this.campaignId}/tile/entries/${name}`] = Buffer.concat(tile.map(sized));
    }
    return files;
  }
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export interface ReferenceLeaf {
  hash: Buffer;
  sum: bigint;
}

/** The Merkle sum tree of a campaign: a zero leaf after each leaf, filled to a power of two. */
export class ReferenceSums {
  readonly levels: ReferenceLeaf[][];

  constructor(leaves: ReferenceLeaf[]) {
    const zero = { hash: Buffer.alloc(32), sum: 0n };
    const ordered = leaves.toSorted((a, b) => Buffer.compare(a.hash, b.hash));
    const all = ordered.flatMap((leaf) => [leaf, zero]);
    while (all.length === 0 || !Number.isInteger(Math.log2(all.length))) all.push(zero);
    this.levels = [all];
    for (let level = all; level.length > 1; level = this.levels.at(-1)!) {
      const pairs = level.flatMap((left, i) =>
        i % 2 === 0 ? [[left, level[i + 1]!] as const] : [],
      );
      this.levels.push(pairs.map(([left, right]) => sumNode(left, right)));
    }
  }

  get root(): ReferenceLeaf {
    return this.levels.at(-1)![0]!;
  }

  proof(hash: Buffer): { index: number; siblings: { hash: string; sum: number }[] } {
    const index = this.levels[0]!.findIndex((leaf) => leaf.hash.equals(hash));
    const siblings = this.levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1]!);
    return {
      index,
      siblings: siblings.map((one) => ({
        hash: one.hash.toString('base64'),
        sum: Number(one.sum),
      })),
    };
  }
}

function sumNode(left: ReferenceLeaf, right: ReferenceLeaf): ReferenceLeaf {
  const parts = [left, right].flatMap(({ sum, hash }) => [
    Buffer.from(sum.toString(16).padStart(16, '0'), 'hex'),
    hash,
  ]);
  return { hash: sha256(Buffer.of(3), ...parts), sum: left.sum + right.sum };
}
