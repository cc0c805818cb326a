import type { Socket } from 'node:net';
import { networkOf } from '../http/authentication.ts';

/**
 * Delays of a rejection in milliseconds: of a client that obeys `Retry-After`, and of one that has
 * sent its request too early once, twice, three times, and more often without interruption.
 *
 * A client that obeys is answered at once. The delay of the others keeps iterations of the event
 * loop short: libuv reads as long as data arrives, and a client that retries at once would send its
 * next request before libuv has read the requests of all other clients.
 */
export const retryDelaysMs = [0, 25, 250, 1_000, 2_000] as const;

/** A request may arrive this much earlier than `Retry-After` demands, in milliseconds. */
const toleranceMs = 50;

/**
 * Maximum number of closed connections that are remembered. Each needs about a hundred bytes. When
 * it is reached, the oldest are forgotten.
 */
const maxClosed = 10_000;

/** Options of the delays. */
export interface RetryDelaysOptions {
  /** Returns true for the address of a trusted proxy. */
  readonly isProxy: (address: string) => boolean;
  /** Replaces `retryDelaysMs`. */
  readonly delaysMs?: readonly number[] | undefined;
}

/** What is known about a connection on which a request was rejected. */
interface History {
  /** The time before which the client should not send a request again. */
  retryAt: number;
  /** The number of successive requests that came too early. */
  early: number;
}

/**
 * Computes how long a rejection is delayed. A client that sends requests earlier than `Retry-After`
 * permits is answered later and later. A client is identified by its connection, so people behind
 * one address do not delay each other. A client cannot avoid the delay with a new connection: if
 * somebody closes a connection too early, the next new connection of the same network (IPv6: /64)
 * inherits its history. Only rejections are delayed; an accepted request never is.
 *
 * Connections of a trusted proxy serve many clients, so their rejections get the shortest delay,
 * whoever sent the request. The proxy must limit its clients.
 */
export class RetryDelays {
  readonly #isProxy: (address: string) => boolean;
  readonly #delaysMs: readonly number[];
  readonly #histories = new WeakMap<Socket, History>();
  /** The histories of connections that were closed too early, by network. */
  readonly #closed = new Map<string, History[]>();
  #closedCount = 0;

  constructor({ isProxy, delaysMs = retryDelaysMs }: RetryDelaysOptions) {
    this.#isProxy = isProxy;
    this.#delaysMs = delaysMs;
  }

  /** The number of closed connections that are remembered. */
  get remembered(): number {
    return this.#closedCount;
  }

  /**
   * Returns the delay, in milliseconds, of the rejection of a request that has just arrived on this
   * connection. `now` is in milliseconds.
   */
  delayMs(socket: Socket, retryAfterSeconds: number, now: number): number {
    const address = socket.remoteAddress ?? '';
    if (this.#isProxy(address)) return this.#delay(1);
    let history = this.#histories.get(socket);
    if (history === undefined) {
      history = this.#inherit(networkOf(address), now);
      this.#histories.set(socket, history);
      const kept = history;
      socket.once('close', () => this.#remember(networkOf(address), kept));
    }
    history.early = now < history.retryAt ? history.early + 1 : 0;
    const delay = this.#delay(history.early);
    history.retryAt = now + delay + retryAfterSeconds * 1_000 - toleranceMs;
    return delay;
  }

  #delay(early: number): number {
    return this.#delaysMs[Math.min(early, this.#delaysMs.length - 1)]!;
  }

  #inherit(network: string, now: number): History {
    const closed = this.#closed.get(network);
    const last = closed?.pop();
    if (last === undefined) return { retryAt: 0, early: 0 };
    this.#closedCount--;
    if (last.retryAt > now) return last;
    // The last history is the newest, so the others have expired too.
    this.#closedCount -= closed!.length;
    this.#closed.delete(network);
    return { retryAt: 0, early: 0 };
  }

  #remember(network: string, history: History): void {
    if (history.retryAt <= performance.now()) return;
    while (this.#closedCount >= maxClosed) {
      const [oldest, histories] = this.#closed.entries().next().value!;
      this.#closedCount -= histories.length;
      this.#closed.delete(oldest);
    }
    const closed = this.#closed.get(network);
    if (closed) closed.push(history);
    else this.#closed.set(network, [history]);
    this.#closedCount++;
  }
}
