import { hash as digest } from 'node:crypto';
import { isId } from '../identity/ids.ts';

/**
 * The receipt of an order, as described in docs/public-log.md. It proves that the record with which
 * the order began is in the public log of its campaign.
 */
export interface Receipt {
  /** The name of the log and of its key. */
  readonly logName: string;
  readonly campaignId: string;
  /** The public record without its commitment. */
  readonly recordHead: Buffer;
  readonly salt: Buffer;
  readonly privateRecord: Buffer;
  /** The number of records that the signed checkpoint covers. */
  readonly treeSize: number;
  /** The lines of the checkpoint after the root hash, each with its line feed; usually empty. */
  readonly extraLines: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
  /** The inclusion proof: the hashes from the leaf to the root. */
  readonly hashes: readonly Buffer[];
}

/** The text is not a receipt; the message says why, in words for people. */
export class ReceiptFormatError extends Error {}

/** Every receipt begins with this. */
export const receiptPrefix = 'SBT1.';

const version = 1;
/** Lengths in bytes. */
const idLength = 16;
const headLength = 34;
const hashLength = 32;
const keyIdLength = 4;
const signatureLength = 64;
/** The height of the largest tree: its size has four bytes. */
const maxHashes = 32;
/** No receipt is longer than this, in characters. */
const maxLength = 100_000;

/** Returns the receipt as one line of text, without a line feed. */
export function encodeReceipt(receipt: Receipt): string {
  const name = Buffer.from(receipt.logName, 'utf8');
  const lines = Buffer.from(receipt.extraLines, 'utf8');
  const bytes = Buffer.concat([
    Buffer.from([version]),
    lengthOf(name, 1),
    name,
    Buffer.from(receipt.campaignId.replaceAll('-', ''), 'hex'),
    receipt.recordHead,
    receipt.salt,
    lengthOf(receipt.privateRecord, 2),
    receipt.privateRecord,
    uint(receipt.treeSize, 4),
    lengthOf(lines, 2),
    lines,
    receipt.keyId,
    receipt.signature,
    ...receipt.hashes,
  ]);
  return receiptPrefix + bytes.toString('base64url');
}

/**
 * Reads a receipt. White space around it and a web address before it are ignored. Throws a
 * `ReceiptFormatError` when the text is not a receipt.
 */
export function decodeReceipt(text: string): Receipt {
  const line = text.slice(0, maxLength).trim();
  const start = line.indexOf(receiptPrefix);
  const encoded = start === -1 ? '' : line.slice(start + receiptPrefix.length);
  if (start === -1) throw new ReceiptFormatError(`a receipt begins with ${receiptPrefix}`);
  const bytes = Buffer.from(encoded, 'base64url');
  // The decoder ignores characters that do not belong to base64url. A damaged receipt has some.
  if (bytes.toString('base64url') !== encoded) {
    throw new ReceiptFormatError('the receipt has characters that do not belong to it');
  }
  const reader = new Reader(bytes);
  if (reader.uint(1) !== version) throw new ReceiptFormatError('the receipt has another version');
  const receipt = {
    logName: reader.text(reader.uint(1)),
    campaignId: toId(reader.take(idLength)),
    recordHead: reader.take(headLength),
    salt: reader.take(hashLength),
    privateRecord: reader.take(reader.uint(2)),
    treeSize: reader.uint(4),
    extraLines: reader.text(reader.uint(2)),
    keyId: reader.take(keyIdLength),
    signature: reader.take(signatureLength),
    hashes: reader.hashes(),
  };
  if (receipt.logName === '' || !isId(receipt.campaignId)) {
    throw new ReceiptFormatError('the receipt does not name its campaign');
  }
  return receipt;
}

/** Returns the public record: the receipt has its first bytes, and its commitment follows. */
export function publicRecordOf({ recordHead, salt, privateRecord }: Receipt): Buffer {
  const commitment = digest('sha256', Buffer.concat([salt, privateRecord]), 'buffer');
  return Buffer.concat([recordHead, commitment]);
}

/** Returns the index of the order's record in the log, from 0. */
export function indexOf({ recordHead }: Receipt): number {
  return Number(recordHead.readBigUInt64BE(1)) - 1;
}

function toId(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function uint(value: number, length: 1 | 2 | 4): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}

const lengthOf = (bytes: Buffer, length: 1 | 2): Buffer => uint(bytes.length, length);

/** Reads the fields of a receipt one after the other. */
class Reader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new ReceiptFormatError('the end of the receipt is missing');
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  uint(length: 1 | 2 | 4): number {
    return this.take(length).readUIntBE(0, length);
  }

  text(length: number): string {
    const bytes = this.take(length);
    const text = bytes.toString('utf8');
    if (!Buffer.from(text, 'utf8').equals(bytes)) {
      throw new ReceiptFormatError('the receipt contains text that is not UTF-8');
    }
    return text;
  }

  /** Reads all remaining bytes as hashes. */
  hashes(): Buffer[] {
    const length = this.#bytes.length - this.#position;
    if (length % hashLength !== 0 || length > maxHashes * hashLength) {
      throw new ReceiptFormatError('the proof of the receipt has a wrong length');
    }
    return Array.from({ length: length / hashLength }, () => this.take(hashLength));
  }
}
