import type { FastifyInstance } from 'fastify';
import { DomainError } from '../errors/errors.ts';

/**
 * Options of `@fastify/compress`, which compresses responses. Its decompression of requests is off.
 */
export const compression = {
  encodings: ['br', 'gzip'] as ('br' | 'gzip')[],
  threshold: 1_024,
  globalDecompression: false,
};

/**
 * Rejects compressed requests with 415 (RFC 9110, 15.5.16) before their body is read. Requests to
 * this service are too short to profit from compression, and a decompressor adds attack surface.
 */
export function rejectCompressedRequests(server: FastifyInstance): void {
  server.addHook('preParsing', (request, reply, _payload, done) => {
    const hasContent = request.method !== 'GET' && request.method !== 'HEAD' && !request.is404;
    if (!hasContent || !isCompressed(request.headers['content-encoding'])) return done();
    reply.header('accept-encoding', 'identity');
    done(new DomainError('content_encoding_not_supported', {}));
  });
}

function isCompressed(contentEncoding: string | string[] | undefined): boolean {
  return String(contentEncoding ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .some((coding) => coding !== '' && coding !== 'identity');
}
