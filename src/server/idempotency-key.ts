import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from '../database/pool.ts';
import { actorLabel } from '../identity/actor.ts';
import {
  firstAnswer,
  keepAnswer,
  withRequestKey,
  type FirstAnswer,
  type KeyedRequest,
} from '../operation/idempotency-keys.ts';
import { idempotencyKeyOf } from '../http/authentication.ts';
import { routeOf } from '../http/route-of.ts';
import { idempotencyKeyHeader } from '../http/schemas.ts';

type Idempotency = 'own' | 'none' | 'preview' | undefined;

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The idempotency key of the request, while the request is processed for the first time. A
     * repeated request, which gets the first response again, does not have it.
     */
    keyedRequest: KeyedRequest | undefined;
  }
  interface FastifyContextConfig {
    /**
     * How the route uses idempotency keys. `own`: the route handles the key itself. `none`: the
     * route accepts no key, because repeating the request is harmless. `preview`: the route accepts
     * no key, because it changes nothing. Undefined: the key is handled here.
     */
    idempotency?: Idempotency;
  }
}

/**
 * Adds idempotency keys to every write of this instance. A repeated request with the same key has
 * no second effect and gets the response of the first one. Error responses are not stored. The
 * caller must be authenticated.
 */
export function registerIdempotencyKeys(server: FastifyInstance, db: Database): void {
  server.decorateRequest('keyedRequest', undefined);
  documentKeys(server);

  // The hooks use callbacks, because most requests have no key and then need no promise. Besides, a
  // value that is set in AsyncLocalStorage inside the promise of an async hook would not be visible
  // in the handler.
  server.addHook('preHandler', (request, reply, done) => {
    const keyed = keyedRequestOf(request);
    if (keyed === undefined) return done();
    firstAnswer(db, keyed).then((first) => {
      if (first !== undefined) return void replay(reply, first);
      request.keyedRequest = keyed;
      return withRequestKey(keyed, done);
    }, done);
  });
  server.addHook('onSend', (request, reply, payload, proceed) => {
    const keyed = request.keyedRequest;
    if (keyed === undefined || reply.statusCode >= 300) return proceed(null, payload);
    const stored = store(db, keyed, { request, reply, payload });
    stored.then(() => proceed(null, payload), proceed);
  });
}

/** Stores the response of a request with a key. Only logs an error. */
async function store(
  db: Database,
  keyed: KeyedRequest,
  sent: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly payload: unknown;
  },
): Promise<void> {
  const { request, reply, payload } = sent;
  const body = typeof payload === 'string' && payload !== '' ? payload : null;
  const contentType = reply.getHeader('content-type')?.toString() ?? null;
  try {
    await keepAnswer(db, keyed, { status: reply.statusCode, contentType, body });
  } catch (error) {
    // The effect of the request is already stored under the key. A repeated request builds the
    // response again from it.
    request.log.warn({ err: error }, 'the answer to an idempotency key could not be stored');
  }
}

function replay(reply: FastifyReply, { status, contentType, body }: FirstAnswer): FastifyReply {
  reply.code(status).header('idempotency-replayed', 'true');
  if (contentType !== null) reply.header('content-type', contentType);
  return reply.send(body ?? undefined);
}

function keyedRequestOf(request: FastifyRequest): KeyedRequest | undefined {
  const { actor, method, url, body } = request;
  if (isRead(method) || routeOf(request).config.idempotency !== undefined) return undefined;
  const key = idempotencyKeyOf(request);
  if (key === undefined || actor.kind === 'visitor') return undefined;
  const hash = createHash('sha256').update(`${method} ${url}\n`);
  hash.update(Buffer.isBuffer(body) ? body : JSON.stringify(body ?? null));
  return { caller: actorLabel(actor), key, hash: hash.digest() };
}

const isRead = (method: string) => method === 'GET' || method === 'HEAD';

/**
 * Returns true for a write that accepts an idempotency key, handled here or by the route itself.
 */
export function takesKey(idempotency: Idempotency): boolean {
  return idempotency === undefined || idempotency === 'own';
}

/** Adds the header Idempotency-Key to the API document of all routes that accept a key. */
function documentKeys(server: FastifyInstance): void {
  server.addHook('onRoute', ({ method, config, schema }) => {
    if (schema === undefined || !takesKey(config?.idempotency)) return;
    if (![method].flat().every(isRead)) schema.headers ??= idempotencyKeyHeader;
  });
}
