import { BlockList, isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Log } from '../database/log.ts';

/** Headers in which a reverse proxy sends the address of its client. */
const forwardedHeaders = ['x-forwarded-for', 'forwarded', 'x-real-ip'] as const;

/** Dependencies of the detection of untrusted proxies. */
interface ForwardedDeps {
  readonly log: Log;
  readonly trustedProxies: readonly string[];
}

/**
 * Logs one warning per process when a client that is not a trusted proxy sends a forwarding header.
 * If that client is a reverse proxy, all users behind it have the same address and share the limits
 * per network. Returns a function that returns true after this has happened, for the health report.
 * Because anybody can send such a header, it has no other effect.
 */
export function detectUntrustedProxies(
  server: FastifyInstance,
  { log, trustedProxies }: ForwardedDeps,
): () => boolean {
  const isTrusted = addressMatcher(trustedProxies);
  let noticed = false;
  server.addHook('onRequest', (request, _reply, done) => {
    if (!noticed) {
      const header = forwardedHeaders.find((name) => request.headers[name] !== undefined);
      const peer = request.raw.socket.remoteAddress ?? '';
      if (header !== undefined && !isTrusted(peer)) {
        noticed = true;
        log.warn(
          { peer, header },
          'a forwarding header came from a peer that is not a trusted proxy and is ignored; ' +
            `if that peer is your reverse proxy, set SAMBATAN_TRUSTED_PROXIES=${peer}`,
        );
      }
    }
    done();
  });
  return () => noticed;
}

/** Returns a function that checks whether an address is in a list of addresses and CIDR ranges. */
export function addressMatcher(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    if (plain === '') return false;
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}
