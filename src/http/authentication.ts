import { wording } from '../i18n/messages.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import type { Actor, SignedIn } from '../identity/actor.ts';
import { limits, type Limit } from '../config/limits.ts';
import { accountRequired, requireRecentAuth } from '../identity/policy.ts';
import type { Authenticator } from '../identity/authenticate.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller; set for every API route before its handler runs. */
    actor: Actor;
  }
  interface FastifyContextConfig {
    /** A join attempt: counted by address when the caller is not signed in. */
    joinAttempt?: boolean;
    /** An event stream: open for long, so it is neither timed nor counted as a request. */
    eventStream?: boolean;
  }
}

/**
 * How callers are authenticated, and how many anonymous join attempts per minute one address may
 * make.
 */
export interface CallerLimits {
  readonly authenticate: Authenticator;
  /** 0: no limit. */
  readonly joinLimitPerMinute: number;
  /** Replaces the limit of attempts without a valid caller from the table. */
  readonly namelessJoins?: Pick<Limit, 'max' | 'seconds'> | undefined;
}

/**
 * Authenticates every request of this instance before its body is read. Signed-in buyers are
 * limited per user, with the join itself, so that many phones behind one address do not block each
 * other; this hook limits only attempts without a valid caller.
 */
export function authenticateCallers(server: FastifyInstance, rules: CallerLimits): void {
  const limit = rules.joinLimitPerMinute;
  const { max, seconds } = rules.namelessJoins ?? limits.anonymousJoinsOfNetwork;
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
    // Before the body is read: do not parse the body of an anonymous caller.
    const { isPublicWrite, isSensitive } = reply.routeOptions.config;
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    if (actor.kind === 'visitor' && isWrite && isPublicWrite !== true) throw accountRequired(actor);
    if (isSensitive === true) requireRecentAuth(actor);
  });
}

/**
 * Returns the user that the request is about: the service names one in `user_id`; any other caller
 * is that user and may name only themselves. Throws `validation_failed` or `forbidden`.
 */
export function userOf(actor: SignedIn, named: string | undefined): string {
  if (actor.kind === 'service') {
    if (named !== undefined) return named.toLowerCase();
    throw invalidField('user_id', wording('errors.field.userIdRequired'));
  }
  if (named !== undefined && named.toLowerCase() !== actor.userId) {
    throw new DomainError('forbidden', {});
  }
  return actor.userId;
}
userOf.refusals = refusals('forbidden');

/** Returns the `Idempotency-Key` of a request, or undefined; throws `validation_failed`. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalidField('Idempotency-Key', wording('errors.field.idempotencyKey'));
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

/** Returns the caller's `User-Agent`. */
export function deviceOf({ headers }: FastifyRequest): string {
  return headers['user-agent'] ?? '';
}

/** Returns the network to count: for IPv6 the /64, because a customer can use all its addresses. */
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
