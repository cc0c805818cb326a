import type { FastifyRequest } from 'fastify';
import { limits } from '../config/limits.ts';
import { DomainError } from '../errors/errors.ts';
import { networkOf } from '../http/authentication.ts';

const maxStreamsOfUser = limits.streamsOfUser.max;
/**
 * The number of seconds in the header Retry-After for an account with too many streams. After this
 * time, one of the streams may have ended.
 */
const retrySeconds = 10;

/**
 * Counts the open event streams of this process. Limits the number of streams per network and per
 * account.
 */
export class StreamQuota {
  readonly #maxStreams: number;
  readonly #onCount: (open: number) => void;
  /**
   * Number of open streams by network and by account. A stream of a signed-in user counts for both.
   */
  readonly #streamsBy = new Map<string, number>();
  #open = 0;

  /** Calls `onCount` with the number of open streams whenever that number changes. */
  constructor(maxStreams: number, onCount: (open: number) => void) {
    this.#maxStreams = maxStreams;
    this.#onCount = onCount;
  }

  /**
   * Counts one more stream. Returns its network and account; pass them to `release` when the stream
   * ends. Throws `overloaded` or `rate_limited`.
   */
  acquire(request: FastifyRequest): readonly string[] {
    const network = networkOf(request.ip);
    const account = accountOf(request);
    // The streams of one network must not be more than the streams that are still free. So clients
    // of other networks can always connect.
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

  /** Removes a stream from the counts of its network and account. */
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

/**
 * Returns the account whose token opened the stream; undefined for visitors and for the service
 * token.
 */
function accountOf({ actor }: FastifyRequest): string | undefined {
  return actor.kind === 'user' || actor.kind === 'operator' ? `user:${actor.userId}` : undefined;
}
