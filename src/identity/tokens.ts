import { hash } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, errors as jose, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';

/** The claims of a valid token. */
export interface Claims {
  readonly userId: string;
  readonly roles: readonly string[];
  /** The claim `aal` (authenticator assurance level) is `aal2`, as Supabase Auth sets it. */
  readonly secondFactor: boolean;
  /**
   * When the user last authenticated, in seconds since 1970: the newest time in `amr` (Supabase
   * Auth), else `auth_time` (OpenID Connect). Undefined when the token has neither or names a time
   * in the future.
   */
  readonly provenAt: number | undefined;
  /** Supabase Auth created this user without an address or password (`is_anonymous`). */
  readonly isAnonymous?: true;
  /** The e-mail address of the token's user, unless the token marks it as not verified. */
  readonly email?: string;
}

export interface TokenRules {
  readonly jwtSecret: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string;
}

/** The key set cannot be fetched, so the token could not be verified. */
export class KeySetUnavailable extends Error {
  constructor(cause: unknown) {
    super('the key set could not be fetched', { cause });
    this.name = 'KeySetUnavailable';
  }
}

/** Resolves to the claims of a token, undefined when it is invalid; throws KeySetUnavailable. */
export type TokenVerifier = (token: string) => Promise<Claims | undefined>;

const keySetAlgorithms = ['RS256', 'ES256', 'EdDSA'];
/** Allowed clock difference between the issuer and this machine. */
const clockToleranceSeconds = 5;
const keySetTimeoutMs = 2_000;
/** An unknown key id refetches the set at most once in this interval. */
const keySetCooldownMs = 30_000;
const keySetAgeMs = 600_000;
/** Maximum time that a verified token is cached, so that a revoked key stops working. */
const cacheMs = 300_000;
const rememberedTokens = 10_000;
const maxTokenLength = 8_192;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Creates the verifier of users' tokens. HS256 tokens are verified only with the secret, all
 * others only with the key set, so that a public key can never serve as a secret.
 */
export function tokenVerifier(rules: TokenRules, now: () => number = Date.now): TokenVerifier {
  const secret =
    rules.jwtSecret === undefined ? undefined : new TextEncoder().encode(rules.jwtSecret);
  const keySet = rules.jwksUrl === undefined ? undefined : remoteKeys(new URL(rules.jwksUrl));
  const remembered = new RememberedTokens(now);

  return async (token) => {
    if (token.length > maxTokenLength || rules.jwtIssuer === undefined) return undefined;
    const known = remembered.get(token);
    if (known) return known;
    const options: JWTVerifyOptions = {
      issuer: rules.jwtIssuer,
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

/** Returns the algorithm that the token names; it is untrusted until the token is verified. */
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

/** `iat` does not count: refreshing a token renews it without an authentication. */
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
 * Returns the roles of `app_metadata.role` and `app_metadata.roles`; users can edit
 * `user_metadata`.
 */
function rolesIn(metadata: unknown): readonly string[] {
  if (typeof metadata !== 'object' || metadata === null) return [];
  const { role, roles } = metadata as { role?: unknown; roles?: unknown };
  const all = [role, ...(Array.isArray(roles) ? (roles as unknown[]) : [])];
  return all.filter((one) => typeof one === 'string');
}

/**
 * Cache of verified tokens by hash, so that each signature is verified once; evicts the oldest
 * first.
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
