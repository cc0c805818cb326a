import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import { sendProblem } from '../http/problem.ts';

/**
 * Matches a host name or an address, with an optional port. A name has at most 253 characters (RFC
 * 1035).
 */
const plainHost = /^(?=.{1,260}$)(?:\[[\da-f:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?$/i;

/**
 * Rejects a request whose host is ambiguous or invalid. If a request had two Host headers, this
 * server could use one and a cache in front of it the other (RFC 9112, 3.2). An invalid host must
 * not appear in the URLs of pages. A trusted proxy forwards the host and the protocol, possibly as
 * the client sent them, so protocols other than http and https are rejected too.
 */
export function validateHost(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { host, protocol } = request;
    const isHost = host === '' || plainHost.test(host);
    if (hostsOf(request) <= 1 && isHost && /^https?$/.test(protocol)) done();
    // The error is sent as a problem document, because an error page would need the origin of the
    // site.
    else sendProblem(request, reply, new DomainError('malformed_request', {}));
  });
}

/**
 * Returns the number of Host headers. The raw headers are counted, because the parsed headers keep
 * only one.
 */
function hostsOf({ raw: { rawHeaders } }: FastifyRequest): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts;
}
