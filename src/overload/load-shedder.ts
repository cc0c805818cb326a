import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConcurrencyLimiter } from './concurrency-limit.ts';
import { credentialOf, VerifiedCredentials } from './credentials.ts';
import {
  isApiUrl,
  priorities,
  rank,
  routeClassOf,
  visitorPriority,
  type Claim,
  type Priority,
} from './priority.ts';
import { RejectionQueue } from './rejection-queue.ts';
import { RetryDelays, type RetryDelaysOptions } from './retry-delays.ts';
import { RetrySchedule } from './retry-schedule.ts';
import type { WaitingPlace, WaitingPlaces } from './waiting-place.ts';
import { WaitingRoom } from './waiting-room.ts';

/** What was assumed about an accepted request that needed a claim. */
export interface Acceptance {
  readonly claim: Claim | undefined;
  /** The session token or bearer token of the request. */
  readonly credential: string | undefined;
  /** True if the credential was valid at its last use. */
  readonly isKnown: boolean;
}

/**
 * The part of the share of pages that visitors may use whose turn in the waiting room has not come.
 */
const newcomerPart = 0.75;

/** A request of a visitor. */
interface Visit {
  /** The time of the request, in seconds since 1970. */
  readonly now: number;
  /** The visitor's place in the waiting room; undefined if the visitor has just arrived. */
  readonly place: WaitingPlace | undefined;
  readonly isDue: boolean;
}

/**
 * Decides which requests are accepted and which are rejected, before anything is verified. While
 * many requests are in flight, each request gets a priority (see `priority.ts`), and requests are
 * rejected from the lowest priority up. A client that pretends to be signed in gains little: such
 * requests may use only a small share of the concurrency limit until a request with the same
 * credential was authenticated. Among visitors, those get in first who have waited longest.
 */
export class LoadShedder {
  readonly #limiter: ConcurrencyLimiter;
  readonly #delays: RetryDelays;
  readonly #rejections = new RejectionQueue();
  readonly #verified = new VerifiedCredentials();
  readonly #schedules = new Map<Priority, RetrySchedule>(
    priorities.map((priority) => [priority, new RetrySchedule()]),
  );
  readonly #acceptances = new WeakMap<IncomingMessage, Acceptance>();
  readonly #places: WaitingPlaces;
  readonly #room = new WaitingRoom();

  constructor(limiter: ConcurrencyLimiter, places: WaitingPlaces, delays: RetryDelaysOptions) {
    this.#limiter = limiter;
    this.#places = places;
    this.#delays = new RetryDelays(delays);
  }

  /** The number of rejections that are not sent yet. */
  get waitingRejections(): number {
    return this.#rejections.size;
  }

  /** Returns true if the request is accepted. Otherwise it was answered, or will be. */
  accepts(request: IncomingMessage, response: ServerResponse, isDraining: boolean): boolean {
    if (this.#rejections.dropsNextOf(request)) return false;
    if (this.#limiter.hasRoomForAll()) return true;
    const { method = 'GET', url = '/', headers } = request;
    const routeClass = routeClassOf(method, url);
    if (routeClass === 'probe') return true;
    const credential = credentialOf(headers, isApiUrl(url));
    const isKnown = credential !== undefined && this.#verified.has(credential);
    const status = credential === undefined ? 'none' : isKnown ? 'verified' : 'unverified';
    let { priority, claim } = rank(routeClass, status, headers['user-agent']);
    if (claim !== undefined && !this.#limiter.hasRoomForClaim(claim)) {
      claim = undefined;
      priority = visitorPriority(headers['user-agent']);
    }
    const now = performance.now();
    const visit = priority === 'page' ? this.#visitOf(request) : undefined;
    const part = visit === undefined || visit.isDue ? 1 : newcomerPart;
    if (this.#limiter.hasRoom(priority, part)) {
      if (visit) this.#room.admit(visit.place, visit.now);
      this.#schedules.get(priority)!.accepted(now);
      if (claim ?? credential) this.#acceptances.set(request, { claim, credential, isKnown });
      return true;
    }
    this.#limiter.shed(priority);
    const retryAfterSeconds = this.#schedules.get(priority)!.nextSeconds(now);
    const delay = this.#delays.delayMs(request.socket, retryAfterSeconds, now);
    const placeCookie = visit && this.#keepPlace(request, visit);
    const rejection = { request, response, retryAfterSeconds, placeCookie, closes: isDraining };
    this.#rejections.add(rejection, delay);
    return false;
  }

  #visitOf({ headers }: IncomingMessage): Visit {
    const now = Math.floor(Date.now() / 1_000);
    const place = this.#places.read(headers.cookie, now);
    return { now, place, isDue: this.#room.isDue(place, now) };
  }

  /** Returns the cookie with the place of a visitor who is rejected; undefined for a program. */
  #keepPlace({ url = '/', headers }: IncomingMessage, visit: Visit): string | undefined {
    const { now, place = this.#places.create(now) } = visit;
    // The script of the site loads pages too; then the destination is empty.
    const isPage = /^(?:document|empty)$/.test(String(headers['sec-fetch-dest'] ?? 'document'));
    if (isApiUrl(url) || !isPage) return undefined;
    this.#room.reject(place, now);
    return this.#places.header(place, now);
  }

  /** Returns what was assumed about a request when it was accepted. */
  acceptanceOf(request: IncomingMessage): Acceptance | undefined {
    return this.#acceptances.get(request);
  }

  /** Records whether the credential of an accepted request was valid. */
  recordCredential({ credential, isKnown }: Acceptance, isValid: boolean): void {
    if (credential !== undefined && isValid !== isKnown) this.#verified.record(credential, isValid);
  }

  /** Sends all waiting rejections, because the server stops. */
  close(): void {
    this.#rejections.close();
  }
}
