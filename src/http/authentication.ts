import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { DomainError, invalidField } from '../errors/errors.ts';
import type { Actor, SignedIn } from '../identity/actor.ts';
import { limits, type Limit } from '../config/limits.ts';
import { accountRequired, requireRecentAuth } from '../identity/policy.ts';
import type { Authenticator } from '../identity/authenticate.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends the request; set for every route of the API before its handler runs. */
    actor: Actor;
  }
  interface FastifyContextConfig {
    /** An attempt to join: counted by address when its caller is not signed in. */
    joinAttempt?: boolean;
    /** An event stream: open for long, so neither timed nor counted as a request. */
    eventStream?: boolean;
  }
}

/** Who checks callers, and how many nameless join attempts a minute one address may make. */
export interface CallerLimits {
  readonly authenticate: Authenticator;
  /** 0: no limit. */
  readonly joinLimitPerMinute: number;
  /** The limit of attempts without a valid caller, where not as in the table. */
  readonly namelessJoins?: Pick<Limit, 'max' | 'seconds'> | undefined;
}

/**
 * Finds out the caller of every request of this instance, before its body is read. Signed-in
 * buyers are limited with the join itself, per user, so that the many phones behind one address
 * do not stand in each other's way; here only attempts without a valid caller are.
 */
export function authenticateCallers(server: FastifyInstance, rules: CallerLimits): void {
  const limit = rules.joinLimitPerMinute;
  const { max, seconds } = rules.namelessJoins ?? limits.namelessJoinsOfNetwork;
  const attempts =
    limit > 0
      ? new RateLimiterMemory({ points: max, duration: seconds, keyPrefix: '' })
      : undefined;

  server.addHook('onRequest', async (request, reply) => {
    const joins = reply.routeOptions.config.joinAttempt === true;
    const counted = attempts && joins;
    try {
      request.actor = await rules.authenticate(request.headers.authorization, request.ip, joins);
    } catch (error) {
      const refused = error instanceof DomainError && error.code === 'unauthenticated';
      if (counted && refused) await countAttempt(attempts, request.ip);
      throw error;
    }
    const { actor } = request;
    if (counted && actor.kind === 'visitor') await countAttempt(attempts, request.ip);
    // Before the body is read: what a stranger sends is not worth parsing.
    const { isPublicWrite, isSensitive } = reply.routeOptions.config;
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    if (actor.kind === 'visitor' && isWrite && isPublicWrite !== true) throw accountRequired(actor);
    if (isSensitive === true) requireRecentAuth(actor);
  });
}

/**
 * The user whom the request is about: the service names one in `user_id`; anybody else is that
 * user, and may name only themselves. Throws `validation_failed` or `forbidden`.
 */
export function userOf(actor: SignedIn, named: string | undefined): string {
  if (actor.kind === 'service') {
    if (named !== undefined) return named.toLowerCase();
    throw invalidField('user_id', {
      id: 'Wajib diisi oleh layanan yang bertindak atas nama pembeli.',
      en: 'Is required of a service that acts on behalf of a buyer.',
    });
  }
  if (named !== undefined && named.toLowerCase() !== actor.userId) {
    throw new DomainError('forbidden', {});
  }
  return actor.userId;
}

/** The `Idempotency-Key` of a request, undefined when it has none; throws `validation_failed`. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalidField('Idempotency-Key', {
    id: 'Harus 1 sampai 255 karakter ASCII tanpa spasi.',
    en: 'Must be 1 to 255 ASCII characters without spaces.',
  });
}

async function countAttempt(attempts: RateLimiterMemory, address: string): Promise<void> {
  try {
    await attempts.consume(networkOf(address));
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
    throw new DomainError('rate_limited', { retry_after_seconds: seconds });
  }
}

/** What the caller's browser calls itself. */
export function deviceOf({ headers }: FastifyRequest): string {
  return headers['user-agent'] ?? '';
}

/** An IPv6 customer has a whole /64 to choose addresses from, so that is what is counted. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length);
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...behind];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
