import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from '../database/pool.ts';
import { errorTable, type ErrorCode } from '../errors/errors.ts';
import { actorLabel } from '../identity/actor.ts';
import {
  firstAnswer,
  keepAnswer,
  withRequestKey,
  type FirstAnswer,
  type KeyedRequest,
} from '../operation/idempotency-keys.ts';
import { idempotencyKeyOf } from '../http/authentication.ts';
import { idempotencyKeyHeader, Problem } from '../http/schemas.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for a request with an Idempotency-Key, until its first answer is replayed. */
    keyedRequest: KeyedRequest | undefined;
  }
  interface FastifyContextConfig {
    /**
     * `own`: the route handles the Idempotency-Key itself; `none`: repeating the request is
     * harmless, so it takes no key. Every other write takes one.
     */
    idempotency?: 'own' | 'none';
  }
}

/**
 * Adds idempotency keys to every write of this instance: a repeated request with the same key has
 * one effect and gets the first answer. Refusals are not stored. Requires an authenticated caller.
 */
export function registerIdempotencyKeys(server: FastifyInstance, db: Database): void {
  server.decorateRequest('keyedRequest', undefined);
  documentKeys(server);

  server.addHook('preHandler', async (request, reply) => {
    const keyed = keyedRequestOf(request);
    if (keyed === undefined) return undefined;
    const first = await firstAnswer(db, keyed);
    if (first !== undefined) return replay(reply, first);
    request.keyedRequest = keyed;
    return undefined;
  });
  // AsyncLocalStorage set in a hook's promise does not reach the handler; a callback keeps it.
  server.addHook('preHandler', (request, _reply, done) => {
    if (request.keyedRequest === undefined) done();
    else withRequestKey(request.keyedRequest, done);
  });
  server.addHook('onSend', async (request, reply, payload) => {
    const keyed = request.keyedRequest;
    if (keyed === undefined || reply.statusCode >= 300) return payload;
    const body = typeof payload === 'string' && payload !== '' ? payload : null;
    const contentType = reply.getHeader('content-type')?.toString() ?? null;
    try {
      await keepAnswer(db, keyed, { status: reply.statusCode, contentType, body });
    } catch (error) {
      // The effect is already stored under the key; a repeated request rebuilds the answer from it.
      request.log.warn({ err: error }, 'the answer to an idempotency key could not be stored');
    }
    return payload;
  });
}

function replay(reply: FastifyReply, { status, contentType, body }: FirstAnswer): FastifyReply {
  reply.code(status).header('idempotency-replayed', 'true');
  if (contentType !== null) reply.header('content-type', contentType);
  return reply.send(body ?? undefined);
}

function keyedRequestOf(request: FastifyRequest): KeyedRequest | undefined {
  const { actor, method, url, body, routeOptions } = request;
  if (!takesKey(method, routeOptions.config.idempotency)) return undefined;
  const key = idempotencyKeyOf(request);
  if (key === undefined || actor.kind === 'visitor') return undefined;
  const hash = createHash('sha256').update(`${method} ${url}\n`);
  hash.update(Buffer.isBuffer(body) ? body : JSON.stringify(body ?? null));
  return { caller: actorLabel(actor), key, hash: hash.digest() };
}

function takesKey(method: string, idempotency: 'own' | 'none' | undefined): boolean {
  return method !== 'GET' && method !== 'HEAD' && idempotency === undefined;
}

/**
 * Documents in OpenAPI which routes take a key, how they refuse a reused one, and that the outcome
 * of a commit may be unknown, which is what keys are for.
 */
function documentKeys(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    const methods = [route.method].flat();
    const { schema } = route;
    if (schema?.response === undefined) return;
    if (!methods.some((method) => takesKey(method, route.config?.idempotency))) return;
    schema.headers ??= idempotencyKeyHeader;
    schema.response = ['idempotency_key_reused' as const, 'outcome_unknown' as const].reduce(
      withProblem,
      schema.response as Responses,
    );
  });
}

interface Responses {
  readonly [status: string]: { readonly description?: string };
}

/** Returns the responses of a route with one more code. */
function withProblem(responses: Responses, code: ErrorCode): Responses {
  const { status } = errorTable[code];
  const before = responses[status]?.description;
  if (before?.includes(`\`${code}\``)) return responses;
  const description = before === undefined ? `\`${code}\`` : `${before}, \`${code}\``;
  const content = { 'application/problem+json': { schema: Problem } };
  return { ...responses, [status]: { description, content } };
}
