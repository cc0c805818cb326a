import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import { routeOf } from '../http/route-of.ts';
import { unknownField } from '../http/validation.ts';

/**
 * Rejects query fields on routes without a query schema, and body fields on routes without a body.
 * Example: a caller sends `?dry_run=true` to a route that does not know this field. Ignoring the
 * field would make a change that the caller only wanted to try. Routes with a schema reject unknown
 * fields by that schema.
 */
export function rejectUnknownFields(server: FastifyInstance): void {
  server.addHook('preValidation', (request, _reply, done) => {
    const { url, schema } = routeOf(request);
    if (url === undefined) return done();
    if (schema?.consumes?.includes('multipart/form-data') && isOtherBody(request)) {
      return done(new DomainError('unsupported_media_type', {}));
    }
    if (schema?.querystring !== undefined && schema.body !== undefined) return done();
    const names = [
      ...(schema?.querystring === undefined ? fieldsOf(request.query) : []),
      ...(schema?.body === undefined ? fieldsOf(request.body) : []),
    ];
    if (names.length === 0) return done();
    const fields = names.slice(0, 50).map((field) => ({ field, message: unknownField }));
    done(new DomainError('validation_failed', {}, fields));
  });
}

/** Returns true if the request has a body that is not a multipart form. */
function isOtherBody(request: FastifyRequest): boolean {
  return request.body !== undefined && request.body !== null && !request.isMultipart();
}

/**
 * Returns the names of the sent fields. A body that is not an object counts as one field with an
 * empty name.
 */
function fieldsOf(sent: FastifyRequest['body']): string[] {
  if (sent === undefined || sent === null) return [];
  if (typeof sent !== 'object' || Array.isArray(sent)) return [''];
  return Object.keys(sent);
}
