import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import { sendProblem } from '../http/problem.ts';

/** A name or an address, with a port or without; a name has at most 253 characters (RFC 1035). */
const plainHost = /^(?=.{1,260}$)(?:\[[\da-f:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?$/i;

/**
 * Refuses a request that leaves open which host it is for: with two Host headers one is the host to
 * us and the other perhaps to a cache before us (RFC 9112, 3.2), and what is no host at all has no
 * place in the addresses that pages tell. Host and protocol are what a trusted proxy forwards, and
 * proxies pass on what clients send: a protocol other than http and https is refused as well.
 */
export function validateHost(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { host, protocol } = request;
    const isHost = host === '' || plainHost.test(host);
    if (hostsOf(request) <= 1 && isHost && /^https?$/.test(protocol)) done();
    // Sent at once: a page for it would need to know where the site is.
    else sendProblem(request, reply, new DomainError('malformed_request', {}));
  });
}

/** How many Host headers came; the parsed headers hold one of them. */
function hostsOf({ raw: { rawHeaders } }: FastifyRequest): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts;
}
