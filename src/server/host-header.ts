import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import { sendProblem } from '../http/problem.ts';

/**
 * A host name or an address with an optional port; a name has at most 253 characters (RFC 1035).
 */
const plainHost = /^(?=.{1,260}$)(?:\[[\da-f:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?$/i;

/**
 * Rejects a request with an ambiguous or invalid host. With two Host headers this server and a
 * cache in front of it could pick different ones (RFC 9112, 3.2), and an invalid host must not
 * appear in URLs on pages. A trusted proxy forwards host and protocol, and proxies pass on what
 * clients send, so protocols other than http and https are rejected too.
 */
export function validateHost(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { host, protocol } = request;
    const isHost = host === '' || plainHost.test(host);
    if (hostsOf(request) <= 1 && isHost && /^https?$/.test(protocol)) done();
    // Send it directly: an error page would need the origin of the site.
    else sendProblem(request, reply, new DomainError('malformed_request', {}));
  });
}

/** Returns the number of Host headers; the parsed headers hold only one. */
function hostsOf({ raw: { rawHeaders } }: FastifyRequest): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts;
}
