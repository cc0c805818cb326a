import type { FastifyRequest } from 'fastify';
import { DomainError } from '../../errors/errors.ts';

/**
 * Returns a path parameter that is an id, in lower case. Throws `not_found` for any other value.
 */
export function idParam(request: FastifyRequest, name = 'id'): string {
  const value = (request.params as Readonly<Record<string, string | undefined>>)[name] ?? '';
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)) {
    throw new DomainError('not_found', {});
  }
  return value.toLowerCase();
}

/** Returns a query parameter. Undefined if it is missing, empty, or given twice. */
export function queryParam(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
