import { StatementRefused } from './refused.ts';
import type { Encoding } from './types.ts';

const boms: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/**
 * Decodes a file in UTF-8, UTF-16 or Windows-1252 to text, with `\n` for every line end. Refuses:
 * encoding.
 */
export function decodeText(bytes: Buffer): { readonly text: string; readonly encoding: Encoding } {
  const encoding = encodingOf(bytes);
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new StatementRefused('encoding');
  }
  text = text.replaceAll(/\r\n?/g, '\n');
  // Old systems end text files with the character Ctrl-Z; remove it.
  const end = text.trimEnd();
  if (end.endsWith('\u001a')) text = end.slice(0, -1);
  if (strange.test(text)) throw new StatementRefused('encoding');
  return { text, encoding };
}

/** Matches control characters that no table contains. */
const strange = /[^\P{Cc}\t\n\v\f\u0080-\u009f]|\ufffe|\uffff/u;

function encodingOf(bytes: Buffer): Encoding {
  // A UTF-32 file starts with the byte order mark of UTF-16. Refuse it, because no bank uses
  // UTF-32.
  if (bytes.subarray(0, 4).equals(Buffer.from([0xff, 0xfe, 0, 0]))) {
    throw new StatementRefused('encoding');
  }
  for (const [encoding, bom] of boms) {
    if (bom.every((byte, index) => bytes[index] === byte)) return encoding;
  }
  const zeros = zeroBytes(bytes.subarray(0, 4096));
  if (zeros.even + zeros.odd > 0) {
    if (zeros.even === 0) return 'utf-16le';
    if (zeros.odd === 0) return 'utf-16be';
    throw new StatementRefused('encoding');
  }
  if (isUtf8(bytes)) return 'utf-8';
  // Five byte values are undefined in Windows-1252. A file that contains one of them has another
  // encoding.
  if (bytes.some((byte) => unassigned.has(byte))) throw new StatementRefused('encoding');
  return 'windows-1252';
}

const unassigned = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/**
 * Counts zero bytes at even and at odd positions. In UTF-16, every second byte of a text without
 * accents is zero.
 */
function zeroBytes(bytes: Buffer): { even: number; odd: number } {
  const zeros = { even: 0, odd: 0 };
  for (const [index, byte] of bytes.entries()) {
    if (byte === 0) zeros[index % 2 === 0 ? 'even' : 'odd']++;
  }
  return zeros;
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
