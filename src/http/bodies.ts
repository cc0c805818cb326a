import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { DomainError, invalidField } from '../errors.ts';
import { unstorableField, unstorableText } from './validation.ts';

/**
 * Takes JSON bodies only, in UTF-8 that is really UTF-8, and refuses text that the database
 * could not store, wherever it stands in the request.
 */
export function readBodies(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser(['application/json', 'text/plain']);
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      const charset = /;\s*charset="?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
      if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
        done(new DomainError('unsupported_media_type', {}));
        return;
      }
      const text = decoded(body);
      if (text === undefined) done(new DomainError('malformed_request', {}));
      // Many clients name a type whether they send a body or not; a route that needs one says so.
      else if (text === '') done(null, undefined);
      else void parseJson(request, text, done);
    },
  );
  server.addHook('preValidation', ({ body, query, params, is404 }, _reply, done) => {
    // What nobody answers has no fields to put right: it is told so.
    if (is404) return done();
    const typed = Buffer.isBuffer(body) ? undefined : body;
    const field = unstorableField(typed) ?? unstorableField(query) ?? unstorableField(params);
    if (field === undefined) done();
    else done(invalidField(field, unstorableText));
  });
}

function decoded(body: Buffer): string | undefined {
  return isUtf8(body) ? body.toString() : undefined;
}
