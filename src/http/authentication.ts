import { wording } from '../i18n/messages.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import type { Actor, SignedIn } from '../identity/actor.ts';
import { limits, type Limit } from '../config/limits.ts';
import { accountRequired, requireRecentAuth } from '../identity/policy.ts';
import { routeOf } from './route-of.ts';
import type { Authenticator } from '../identity/authenticate.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller. It is set for every API route before the handler runs. */
    actor: Actor;
  }
  interface FastifyContextConfig {
    /**
     * True for routes that join a campaign. Attempts of callers who are not signed in are limited
     * by their network address.
     */
    joinAttempt?: boolean;
    /**
     * True for event streams. A stream stays open for a long time, so it is not timed and does not
     * count as a request in flight.
     */
    eventStream?: boolean;
  }
}

/**
 * Settings for the authentication of callers, and for the limit of anonymous join attempts from one
 * network address.
 */
export interface CallerLimits {
  readonly authenticate: Authenticator;
  /**
   * The configured limit of join attempts per minute. 0 turns the limit of anonymous attempts off
   * too.
   */
  readonly joinLimitPerMinute: number;
  /** Replaces the limit of anonymous join attempts that src/config/limits.ts defines. */
  readonly namelessJoins?: Pick<Limit, 'max' | 'seconds'> | undefined;
}

/**
 * Authenticates every request of this instance before its body is read. This hook limits only the
 * join attempts without a valid caller. The join itself limits signed-in buyers per user, so that
 * many phones with the same address do not block each other.
 */
export function authenticateCallers(server: FastifyInstance, rules: CallerLimits): void {
  const limit = rules.joinLimitPerMinute;
  const { max, seconds } = rules.namelessJoins ?? limits.anonymousJoinsOfNetwork;
  const attempts =
    limit > 0
      ? new RateLimiterMemory({ points: max, duration: seconds, keyPrefix: '' })
      : undefined;

  // The hook uses a callback, because most callers are known at once and then need no promise.
  server.addHook('onRequest', (request, _reply, proceed) => {
    const joins = routeOf(request).config.joinAttempt === true;
    const counted = joins ? attempts : undefined;
    const actor = rules.authenticate(request.headers.authorization, request.ip, joins);
    if (!(actor instanceof Promise) && (counted === undefined || actor.kind !== 'visitor')) {
      admit(request, actor);
      proceed();
    } else {
      admitLater(request, actor, counted).then(() => proceed(), proceed);
    }
  });
}

/** Admits a caller who is not known yet, or whose join attempt has to be counted. */
async function admitLater(
  request: FastifyRequest,
  pending: Actor | Promise<Actor>,
  counted: RateLimiterMemory | undefined,
): Promise<void> {
  let actor: Actor;
  try {
    actor = await pending;
  } catch (error) {
    const refused = error instanceof DomainError && error.code === 'unauthenticated';
    if (counted && refused) await countAttempt(counted, request.ip);
    throw error;
  }
  // The access log contains the kind of the caller, also when the request is refused here.
  request.actor = actor;
  if (counted && actor.kind === 'visitor') await countAttempt(counted, request.ip);
  admit(request, actor);
}

/**
 * Sets the caller of a request. Refuses a caller who may not use the route at all. This check runs
 * before the body is read, so the body of an anonymous caller is never parsed.
 */
function admit(request: FastifyRequest, actor: Actor): void {
  request.actor = actor;
  const { isPublicWrite, isSensitive } = routeOf(request).config;
  const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
  if (actor.kind === 'visitor' && isWrite && isPublicWrite !== true) throw accountRequired(actor);
  if (isSensitive === true) requireRecentAuth(actor);
}

/**
 * Returns the id of the user that the request is about. A caller with a service token must name
 * that user in `user_id`. For any other caller it is the caller, who must not name another user.
 * Throws `validation_failed` or `forbidden`.
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

/**
 * Returns the header `Idempotency-Key` of a request, or undefined. Throws `validation_failed` for
 * an invalid key.
 */
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

/** Returns the value of the caller's header `User-Agent`. */
export function deviceOf({ headers }: FastifyRequest): string {
  return headers['user-agent'] ?? '';
}

/**
 * Returns the network that rate limits count. For IPv6 it is the /64 prefix, because one customer
 * can use all addresses of that prefix.
 */
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
