import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import { newId } from '../identity/ids.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import {
  endAttempts,
  extendLeases,
  type Channel,
  type Claimed,
  type DeliveryStatus,
} from './delivery-queries.ts';

/**
 * The outcome of one attempt to send a delivery. `result` is stored, so that operators can read it;
 * it contains no personal data.
 */
export interface Outcome {
  readonly kind: 'delivered' | 'again' | 'failed' | 'dropped';
  readonly result: string;
}

/** A way to send deliveries: by e-mail or as webhooks. */
export interface Transport<C extends Claimed> {
  readonly channel: Channel;
  /** Maximum number of attempts that run at the same time. */
  readonly concurrency: number;
  /**
   * The delays between the attempts, in seconds. If the attempt after the last delay fails too, the
   * delivery has failed.
   */
  readonly waitsSeconds: readonly number[];
  claim(limit: number, leaseId: string, leaseSeconds: number): Promise<C[]>;
  /** Sends one delivery and returns the outcome. Never throws. */
  attempt(claimed: C): Promise<Outcome>;
}

export interface DelivererOptions<C extends Claimed> {
  readonly db: Database;
  readonly log: Log;
  readonly transport: Transport<C>;
  readonly onOutcome: (channel: Channel, outcome: Outcome['kind']) => void;
  /**
   * Returns true while the database is in quarantine after a restore. During this time, nothing is
   * sent.
   */
  readonly isQuarantined: () => boolean;
}

interface UnderWay<C extends Claimed> {
  readonly claimed: C;
  readonly leaseId: string;
  /** When the attempt started, by the monotonic clock of the process, in milliseconds. */
  readonly since: number;
}

/** The outcome of one attempt, in the form in which it is stored. */
interface End<C extends Claimed> {
  readonly claimed: C;
  readonly leaseId: string;
  readonly status: DeliveryStatus;
  /** Seconds until the next attempt; null when no further attempt follows. */
  readonly wait: number | null;
  readonly result: string;
}

/**
 * Duration of a lease in seconds. A running worker renews its leases. When a worker is killed, its
 * leases expire, and another worker repeats the attempts.
 */
const leaseSeconds = 10;
const renewEveryMs = 3_000;
/**
 * Interval in milliseconds between two polls of the outbox. A poll also finds deliveries for which
 * nobody has called `wake`.
 */
const pollMs = 1_000;
const retryMs = [2_000, 2_000] as const;
/**
 * Delays in milliseconds before the service tries again to store the outcomes of attempts. If the
 * outcomes cannot be stored at all, the attempts to send are repeated later.
 */
const endWaitsMs = [50, 200, 500, 1_000];

/**
 * Returns the seconds until the next attempt, with random jitter of 20 % more or less; null after
 * the last attempt.
 */
export function retryDelay(
  attempts: number,
  waitsSeconds: readonly number[],
  chance: number = Math.random(),
): number | null {
  const wait = waitsSeconds[attempts - 1];
  return wait === undefined ? null : wait * (0.8 + 0.4 * chance);
}

/**
 * Claims due deliveries, attempts them and stores the outcomes. A lease protects each attempt: when
 * the worker dies, the lease expires and another worker repeats the attempt. So a message can be
 * sent twice, with the same id: this happens if an attempt sent the message but its outcome was not
 * stored.
 */
export class Deliverer<C extends Claimed> implements Job {
  readonly #options: DelivererOptions<C>;
  readonly #loop: Loop;
  readonly #underWay = new Map<Promise<void>, UnderWay<C>>();
  #renewing: NodeJS.Timeout | undefined;
  readonly #ends: End<C>[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: DelivererOptions<C>) {
    this.#options = options;
    this.#loop = new Loop({
      pass: async () => {
        await this.#take();
        return pollMs;
      },
      onError: (error) =>
        options.log.warn({ err: error }, 'the outbox could not be read; retrying'),
      retryMs,
    });
  }

  start(): void {
    if (this.#loop.isStarted) return;
    this.#renewing = setInterval(() => void this.#renew(), renewEveryMs);
    this.#loop.start();
  }

  /** Polls the outbox at once. */
  wake(): void {
    this.#loop.wake();
  }

  /** From now on, claims no deliveries. Resolves when the attempts in progress have ended. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#underWay.keys());
    clearInterval(this.#renewing);
  }

  async #take(): Promise<void> {
    const { transport, isQuarantined } = this.#options;
    if (isQuarantined()) return;
    const free = transport.concurrency - this.#underWay.size;
    const now = performance.now();
    const slow = [...this.#underWay.values()].filter(({ since }) => now - since > pollMs).length;
    // Wait until several deliveries can be claimed in one query, because one query per delivery
    // takes too much time. Slots of slow attempts are not counted, so slow attempts do not delay
    // the next query.
    if (free === 0 || free < (transport.concurrency - slow) / 2) return;
    const leaseId = newId();
    const claimed = await transport.claim(free, leaseId, leaseSeconds);
    for (const one of claimed) {
      const run = this.#carry(one, leaseId).finally(() => {
        this.#underWay.delete(run);
        this.#loop.wake();
      });
      this.#underWay.set(run, { claimed: one, leaseId, since: performance.now() });
    }
  }

  async #renew(): Promise<void> {
    const all = [...this.#underWay.values()];
    if (all.length === 0) return;
    const { db, log } = this.#options;
    const renewed = db.rows(
      extendLeases,
      all.map(({ claimed }) => claimed.campaign_id),
      all.map(({ claimed }) => claimed.delivery_id),
      all.map(({ leaseId }) => leaseId),
      leaseSeconds,
    );
    await renewed.catch((error: unknown) => {
      log.warn({ err: error }, 'lease renewal failed; deliveries may be sent twice');
    });
  }

  async #carry(claimed: C, leaseId: string): Promise<void> {
    const { transport, onOutcome } = this.#options;
    const outcome = await transport.attempt(claimed);
    const wait =
      outcome.kind === 'again' ? retryDelay(claimed.attempts, transport.waitsSeconds) : null;
    const kind = outcome.kind === 'again' && wait === null ? 'failed' : outcome.kind;
    onOutcome(transport.channel, kind);
    const status = kind === 'again' ? 'pending' : kind;
    this.#ends.push({ claimed, leaseId, status, wait, result: outcome.result.slice(0, 300) });
    this.#writing ??= this.#write();
    await this.#writing;
  }

  /**
   * Stores the outcomes of attempts in batches. Outcomes that arrive while a batch is being stored
   * form the next batch. Storing an outcome a second time changes nothing, because the lease was
   * released when the outcome was stored first.
   */
  async #write(): Promise<void> {
    while (this.#ends.length > 0) {
      const ends = this.#ends.splice(0);
      try {
        await this.#writePatiently(ends);
      } catch (error) {
        // After the leases have expired, a worker repeats these attempts with the same message ids.
        const { log } = this.#options;
        log.warn(
          { err: error, count: ends.length },
          'delivery outcomes could not be stored; the deliveries may be sent twice',
        );
      }
    }
    this.#writing = undefined;
  }

  async #writePatiently(ends: readonly End<C>[]): Promise<void> {
    for (const pause of [...endWaitsMs, undefined]) {
      try {
        await this.#options.db.rows(
          endAttempts,
          ends.map(({ claimed }) => claimed.campaign_id),
          ends.map(({ claimed }) => claimed.delivery_id),
          ends.map(({ leaseId }) => leaseId),
          ends.map(({ status }) => status),
          ends.map(({ wait }) => wait),
          ends.map(({ result }) => result),
        );
        return;
      } catch (error) {
        if (pause === undefined) throw error;
        await sleep(pause);
      }
    }
  }
}
