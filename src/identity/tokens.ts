import { hash } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, errors as jose, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';

/** The claims of a valid token. */
export interface Claims {
  readonly userId: string;
  readonly roles: readonly string[];
  /**
   * True when the claim `aal` (authenticator assurance level) is `aal2`, as Supabase Auth sets it
   * after a second factor.
   */
  readonly secondFactor: boolean;
  /**
   * When the user last authenticated, in seconds since 1970. This is the newest time in the claim
   * `amr` (Supabase Auth), or the claim `auth_time` (OpenID Connect) if `amr` has no time.
   * Undefined when the token has neither claim, or when the time is in the future.
   */
  readonly provenAt: number | undefined;
  /**
   * True for a user whom Supabase Auth created without an e-mail address or password
   * (`is_anonymous`).
   */
  readonly isAnonymous?: true;
  /** The user's e-mail address. Undefined if the token marks the address as not verified. */
  readonly email?: string;
}

export interface TokenRules {
  readonly jwtSecret: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string;
}

/** Error: the key set could not be fetched, so the token could not be checked. */
export class KeySetUnavailable extends Error {
  constructor(cause: unknown) {
    super('the key set could not be fetched', { cause });
    this.name = 'KeySetUnavailable';
  }
}

/**
 * Returns the claims of a valid token, or undefined for an invalid token. Returns a promise if the
 * token was not verified before. The promise rejects with KeySetUnavailable.
 */
export type TokenVerifier = (token: string) => Claims | undefined | Promise<Claims | undefined>;

const keySetAlgorithms = ['RS256', 'ES256', 'EdDSA'];
/** Allowed difference in seconds between the clocks of the issuer and this machine. */
const clockToleranceSeconds = 5;
const keySetTimeoutMs = 2_000;
/** Minimum time in milliseconds between two downloads of the key set because of unknown key ids. */
const keySetCooldownMs = 30_000;
const keySetAgeMs = 600_000;
/**
 * Maximum time in milliseconds for which a verified token is cached. A token whose key was revoked
 * is refused after that.
 */
const cacheMs = 300_000;
const rememberedTokens = 10_000;
const maxTokenLength = 8_192;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Creates the function that verifies users' tokens. HS256 tokens are checked only with the secret,
 * and all other tokens only with the key set. So nobody can sign an HS256 token with a public key
 * from the key set and get it accepted.
 */
export function tokenVerifier(rules: TokenRules, now: () => number = Date.now): TokenVerifier {
  const secret =
    rules.jwtSecret === undefined ? undefined : new TextEncoder().encode(rules.jwtSecret);
  const keySet = rules.jwksUrl === undefined ? undefined : remoteKeys(new URL(rules.jwksUrl));
  const remembered = new RememberedTokens(now);

  const verifyNew = async (token: string, issuer: string): Promise<Claims | undefined> => {
    const options: JWTVerifyOptions = {
      issuer,
      audience: rules.jwtAudience,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(now()),
    };
    try {
      const payload = await verifyToken(token, secret, keySet, options);
      const claims = payload && claimsOf(payload, now() / 1_000);
      if (claims) remembered.add(token, claims, payload.exp ?? 0);
      return claims;
    } catch (error) {
      if (error instanceof jose.JOSEError) return undefined;
      throw error;
    }
  };
  return (token) => {
    if (token.length > maxTokenLength || rules.jwtIssuer === undefined) return undefined;
    return remembered.get(token) ?? verifyNew(token, rules.jwtIssuer);
  };
}

async function verifyToken(
  token: string,
  secret: Uint8Array | undefined,
  keySet: JWTVerifyGetKey | undefined,
  options: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  if (algorithmOf(token) === 'HS256') {
    if (!secret) return undefined;
    return (await jwtVerify(token, secret, { ...options, algorithms: ['HS256'] })).payload;
  }
  if (!keySet) return undefined;
  return (await jwtVerify(token, keySet, { ...options, algorithms: keySetAlgorithms })).payload;
}

/**
 * Returns the algorithm that the token names. The name cannot be trusted until the token is
 * verified.
 */
function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    return undefined;
  }
}

function remoteKeys(url: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: keySetTimeoutMs,
    cooldownDuration: keySetCooldownMs,
    cacheMaxAge: keySetAgeMs,
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      const aboutTheToken =
        error instanceof jose.JWKSNoMatchingKey || error instanceof jose.JWKSMultipleMatchingKeys;
      throw aboutTheToken ? error : new KeySetUnavailable(error);
    }
  };
}

function claimsOf(payload: JWTPayload, nowSeconds: number): Claims | undefined {
  if (typeof payload.sub !== 'string' || !uuid.test(payload.sub)) return undefined;
  return {
    userId: payload.sub.toLowerCase(),
    roles: rolesIn(payload['app_metadata']),
    secondFactor: payload['aal'] === 'aal2',
    provenAt: provenAtIn(payload, nowSeconds),
    ...(payload['is_anonymous'] === true ? { isAnonymous: true as const } : {}),
    ...emailIn(payload),
  };
}

function emailIn({ email, email_verified: isVerified }: JWTPayload): { email?: string } {
  const isGiven = typeof email === 'string' && email.includes('@') && isVerified !== false;
  return isGiven ? { email: email.trim().toLowerCase() } : {};
}

/**
 * Returns when the user last authenticated. The claim `iat` (issued at) is not used for this,
 * because refreshing a token changes `iat` without an authentication.
 */
function provenAtIn({ amr, auth_time: authTime, iat }: JWTPayload, nowSeconds: number) {
  const latest = nowSeconds + clockToleranceSeconds;
  const methods = (Array.isArray(amr) ? amr : []) as { timestamp?: unknown }[];
  const stated = methods.map((method) => method?.timestamp);
  const times = [...stated, authTime].filter((at) => typeof at === 'number');
  if ([...times, iat ?? 0].some((at) => at > latest)) return undefined;
  const methodTimes = stated.filter((at) => typeof at === 'number');
  if (methodTimes.length > 0) return Math.max(...methodTimes);
  return typeof authTime === 'number' ? authTime : undefined;
}

/**
 * Returns the roles in `app_metadata.role` and `app_metadata.roles`. Roles in `user_metadata` do
 * not count, because users can edit it.
 */
function rolesIn(metadata: unknown): readonly string[] {
  if (typeof metadata !== 'object' || metadata === null) return [];
  const { role, roles } = metadata as { role?: unknown; roles?: unknown };
  const all = [role, ...(Array.isArray(roles) ? (roles as unknown[]) : [])];
  return all.filter((one) => typeof one === 'string');
}

/**
 * Cache of verified tokens. Its keys are hashes of the tokens. With the cache, each signature is
 * checked only once. When it is full, the oldest entry is removed.
 */
class RememberedTokens {
  readonly #entries = new Map<string, { claims: Claims; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(token: string): Claims | undefined {
    const key = digest(token);
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.claims;
  }

  add(token: string, claims: Claims, expiresAtSeconds: number): void {
    const until = Math.min(expiresAtSeconds * 1_000, this.#now() + cacheMs);
    this.#entries.set(digest(token), { claims, until });
    if (this.#entries.size <= rememberedTokens) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

function digest(token: string): string {
  return hash('sha256', token, 'base64');
}
