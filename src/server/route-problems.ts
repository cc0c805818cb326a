import type { FastifyInstance, RouteOptions } from 'fastify';
import type { ErrorCode, RequestCode } from '../errors/errors.ts';
import { withProblems, type Responses } from '../http/schemas.ts';
import { takesKey } from './idempotency-key.ts';

/**
 * Completes the API document of every route that is registered from now on. A route lists the
 * errors of its operations. This function adds the errors that depend on the kind of the route.
 */
export function documentRouteProblems(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    const { schema } = route;
    if (schema?.response === undefined) return;
    schema.response = withProblems(schema.response as Responses, codesOf(route));
  });
}

/** Error codes that every API route can return. */
const everyRoute = [
  'malformed_request',
  'unauthenticated',
  'validation_failed',
  'internal_error',
  'overloaded',
  'database_unavailable',
  'identity_unavailable',
] as const satisfies readonly RequestCode[];

/**
 * Error codes about request bodies. They apply to every write, because a route without a body
 * rejects a body too.
 */
const aboutBodies = [
  'payload_too_large',
  'unsupported_media_type',
  'content_encoding_not_supported',
] as const satisfies readonly RequestCode[];

function codesOf({ method, config = {} }: RouteOptions): ErrorCode[] {
  const codes: ErrorCode[] = [...everyRoute];
  if (config.isSensitive === true) codes.push('reauthentication_required');
  const isWrite = [method].flat().some((one) => one !== 'GET' && one !== 'HEAD');
  if (!isWrite) return codes;
  codes.push(...aboutBodies);
  if (config.isPublicWrite !== true) codes.push('account_required');
  if (takesKey(config.idempotency)) codes.push('idempotency_key_reused');
  // A preview is rolled back in any case, so its outcome is never unknown.
  if (config.idempotency !== 'preview') codes.push('outcome_unknown');
  return codes;
}
