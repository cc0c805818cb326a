import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import { unknownField } from '../http/validation.ts';

/**
 * Rejects query fields on routes that declare none, and body fields on routes without a body: a
 * caller who sends `?dry_run=true` to a route that does not know the field must not get the real
 * effect. Routes with a query or body schema reject unknown fields by that schema.
 */
export function rejectUnknownFields(server: FastifyInstance): void {
  server.addHook('preValidation', (request, _reply, done) => {
    if (request.is404) return done();
    const { schema } = request.routeOptions;
    if (schema?.consumes?.includes('multipart/form-data') && isOtherBody(request)) {
      return done(new DomainError('unsupported_media_type', {}));
    }
    const names = [
      ...(schema?.querystring === undefined ? fieldsOf(request.query) : []),
      ...(schema?.body === undefined ? fieldsOf(request.body) : []),
    ];
    if (names.length === 0) return done();
    const fields = names.slice(0, 50).map((field) => ({ field, message: unknownField }));
    done(new DomainError('validation_failed', {}, fields));
  });
}

/** Returns true when a body was sent that is not a multipart form. */
function isOtherBody(request: FastifyRequest): boolean {
  return request.body !== undefined && request.body !== null && !request.isMultipart();
}

/**
 * Returns the names of the sent fields; a body that is not an object counts as one unnamed field.
 */
function fieldsOf(sent: FastifyRequest['body']): string[] {
  if (sent === undefined || sent === null) return [];
  if (typeof sent !== 'object' || Array.isArray(sent)) return [''];
  return Object.keys(sent);
}
