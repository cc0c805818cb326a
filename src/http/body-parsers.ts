import { isUtf8 } from 'node:buffer';
import { parse } from 'node:querystring';
import type { FastifyInstance } from 'fastify';
import { sizeLimits } from '../config/size-limits.ts';
import { DomainError, invalidField, type Wording } from '../errors/errors.ts';
import { cleanPastedText } from './pasted-text.ts';
import { unstorableField, unstorableText } from './validation.ts';

/** The most fields a query string or a form may have; the largest form of the site has 40. */
export const maxFields = sizeLimits.formFields.max;

/** Stands for a query string or a form with too many fields, which is not parsed. */
const tooManyFields: Record<string, unknown> = Object.freeze({});

const tooManyFieldsText: Wording = {
  id: `Satu permintaan memuat paling banyak ${maxFields} isian.`,
  en: `A request has ${maxFields} fields at most.`,
};

/**
 * Parses `name=value` pairs, as a query string or a form has them. With more than `maxFields` none
 * is parsed: thousands would hold the event loop for everybody.
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
 * Takes JSON bodies only, in UTF-8 that is really UTF-8, and refuses text that the database
 * could not store, wherever it stands in the request.
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
      const text = decoded(body);
      if (text === undefined) done(new DomainError('malformed_request', {}));
      // Many clients name a type whether they send a body or not; a route that needs one says so.
      else if (text === '') done(null, undefined);
      else void parseJson(request, text, done);
    },
  );
  server.addHook('preValidation', (request, _reply, done) => {
    const { body, query, params, is404, routeOptions } = request;
    // What nobody answers has no fields to put right: it is told so.
    if (is404) return done();
    if (body === tooManyFields || query === tooManyFields) {
      return done(invalidField('', tooManyFieldsText));
    }
    if (routeOptions.config.isSigned !== true) cleanPastedText(body);
    cleanPastedText(query);
    const typed = Buffer.isBuffer(body) ? undefined : body;
    const field = unstorableField(typed) ?? unstorableField(query) ?? unstorableField(params);
    if (field === undefined) done();
    else done(invalidField(field, unstorableText));
  });
}

function decoded(body: Buffer): string | undefined {
  return isUtf8(body) ? body.toString() : undefined;
}
