import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import { unknownField } from '../http/validation.ts';

/**
 * Refuses query fields of routes that take none, and fields in a body of routes that take no body.
 * A caller who sends `?dry_run=true` to a route that knows no such field must not get the real
 * effect. Routes that describe their query or body refuse unknown fields by their schema.
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

/** Whether a body that is no form with files was sent. */
function isOtherBody(request: FastifyRequest): boolean {
  return request.body !== undefined && request.body !== null && !request.isMultipart();
}

/** The names of the fields that were sent; a body that is no object is one unnamed field. */
function fieldsOf(sent: FastifyRequest['body']): string[] {
  if (sent === undefined || sent === null) return [];
  if (typeof sent !== 'object' || Array.isArray(sent)) return [''];
  return Object.keys(sent);
}
