import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { cookies } from '../http/cookies.ts';

/** Maximum number of credentials that are remembered. Each needs about a hundred bytes. */
const maxCredentials = 20_000;
/** A longer header is not taken for a credential. */
const maxLength = 4_096;
const sessionCookie = new RegExp(`(?:^|; *)(?:__Host-)?${cookies.session.name}=([^; ]+)`);

/**
 * Returns the bearer token or, for a page, the session token of a request, before anything is
 * verified. The API accepts no session tokens.
 */
export function credentialOf(
  { authorization, cookie }: IncomingHttpHeaders,
  isOfApi: boolean,
): string | undefined {
  const session = isOfApi || cookie === undefined ? undefined : sessionCookie.exec(cookie)?.[1];
  const found = authorization ?? session;
  return found !== undefined && found.length <= maxLength ? found : undefined;
}

/**
 * Remembers which credentials were valid at their last use, so that a request with such a
 * credential gets its priority before it is authenticated. Only hashes are stored. When the memory
 * is full, the oldest credential is forgotten.
 */
export class VerifiedCredentials {
  readonly #hashes = new Set<string>();

  /** The number of credentials that are remembered. */
  get size(): number {
    return this.#hashes.size;
  }

  /** Returns true if this credential was valid at its last use. */
  has(credential: string): boolean {
    return this.#hashes.has(digest(credential));
  }

  /** Records whether a credential was valid. */
  record(credential: string, isValid: boolean): void {
    const key = digest(credential);
    this.#hashes.delete(key);
    if (!isValid) return;
    if (this.#hashes.size >= maxCredentials) {
      for (const oldest of this.#hashes) {
        this.#hashes.delete(oldest);
        break;
      }
    }
    this.#hashes.add(key);
  }
}

function digest(credential: string): string {
  return hash('sha256', credential, 'base64url');
}
