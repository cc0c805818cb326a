import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { cookieName, cookies } from '../http/cookies.ts';

/** A visitor's place in the waiting room. The earlier the arrival, the better the place. */
export interface WaitingPlace {
  /** The time of the visitor's first rejection, in seconds since 1970. */
  readonly arrivedAt: number;
  /** Distinguishes visitors who arrived in the same second. */
  readonly id: string;
}

/** A place is lost this long after the last rejection: the visitor has left, or has got in. */
export const placeSeconds = 120;
/** After this time in the waiting room the place gets no better. */
export const maxWaitSeconds = 1_800;

const idBytes = 9;
const macLength = 22;
const found = new RegExp(
  `(?:^|; *)(?:__Host-)?${cookies.waitingPlace.name}=` +
    `([0-9a-z]{1,8})\\.([0-9a-z]{1,8})\\.([\\w-]{12})\\.([\\w-]{${macLength}})(?:;|$)`,
);

/**
 * Stores the place of a visitor in a signed cookie, so that the server stores nothing and all
 * processes with the same service key know the place. Forged, changed and expired cookies have no
 * effect.
 */
export class WaitingPlaces {
  readonly #key: Buffer;
  readonly #name: string;
  readonly #attributes: string;

  constructor(serviceKey: string, isSecure: boolean) {
    this.#key = Buffer.from(hkdfSync('sha256', serviceKey, '', 'sambatan waiting room', 32));
    this.#name = cookieName(cookies.waitingPlace, isSecure);
    const secure = isSecure ? '; Secure' : '';
    this.#attributes = `; Max-Age=${placeSeconds}; Path=/; HttpOnly${secure}; SameSite=Lax`;
  }

  /** Returns the place from a `Cookie` header; undefined if it has no valid one. */
  read(cookieHeader: string | undefined, now: number): WaitingPlace | undefined {
    if (cookieHeader === undefined) return undefined;
    const [, arrived = '', seen = '', id = '', mac = ''] = found.exec(cookieHeader) ?? [];
    if (mac === '') return undefined;
    const arrivedAt = Number.parseInt(arrived, 36);
    const seenAt = Number.parseInt(seen, 36);
    if (seenAt + placeSeconds < now || seenAt > now + placeSeconds) return undefined;
    const right = this.#sign(`${arrived}.${seen}.${id}`);
    if (!timingSafeEqual(Buffer.from(mac), Buffer.from(right))) return undefined;
    return { arrivedAt: Math.max(arrivedAt, now - maxWaitSeconds), id };
  }

  /** Returns the place of a visitor who arrives at this time, in seconds since 1970. */
  create(now: number): WaitingPlace {
    return { arrivedAt: now, id: randomBytes(idBytes).toString('base64url') };
  }

  /** Returns the `Set-Cookie` header for a visitor who is rejected at this time. */
  header({ arrivedAt, id }: WaitingPlace, now: number): string {
    const value = `${arrivedAt.toString(36)}.${now.toString(36)}.${id}`;
    return `${this.#name}=${value}.${this.#sign(value)}${this.#attributes}`;
  }

  #sign(value: string): string {
    return createHmac('sha256', this.#key).update(value).digest('base64url').slice(0, macLength);
  }
}
