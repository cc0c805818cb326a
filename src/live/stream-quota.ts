import type { FastifyRequest } from 'fastify';
import { limits } from '../config/limits.ts';
import { DomainError } from '../errors/errors.ts';
import { networkOf } from '../http/authentication.ts';

const maxStreamsOfUser = limits.streamsOfUser.max;
/** Retry-After of an account with too many streams; one of them may have ended by then. */
const retrySeconds = 10;

/** Counts the open event streams of this process, and limits them by network and by account. */
export class StreamQuota {
  readonly #maxStreams: number;
  readonly #onCount: (open: number) => void;
  /** Number of streams by the network or account that opened them. */
  readonly #streamsBy = new Map<string, number>();
  #open = 0;

  /** `onCount` is called with the number of open streams whenever it changes. */
  constructor(maxStreams: number, onCount: (open: number) => void) {
    this.#maxStreams = maxStreams;
    this.#onCount = onCount;
  }

  /**
   * Counts one more stream. Returns its owners, for `release`. Throws `overloaded` or
   * `rate_limited`.
   */
  acquire(request: FastifyRequest): readonly string[] {
    const network = networkOf(request.ip);
    const account = accountOf(request);
    // A network may use at most half of the streams that are left, so that others can always
    // connect.
    if (this.#openBy(network) >= this.#maxStreams - this.#open) {
      throw new DomainError('overloaded', {});
    }
    if (account !== undefined && this.#openBy(account) >= maxStreamsOfUser) {
      throw new DomainError('rate_limited', { retry_after_seconds: retrySeconds });
    }
    const owners = account === undefined ? [network] : [network, account];
    this.#count(owners, 1);
    return owners;
  }

  /** Takes back a stream that `acquire` counted. */
  release(owners: readonly string[]): void {
    this.#count(owners, -1);
  }

  #openBy(owner: string): number {
    return this.#streamsBy.get(owner) ?? 0;
  }

  #count(owners: readonly string[], change: number): void {
    for (const owner of owners) {
      const open = this.#openBy(owner) + change;
      if (open === 0) this.#streamsBy.delete(owner);
      else this.#streamsBy.set(owner, open);
    }
    this.#open += change;
    this.#onCount(this.#open);
  }
}

/** Returns the account whose token opens the stream; undefined for visitors and services. */
function accountOf({ actor }: FastifyRequest): string | undefined {
  return actor.kind === 'user' || actor.kind === 'operator' ? `user:${actor.userId}` : undefined;
}
