// Parsers of setting values; undefined means that a value is not accepted.
import { isIP } from 'node:net';

/** Minimum bytes of a secret: HS256 needs 256 bits (RFC 7518, section 3.2). */
export const secretLength = 32;

/** `name=value` pairs separated by commas, names in lower case. */
export function headerList(text: string): Readonly<Record<string, string>> | undefined {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => /^([\w-]+)=([\x21-\x7e]+)$/.exec(pair));
  if (pairs.includes(null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair![1]!.toLowerCase(), pair![2]!]));
}

/** A whole number within bounds. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** A key of printable characters without spaces, long enough for a secret. */
export function key(text: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(text) && longEnough(text) ? text : undefined;
}

/** Returns true when a text has the minimum number of bytes of a secret. */
export function longEnough(text: string): boolean {
  return Buffer.byteLength(text) >= secretLength;
}

/** A URL of a PostgreSQL database. */
export function databaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  return /^postgres(ql)?:$/.test(new URL(text).protocol) ? text : undefined;
}

/** The origin of a site: no path, query or user. */
export function siteUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin, pathname, search, username } = new URL(text);
  const plain = pathname === '/' && search === '' && username === '';
  return plain && /^https?:$/.test(protocol) ? origin : undefined;
}

/** A URL of a key set: HTTPS, or HTTP on this machine. */
export function keySetUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return undefined;
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  const accepted = url.protocol === 'https:' || (url.protocol === 'http:' && loopback);
  return accepted ? text : undefined;
}

/** E-mail addresses separated by commas, in lower case. */
export function emailList(text: string): readonly string[] | undefined {
  const items = text
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '');
  return items.every((item) => /^[^\s@]+@[^\s@]+$/.test(item)) ? items : undefined;
}

/** IP addresses and CIDR ranges separated by commas. */
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
