// Parsers for the values of settings. They return undefined for a value that is not accepted.
import { isIP } from 'node:net';

/** Minimum number of bytes of a secret, because HS256 needs 256 bits (RFC 7518, section 3.2). */
export const secretLength = 32;

/** Parses `name=value` pairs separated by commas; the names become lower case. */
export function headerList(text: string): Readonly<Record<string, string>> | undefined {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => /^([\w-]+)=([\x21-\x7e]+)$/.exec(pair));
  if (pairs.includes(null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair![1]!.toLowerCase(), pair![2]!]));
}

/** Parses a whole number from `least` to `most`. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** Parses a key: printable characters without spaces, long enough for a secret. */
export function key(text: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(text) && longEnough(text) ? text : undefined;
}

/** Returns true when a text has at least the number of bytes that a secret needs. */
export function longEnough(text: string): boolean {
  return Buffer.byteLength(text) >= secretLength;
}

/** Parses the URL of a PostgreSQL database. */
export function databaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  return /^postgres(ql)?:$/.test(new URL(text).protocol) ? text : undefined;
}

/** Parses the origin of a site: a URL without path, query or user. */
export function siteUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin, pathname, search, username } = new URL(text);
  const plain = pathname === '/' && search === '' && username === '';
  return plain && /^https?:$/.test(protocol) ? origin : undefined;
}

/** Parses the URL of a key set: https, or http on this machine. */
export function keySetUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return undefined;
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  const accepted = url.protocol === 'https:' || (url.protocol === 'http:' && loopback);
  return accepted ? text : undefined;
}

/** Parses e-mail addresses separated by commas; they become lower case. */
export function emailList(text: string): readonly string[] | undefined {
  const items = text
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '');
  return items.every((item) => /^[^\s@]+@[^\s@]+$/.test(item)) ? items : undefined;
}

/** Parses IP addresses and CIDR ranges separated by commas. */
export function addressList(text: string): readonly string[] | undefined {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.every(isAddressOrRange) ? items : undefined;
}

function isAddressOrRange(item: string): boolean {
  const [address = '', bits, ...rest] = item.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || wholeNumber(bits, 1, version === 4 ? 32 : 128) !== undefined;
}

/** Parses the name of a public log, which is also the name of its key (c2sp.org/signed-note). */
export function logName(text: string): string | undefined {
  return /^[^\s+\p{C}\p{Z}]{1,100}$/u.test(text) && Buffer.byteLength(text) <= 100
    ? text
    : undefined;
}

/** Parses the seed of an Ed25519 key: 32 bytes in base64 or base64url. */
export function seed(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) && bytes.length === 32 ? bytes : undefined;
}

/** Parses URLs separated by commas. Each is https, or http on this machine. */
export function urlList(text: string): readonly string[] | undefined {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.every((item) => keySetUrl(item) !== undefined) ? items : undefined;
}
