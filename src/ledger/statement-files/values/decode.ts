import { StatementRefused } from './refused.ts';
import type { Encoding } from './types.ts';

const boms: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/**
 * The text of a file in UTF-8, UTF-16 or Windows-1252, with `\n` for every line end. Refuses:
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
  // Ctrl-Z ended text files of old systems.
  const end = text.trimEnd();
  if (end.endsWith('\u001a')) text = end.slice(0, -1);
  if (strange.test(text)) throw new StatementRefused('encoding');
  return { text, encoding };
}

/** Control characters that no table contains. */
const strange = /[^\P{Cc}\t\n\v\f\u0080-\u009f]|\ufffe|\uffff/u;

function encodingOf(bytes: Buffer): Encoding {
  // UTF-32 starts with the byte order mark of UTF-16, and no bank writes it.
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
  // Windows-1252 leaves five codes undefined: a file with one of them has another encoding.
  if (bytes.some((byte) => unassigned.has(byte))) throw new StatementRefused('encoding');
  return 'windows-1252';
}

const unassigned = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** In UTF-16, text without accents has a zero in every second byte. */
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
