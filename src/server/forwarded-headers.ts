import { BlockList, isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Log } from '../database/log.ts';

/** Headers in which a reverse proxy names its client. */
const forwardedHeaders = ['x-forwarded-for', 'forwarded', 'x-real-ip'] as const;

/** Dependencies of the detection of untrusted proxies. */
interface ForwardedDeps {
  readonly log: Log;
  readonly trustedProxies: readonly string[];
}

/**
 * Warns once per process when a peer that is not a trusted proxy sends a forwarding header: behind
 * such a proxy all clients share one address and so share the limits per network. Returns a
 * function that tells whether this happened, for the health report. Anybody can send such a
 * header, so it changes nothing else.
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

/** Returns whether an address is one of these or in one of these CIDR ranges. */
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
