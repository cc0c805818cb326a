import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { checkpointText, originOf } from '../../../src/public-log/checkpoint.ts';
import { leafHash, rootOf } from '../../../src/public-log/merkle.ts';
import { createSigner, formatVerifierKey, signNote } from '../../../src/public-log/note.ts';
import { inclusionProof } from '../../../src/public-log/proofs.ts';
import { entriesPaths } from '../../../src/public-log/read-log.ts';
import { encodeReceipt } from '../../../src/public-log/receipt.ts';

/** An event of a log that a test writes itself: its code, and the slots that it takes. */
export interface WrittenEvent {
  readonly code: number;
  readonly slots: number;
  readonly minutes?: number;
}

/** The folders that were written; they are removed after the tests of the file. */
const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const minutes = 29_900_000;
const totalSlots = 60;

/** A log of one campaign in memory, with its key, as an operator could write or forge it. */
export class WrittenLog {
  readonly campaignId: string;
  readonly signer;
  readonly orderIds: string[] = [];
  readonly salts: Buffer[] = [];
  readonly records: Buffer[] = [];
  readonly #privates: Buffer[] = [];

  constructor(
    campaignId = '01a20b4c-835b-749c-a5c2-11fb97bff150',
    signer = createSigner('sambatan.example', randomBytes(32)),
  ) {
    this.campaignId = campaignId;
    this.signer = signer;
  }

  /** Appends events; each is a new order unless its code says something else. */
  append(...events: readonly WrittenEvent[]): this {
    for (const event of events) this.#append(event);
    return this;
  }

  #append({ code, slots, minutes: at = minutes + this.records.length }: WrittenEvent): void {
    const orderId = randomBytes(16);
    const salt = randomBytes(32);
    const time = Buffer.alloc(8);
    time.writeBigInt64BE(BigInt(at - 15_778_080) * 60_000_000n + 7n);
    const text = Buffer.from('participant_joined|');
    const secret = Buffer.concat([orderId, time, Buffer.of(3), randomBytes(16), text]);
    const head = Buffer.alloc(34);
    head[0] = 1;
    head.writeBigUInt64BE(BigInt(this.records.length + 1), 1);
    head.writeUInt32BE(at, 9);
    head[13] = code;
    head.writeInt32BE(slots, 14);
    const before = this.records.at(-1)?.readUInt32BE(18) ?? 0;
    head.writeUInt32BE(before + slots, 18);
    head.writeUInt32BE(totalSlots, 22);
    head.writeBigUInt64BE(150_000n, 26);
    const commitment = hash('sha256', Buffer.concat([salt, secret]), 'buffer');
    this.records.push(Buffer.concat([head, commitment]));
    this.#privates.push(secret);
    this.salts.push(salt);
    this.orderIds.push(orderId.toString('hex'));
  }

  /** Returns the signed checkpoint of the first records. */
  async checkpoint(size = this.records.length, lines: readonly string[] = []): Promise<string> {
    return await signNote(this.#text(size, lines), this.signer);
  }

  /** Returns the receipt of the order of a record, from 0. */
  async receipt(index: number, size = this.records.length): Promise<string> {
    const leaves = this.records.slice(0, size).map(leafHash);
    const hashes = await inclusionProof(index, size, async ({ number, width }) =>
      leaves.slice(number * 256, number * 256 + width),
    );
    return encodeReceipt({
      logName: this.signer.name,
      campaignId: this.campaignId,
      recordHead: this.records[index]!.subarray(0, 34),
      salt: this.salts[index]!,
      privateRecord: this.#privates[index]!,
      treeSize: size,
      extraLines: '',
      keyId: this.signer.keyId,
      signature: await this.signer.sign(this.#text(size, [])),
      hashes,
    });
  }

  /** Writes the log into a new folder, as `sambatan log export` does. Returns the folder. */
  async write(changes: Readonly<Record<string, string>> = {}): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'sambatan-log-'));
    folders.push(folder);
    const save = (path: string, content: string | Buffer): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    };
    const vkey = formatVerifierKey(this.signer);
    const keys = [{ vkey, signs_from: '2026-11-30T10:00:00.000Z', statement: null }];
    save('sambatan-log-key', JSON.stringify({ log_name: this.signer.name, keys }));
    save(`${this.campaignId}/checkpoint`, await this.checkpoint());
    entriesPaths(this.records.length).forEach((path, tile) => {
      const some = this.records.slice(tile * 256, (tile + 1) * 256);
      const entries = some.flatMap((record) => [Buffer.of(0, record.length), record]);
      save(`${this.campaignId}/${path}`, Buffer.concat(entries));
    });
    for (const [path, content] of Object.entries(changes)) {
      save(path === 'sambatan-log-key' ? path : `${this.campaignId}/${path}`, content);
    }
    return folder;
  }

  #text(size: number, lines: readonly string[]): string {
    const root = rootOf(this.records.slice(0, size).map(leafHash));
    return checkpointText({
      origin: originOf(this.signer.name, this.campaignId),
      size,
      root,
      lines,
    });
  }
}

/** The codes of events that tests write. */
export const codes = { created: 1, payoutReleased: 15, joined: 32, left: 33, changed: 34 } as const;
