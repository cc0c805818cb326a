import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { sendOverloadResponse, type OverloadRejection } from './overload-response.ts';

/** Interval at which due rejections are sent, in milliseconds. */
const sendEveryMs = 25;

/**
 * Maximum number of waiting rejections. Each needs a few kilobytes. When it is reached, further
 * rejections are sent after the shortest delay.
 */
const maxWaiting = 5_000;

/** A request that is rejected. */
export interface Rejection extends OverloadRejection {
  /** Closes the connection after the response. */
  readonly closes: boolean;
}

interface Waiting extends Rejection {
  readonly dueAt: number;
}

/**
 * Sends the rejections of overload, at once or after a delay. While a rejection waits, no further
 * request of its connection is processed: requests that a client has sent without waiting for the
 * answer (pipelining) are dropped, and the connection is closed after the rejection. So each
 * connection has at most one waiting rejection.
 */
export class RejectionQueue {
  readonly #bySocket = new Map<Socket, Waiting>();
  /** The waiting rejections by delay. Rejections with the same delay are due in their order. */
  readonly #byDelay = new Map<number, Waiting[]>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** The number of rejections that are not sent yet. */
  get size(): number {
    return this.#bySocket.size;
  }

  /**
   * Drops a request whose connection has a waiting rejection. Returns false if there is none, so
   * that the request must be processed.
   */
  dropsNextOf({ socket }: IncomingMessage): boolean {
    if (this.#bySocket.size === 0) return false;
    const waiting = this.#bySocket.get(socket);
    if (waiting === undefined) return false;
    waiting.response.shouldKeepAlive = false;
    socket.pause();
    return true;
  }

  /** Sends a rejection after this delay in milliseconds; 0 means at once. */
  add(rejection: Rejection, delayMs: number): void {
    if (this.#isClosed || delayMs === 0) {
      send(rejection, this.#isClosed);
      return;
    }
    const delay = this.#bySocket.size < maxWaiting ? delayMs : sendEveryMs;
    const waiting = { ...rejection, dueAt: performance.now() + delay };
    this.#bySocket.set(rejection.request.socket, waiting);
    const queue = this.#byDelay.get(delay);
    if (queue) queue.push(waiting);
    else this.#byDelay.set(delay, [waiting]);
    this.#timer ??= setInterval(this.#sendDue, sendEveryMs);
  }

  /**
   * Sends all waiting rejections at once and closes their connections, because the server stops.
   * Later rejections are sent without delay.
   */
  close(): void {
    this.#isClosed = true;
    this.#sendUntil(Infinity);
  }

  readonly #sendDue = (): void => this.#sendUntil(performance.now());

  #sendUntil(time: number): void {
    for (const [delay, queue] of this.#byDelay) {
      const later = queue.findIndex(({ dueAt }) => dueAt > time);
      const due = later < 0 ? queue : queue.splice(0, later);
      if (later < 0) this.#byDelay.delete(delay);
      for (const rejection of due) {
        this.#bySocket.delete(rejection.request.socket);
        send(rejection, this.#isClosed);
      }
    }
    if (this.#bySocket.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function send(rejection: Rejection, isLast: boolean): void {
  const { request, response, closes } = rejection;
  if (request.socket.destroyed) return;
  if (closes || isLast) response.shouldKeepAlive = false;
  sendOverloadResponse(rejection);
}
