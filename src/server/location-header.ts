import type { FastifyInstance } from 'fastify';

/**
 * Encodes characters that a `Location` header must not contain (RFC 3986). A user may type any
 * character in a URL, and Node throws an error for header characters above U+00FF. Characters that
 * are already encoded or allowed stay as they are.
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
