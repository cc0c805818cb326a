import { type Wording, wording } from '../i18n/messages.ts';
import { isUtf8 } from 'node:buffer';
import { parse } from 'node:querystring';
import type { FastifyInstance } from 'fastify';
import { sizeLimits } from '../config/size-limits.ts';
import { DomainError, invalidField } from '../errors/errors.ts';
import { cleanPastedText } from './pasted-text.ts';
import { routeOf } from './route-of.ts';
import { unstorableField, unstorableText } from './validation.ts';

/** Maximum number of fields in a query string or a form. The largest form of the site has 40. */
export const maxFields = sizeLimits.formFields.max;

/** The result of a query string or a form that has too many fields and is therefore not parsed. */
const tooManyFields: Record<string, unknown> = Object.freeze({});

const tooManyFieldsText: Wording = wording('errors.field.tooMany', { maxFields });

/**
 * Parses the `name=value` pairs of a query string or a form. Does not parse a text with more than
 * `maxFields` pairs, because thousands of fields would block the event loop.
 */
export function parseFields(text: string): Record<string, unknown> {
  if (hasTooManyFields(text)) return tooManyFields;
  return parse(text, '&', '=', { maxKeys: 0 });
}

function hasTooManyFields(text: string): boolean {
  let pairs = 1;
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) {
    if (++pairs > maxFields) return true;
  }
  return false;
}

/**
 * Accepts only JSON bodies in valid UTF-8. Rejects a request if the database cannot store a text in
 * any part of it.
 */
export function registerBodyParsers(server: FastifyInstance): void {
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
      const text = decodeUtf8(body);
      if (text === undefined) done(new DomainError('malformed_request', {}));
      // Many clients send a content type without a body. A route that needs a body reports the
      // missing body itself.
      else if (text === '') done(null, undefined);
      else void parseJson(request, text, done);
    },
  );
  server.addHook('preValidation', (request, _reply, done) => {
    const { body, query, params } = request;
    const { url, config } = routeOf(request);
    // A path without a route is answered with 404. Errors of its fields would not help the caller.
    if (url === undefined) return done();
    if (body === tooManyFields || query === tooManyFields) {
      return done(invalidField('', tooManyFieldsText));
    }
    if (config.isSigned !== true) cleanPastedText(body);
    cleanPastedText(query);
    const typed = Buffer.isBuffer(body) ? undefined : body;
    const field = unstorableField(typed) ?? unstorableField(query) ?? unstorableField(params);
    if (field === undefined) done();
    else done(invalidField(field, unstorableText));
  });
}

/** Accepts only request bodies of these media types, and passes them to the handler as buffers. */
export function acceptFiles(server: FastifyInstance, types: readonly string[]): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser([...types], { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
}

function decodeUtf8(body: Buffer): string | undefined {
  return isUtf8(body) ? body.toString() : undefined;
}
