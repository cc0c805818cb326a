import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../errors.ts';
import { sendProblem } from './problem.ts';

/** A name or an address, with a port or without. */
const plainHost = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i;

/**
 * Refuses a request that leaves open which host it is for: with two Host headers one is the host to
 * us and the other perhaps to a cache before us (RFC 9112, 3.2), and what is no host at all has no
 * place in the addresses that pages tell.
 */
export function refuseUnclearHosts(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    const isClear = hostsOf(request) <= 1 && (request.host === '' || plainHost.test(request.host));
    if (isClear) done();
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

/** Whether the request was sent to a name that no other machine's page can have. */
export function isForThisMachine({ hostname }: FastifyRequest): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}
