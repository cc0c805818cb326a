import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assets } from '../web/assets.ts';

const yearSeconds = 365 * 86_400;

/** Supported content encodings, the best compression first. */
export const encodings = ['br', 'gzip'] as const;
export type Encoding = (typeof encodings)[number];

/**
 * Returns the encoding in which to send precompressed content; undefined to send it uncompressed.
 */
export function encodingTaken({ headers }: FastifyRequest): Encoding | undefined {
  const accepts = headers['accept-encoding'] ?? '';
  return encodings.find((one) => accepts.includes(one) && !rejectsEncoding(accepts, one));
}

/**
 * Returns true when the header gives this encoding the weight 0, which forbids it (RFC 9110,
 * 12.5.3).
 */
function rejectsEncoding(accepts: string, encoding: Encoding): boolean {
  return new RegExp(`\\b${encoding}\\s*;\\s*q=0(?:\\.0*)?\\s*(?:,|$)`, 'i').test(accepts);
}

/** Serves the asset files of the site. The URL of a file contains a hash of its content. */
export function serveAssets(server: FastifyInstance): void {
  for (const asset of Object.values(assets)) {
    server.get(asset.path, { config: { compress: false } }, async (request, reply) => {
      const encoding = encodingTaken(request);
      if (encoding !== undefined) reply.header('content-encoding', encoding);
      return reply
        .header('cache-control', `public, max-age=${yearSeconds}, immutable`)
        .header('vary', 'accept-encoding')
        .type(asset.type)
        .send(
          encoding === 'br' ? asset.brotli() : encoding === 'gzip' ? asset.gzip() : asset.bytes,
        );
    });
  }
}
