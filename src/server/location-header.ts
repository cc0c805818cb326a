import type { FastifyInstance } from 'fastify';

/**
 * Encodes characters that a `Location` header may not contain (RFC 3986): a user may type any
 * character in a URL, and Node throws on header characters above U+00FF. Leaves encoded and plain
 * text unchanged.
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
