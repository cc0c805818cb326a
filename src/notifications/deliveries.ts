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

/** What came of one attempt; `result` is kept for whoever looks, and names nobody. */
export interface Outcome {
  readonly kind: 'delivered' | 'again' | 'failed' | 'dropped';
  readonly result: string;
}

/** One way on which deliveries leave. */
export interface Transport<C extends Claimed> {
  readonly channel: Channel;
  /** Attempts at the same time. */
  readonly concurrency: number;
  /** Seconds between attempts; after the last one the delivery has failed. */
  readonly waitsSeconds: readonly number[];
  claim(limit: number, leaseId: string, leaseSeconds: number): Promise<C[]>;
  /** Never throws. */
  attempt(claimed: C): Promise<Outcome>;
}

export interface DelivererOptions<C extends Claimed> {
  readonly db: Database;
  readonly log: Log;
  readonly carrier: Transport<C>;
  readonly onOutcome: (channel: Channel, outcome: Outcome['kind']) => void;
  /** Whether nothing may leave now: the database was restored, and may not be the real one. */
  readonly isHeld: () => boolean;
}

interface UnderWay<C extends Claimed> {
  readonly claimed: C;
  readonly leaseId: string;
  /** By the process's clock, in milliseconds. */
  readonly since: number;
}

/** How one attempt ended, to be written down. */
interface End<C extends Claimed> {
  readonly claimed: C;
  readonly leaseId: string;
  readonly status: DeliveryStatus;
  /** Seconds until the next attempt; null when it is over. */
  readonly wait: number | null;
  readonly result: string;
}

/** What a killed worker had begun is taken over after this; who lives says so before it ends. */
const leaseSeconds = 10;
const renewEveryMs = 3_000;
/** How often the outbox is looked into when nobody says that there is something. */
const pollMs = 1_000;
const retryMs = [2_000, 2_000] as const;
/** An end that could not be written is tried again after these; then the attempt is repeated. */
const endWaitsMs = [50, 200, 500, 1_000];

/** Seconds until the next attempt, with a fifth of jitter either way; null after the last one. */
export function retryDelay(
  attempts: number,
  waitsSeconds: readonly number[],
  chance: number = Math.random(),
): number | null {
  const wait = waitsSeconds[attempts - 1];
  return wait === undefined ? null : wait * (0.8 + 0.4 * chance);
}

/**
 * Takes deliveries that are due, attempts them, and writes down what came of it. An attempt is
 * leased: when its worker dies, the lease ends and another worker repeats it. What was sent but not
 * written down is therefore sent again, under the same id.
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
        options.log.warn({ err: error }, 'the outbox could not be read; trying again'),
      retryMs,
    });
  }

  start(): void {
    if (this.#loop.isStarted) return;
    this.#renewing = setInterval(() => void this.#renew(), renewEveryMs);
    this.#loop.start();
  }

  /** There may be something to deliver. */
  wake(): void {
    this.#loop.wake();
  }

  /** Takes nothing more and lets the attempts under way end. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#underWay.keys());
    clearInterval(this.#renewing);
  }

  async #take(): Promise<void> {
    const { carrier, isHeld } = this.#options;
    if (isHeld()) return;
    const free = carrier.concurrency - this.#underWay.size;
    const now = performance.now();
    const slow = [...this.#underWay.values()].filter(({ since }) => now - since > pollMs).length;
    // Several at a time: one that ends alone is not worth a question of its own. For what takes
    // long nobody waits.
    if (free === 0 || free < (carrier.concurrency - slow) / 2) return;
    const leaseId = newId();
    const claimed = await carrier.claim(free, leaseId, leaseSeconds);
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
      log.warn({ err: error }, 'deliveries under way could not be kept; others may repeat them');
    });
  }

  async #carry(claimed: C, leaseId: string): Promise<void> {
    const { carrier, onOutcome } = this.#options;
    const outcome = await carrier.attempt(claimed);
    const wait =
      outcome.kind === 'again' ? retryDelay(claimed.attempts, carrier.waitsSeconds) : null;
    const kind = outcome.kind === 'again' && wait === null ? 'failed' : outcome.kind;
    onOutcome(carrier.channel, kind);
    const status = kind === 'again' ? 'pending' : kind;
    this.#ends.push({ claimed, leaseId, status, wait, result: outcome.result.slice(0, 300) });
    this.#writing ??= this.#write();
    await this.#writing;
  }

  /**
   * Writes what came of attempts: those that end while one statement is on its way go with the
   * next. Writing an end twice changes nothing, because the lease is gone after the first time.
   */
  async #write(): Promise<void> {
    while (this.#ends.length > 0) {
      const ends = this.#ends.splice(0);
      try {
        await this.#writePatiently(ends);
      } catch (error) {
        // Whoever takes them after their lease does it again, under the same ids.
        const { log } = this.#options;
        log.warn({ err: error, count: ends.length }, 'deliveries were not written down');
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
