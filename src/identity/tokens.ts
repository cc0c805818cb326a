import { hash } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, errors as jose, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';

/** What a valid token says of its bearer. */
export interface Claims {
  readonly userId: string;
  readonly roles: readonly string[];
  /** The claim `aal` (authenticator assurance level) is `aal2`, as Supabase Auth says it. */
  readonly secondFactor: boolean;
  /**
   * When the person last proved who they are, in seconds since 1970: the newest time in `amr`, as
   * Supabase Auth says it, else `auth_time` (OpenID Connect). Undefined: the token does not say, or
   * names a time in the future.
   */
  readonly provenAt: number | undefined;
  /** Supabase Auth made this user without any address or password (`is_anonymous`). */
  readonly isAnonymous?: true;
  /** The e-mail address of the token's user, unless the token says that it is not verified. */
  readonly email?: string;
}

export interface TokenRules {
  readonly jwtSecret: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string;
}

/** The key set cannot be fetched: the token is neither good nor bad, it could not be checked. */
export class KeySetUnavailable extends Error {
  constructor(cause: unknown) {
    super('the key set could not be fetched', { cause });
    this.name = 'KeySetUnavailable';
  }
}

/** Gives what the token says, undefined when it is not valid; throws KeySetUnavailable. */
export type TokenVerifier = (token: string) => Promise<Claims | undefined>;

const keySetAlgorithms = ['RS256', 'ES256', 'EdDSA'];
/** Clocks of the issuer and of this machine may differ by this much. */
const clockToleranceSeconds = 5;
const keySetTimeoutMs = 2_000;
/** An unknown key id refetches the set at most this often. */
const keySetCooldownMs = 30_000;
const keySetAgeMs = 600_000;
/** A verified token is believed this long at most, so that a withdrawn key stops working. */
const rememberedMs = 300_000;
const rememberedTokens = 10_000;
const longestToken = 8_192;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Builds the one check of users' tokens. A token signed with HS256 is checked with the secret
 * only, any other with the key set only, so a public key can never serve as a secret.
 */
export function tokenVerifier(rules: TokenRules, now: () => number = Date.now): TokenVerifier {
  const secret =
    rules.jwtSecret === undefined ? undefined : new TextEncoder().encode(rules.jwtSecret);
  const keySet = rules.jwksUrl === undefined ? undefined : remoteKeys(new URL(rules.jwksUrl));
  const remembered = new RememberedTokens(now);

  return async (token) => {
    if (token.length > longestToken || rules.jwtIssuer === undefined) return undefined;
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
      const payload = await verified(token, secret, keySet, options);
      const claims = payload && claimsOf(payload, now() / 1_000);
      if (claims) remembered.add(token, claims, payload.exp ?? 0);
      return claims;
    } catch (error) {
      if (error instanceof jose.JOSEError) return undefined;
      throw error;
    }
  };
}

async function verified(
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

/** The algorithm that the token names, not believed before it is verified. */
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

/** `iat` says nothing: a token that is refreshed has a new one, and nobody has proved anything. */
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

/** Roles from `app_metadata.role` and `app_metadata.roles`; `user_metadata` is the user's own. */
function rolesIn(metadata: unknown): readonly string[] {
  if (typeof metadata !== 'object' || metadata === null) return [];
  const { role, roles } = metadata as { role?: unknown; roles?: unknown };
  const all = [role, ...(Array.isArray(roles) ? (roles as unknown[]) : [])];
  return all.filter((one) => typeof one === 'string');
}

/** Verified tokens by their hash, so that the signature is checked once; the oldest leave first. */
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
    const until = Math.min(expiresAtSeconds * 1_000, this.#now() + rememberedMs);
    this.#entries.set(digest(token), { claims, until });
    if (this.#entries.size <= rememberedTokens) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

function digest(token: string): string {
  return hash('sha256', token, 'base64');
}
