import { lookup as resolveName, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** The rules for the addresses to which webhooks may be sent. */
export interface AddressRules {
  /** True in development and tests: webhooks may go to loopback addresses, also without TLS. */
  readonly allowLoopback: boolean;
}

/** Error: the host name of a webhook resolves to an address that is not on the public internet. */
export class AddressNotAllowed extends Error {
  constructor(host: string) {
    super(`${host} is not a public address`);
    this.name = 'AddressNotAllowed';
  }
}

/**
 * Non-public IPv4 ranges (RFC 6890 and its successors): private, shared, link-local, documentation,
 * multicast, reserved.
 */
const notPublic4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/**
 * The public IPv6 range: global unicast addresses. Addresses of this range that contain an IPv4
 * address do not count as public.
 */
const public6 = ['2000::/3'];
const notPublic6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const blocked4 = listOf(notPublic4, 'ipv4');
const global6 = listOf(public6, 'ipv6');
const blocked6 = listOf(notPublic6, 'ipv6');
const loopback4 = listOf(['127.0.0.0/8'], 'ipv4');

/** Returns true when webhooks may be sent to this IP address. */
export function isAllowedAddress(address: string, rules: AddressRules): boolean {
  const version = isIP(address);
  if (version === 4) {
    if (rules.allowLoopback && isLoopback4(address)) return true;
    return !blocked4.check(address, 'ipv4');
  }
  // An address with a zone ("fe80::1%eth0") is never public. IPv4-mapped addresses are outside
  // 2000::/3, so they are refused too.
  if (version !== 6 || address.includes('%')) return false;
  if (rules.allowLoopback && address === '::1') return true;
  return global6.check(address, 'ipv6') && !blocked6.check(address, 'ipv6');
}

/**
 * Returns true when a URL may be used for webhooks, as far as this is visible without resolving its
 * host name: https, no user or password, and no non-public address. http is allowed only to
 * loopback addresses, and only if the rules allow them. The URL parser first converts other forms
 * of an IPv4 address, such as 2130706433 or 0x7f.1.
 */
export function isAllowedUrl(text: string, rules: AddressRules): boolean {
  // Refuse line breaks and tabs. The URL parser removes them, but pages and exported files would
  // still contain them.
  if (/[\s\p{C}]/u.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return false;
  const host = bareHost(url);
  const isLoopback = host === 'localhost' || host === '::1' || isLoopback4(host);
  if (url.protocol === 'http:') return rules.allowLoopback && isLoopback;
  if (url.protocol !== 'https:') return false;
  if (isIP(host) !== 0) return isAllowedAddress(host, rules);
  return host.includes('.') || (rules.allowLoopback && isLoopback);
}

function isLoopback4(host: string): boolean {
  return isIP(host) === 4 && loopback4.check(host, 'ipv4');
}

/** Returns the host of a URL. An IPv6 address is returned without brackets. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

type Resolve = typeof resolveName;
type Done = (
  error: NodeJS.ErrnoException | null,
  address?: string | LookupAddress[],
  family?: number,
) => void;

/**
 * Returns a `lookup` function for node:http and node:https. It resolves a host name and returns
 * only allowed addresses. The connection then uses exactly these addresses, so the name cannot
 * resolve to another address between check and connection (DNS rebinding).
 */
export function checkedLookup(rules: AddressRules, resolve: Resolve = resolveName) {
  return (hostname: string, options: LookupOptions, done: Done): void => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        done(error);
        return;
      }
      const allowed = found.filter(({ address }) => isAllowedAddress(address, rules));
      const [first] = allowed;
      if (first === undefined) done(new AddressNotAllowed(hostname));
      else if (options.all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}

function listOf(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}
