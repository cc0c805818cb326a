import type { FastifyInstance } from 'fastify';

/**
 * Encodes what a `Location` may not contain (RFC 3986): an address that somebody typed can have any
 * character, and Node refuses to send a header with one above U+00FF. What is encoded already, or
 * needs no encoding, stays as it is.
 */
export function encodeLocations(server: FastifyInstance): void {
  server.addHook('onSend', (_request, reply, payload, done) => {
    const location = reply.getHeader('location');
    if (typeof location === 'string' && !/^[\x21-\x7e]*$/.test(location)) {
      const encoded = location
        .toWellFormed()
        .replaceAll(/[^\x21-\x7e]+/gu, (part) => encodeURIComponent(part));
      reply.header('location', encoded);
    }
    done(null, payload);
  });
}
