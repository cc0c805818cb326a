import { setTimeout as sleep } from 'node:timers/promises';
import { isWithoutConnection } from '../database/errors.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import type { Tx } from '../database/transaction.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';
import type { ChangeNotifier } from './change-notifier.ts';
import * as sql from './queries.ts';

/** Handles the next events of a campaign, in the transaction that moves the campaign's cursor. */
export type EventHandler = (
  tx: Tx,
  campaignId: string,
  events: readonly sql.AuditRow[],
) => Promise<void>;

export interface EventConsumerOptions {
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Log;
  readonly handle: EventHandler;
  /** Called after the commit of each batch of events. */
  readonly onHandled?: () => void;
  /** Reports whether more important work is in progress; if so, the consumer waits. */
  readonly load?: LoadSignal;
}

/** Shows whether this process is overloaded. While it is, the consumer postpones its work. */
export interface LoadSignal {
  isOverloaded(): boolean;
  /** Maximum postponement in milliseconds. After it the consumer works at half speed. */
  readonly maxDelayMs: number;
}

/**
 * Maximum number of events per transaction: enough that they share one commit, few enough to keep
 * them in memory.
 */
const maxEvents = 500;
/** Number of campaigns whose events are processed at the same time. */
const slots = 2;
/** Maximum number of changed campaigns that are remembered. The sweep finds the others. */
const maxPending = 10_000;
/**
 * Delay in milliseconds from a notification to the next pass, because notifications arrive in
 * bursts under load.
 */
const wakeDelayMs = 50;
/**
 * Milliseconds before the next attempt, when another worker has locked the cursor or the batch
 * failed.
 */
const lockedWaitMs = 250;
/**
 * Number of campaigns that each query of a sweep checks. The sweep finds campaigns whose
 * notification was lost.
 */
const sweepBatchSize = 5_000;
/**
 * Time between two sweeps in milliseconds, and so the longest delay after a lost notification. It
 * is shorter where the database sends no notifications.
 */
const sweepIntervalMs = { withListen: 30_000, withoutListen: 3_000 };
const retryMs = [1_000, 1_000] as const;
const overloadedWaitMs = 250;

/**
 * Gives every audit event to a handler once, in order within its campaign. Each campaign has its
 * own cursor, because a single cursor over all rows would skip a row that is committed late. The
 * cursor moves in the transaction of the handler's writes, so either both happen or neither.
 * Several processes may run a consumer: only one at a time can lock the cursor of a campaign.
 */
export class EventConsumer implements Job {
  readonly #options: EventConsumerOptions;
  readonly #loop: Loop;
  /** Mutex of drain() and the background loop. */
  readonly #mutex = new SerialQueue();
  #waiting = new Set<string>();
  #sweepDueAt = 0;
  #overloadedSince: number | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: EventConsumerOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) => this.#onFailure(error),
      retryMs,
    });
  }

  /** The reason why the consumer is not working, or null. */
  get failure(): string | null {
    return this.#loop.failure;
  }

  start(): void {
    if (this.#loop.isStarted) return;
    this.#sweepDueAt = 0;
    this.#unsubscribe = this.#options.changeNotifier.onChange((campaignId) =>
      this.#onChanged(campaignId),
    );
    this.#loop.markRunning();
    this.#loop.start();
  }

  /** Resolves when the transactions in progress have ended. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#loop.stop();
  }

  /** Processes all events that exist now; for tests and commands. Throws the first failure. */
  async drain(): Promise<void> {
    await this.#mutex.run(async () => {
      await this.#sweep();
      while (this.#waiting.size > 0) {
        const locked = await this.#handleWaiting();
        // Wait before trying again while another worker has locked a cursor.
        if (locked && this.#waiting.size > 0) await sleep(lockedWaitMs);
      }
    });
  }

  #onChanged(campaignId: string | null): void {
    if (campaignId === null || this.#waiting.size >= maxPending) this.#sweepDueAt = 0;
    else this.#waiting.add(campaignId);
    this.#loop.wake(wakeDelayMs);
  }

  async #pass(): Promise<number> {
    // Wait inside the pass, so that an earlier failure stays in the status until events are
    // processed again.
    while (await this.#waitForLoad()) if (this.#loop.isStopping) return 0;
    const sweepInterval = this.#options.db.canListen
      ? sweepIntervalMs.withListen
      : sweepIntervalMs.withoutListen;
    const begin = performance.now();
    const locked = await this.#mutex.run(async () => {
      if (performance.now() >= this.#sweepDueAt) {
        this.#sweepDueAt = performance.now() + sweepInterval;
        await this.#sweep();
      }
      return await this.#handleWaiting();
    });
    if (this.#overloadedSince !== undefined) await sleep(performance.now() - begin);
    if (this.#waiting.size > 0) return locked ? lockedWaitMs : 0;
    return Math.max(0, this.#sweepDueAt - performance.now());
  }

  #onFailure(error: unknown): void {
    this.#options.log.warn({ err: error }, 'event consumer failed; it will retry');
    this.#sweepDueAt = 0;
  }

  /**
   * While the process is overloaded, sleeps briefly and returns true, until the maximum delay has
   * passed. Otherwise returns false.
   */
  async #waitForLoad(): Promise<boolean> {
    const { load } = this.#options;
    if (load === undefined || !load.isOverloaded()) {
      this.#overloadedSince = undefined;
      return false;
    }
    this.#overloadedSince ??= performance.now();
    if (performance.now() - this.#overloadedSince > load.maxDelayMs) return false;
    await sleep(overloadedWaitMs);
    return true;
  }

  /** Searches all campaigns for unread events, a limited number per query. */
  async #sweep(): Promise<void> {
    for (let after: string | null = null; ;) {
      const step: { last: string | null; checked: number; behind: string[] } =
        await this.#options.db.one(sql.lagging, after, sweepBatchSize);
      for (const campaignId of step.behind) this.#waiting.add(campaignId);
      if (step.checked < sweepBatchSize || this.#loop.isStopping) return;
      if (this.#waiting.size >= maxPending) await this.#handleWaiting();
      after = step.last;
    }
  }

  /**
   * Processes one batch of events for each remembered campaign. Returns true when another worker
   * has locked the cursor of one of them. A campaign that fails does not stop the others. Its error
   * is thrown at the end, or at once when the database is unavailable; the next sweep finds the
   * campaign again.
   */
  async #handleWaiting(): Promise<boolean> {
    const current = this.#waiting;
    this.#waiting = new Set();
    const next = current.values();
    let locked = false;
    const failures: unknown[] = [];
    const runSlot = async (): Promise<void> => {
      for (const campaignId of next) {
        if (this.#loop.isStopping) return;
        try {
          const handled = await this.#handleNext(campaignId);
          if (handled !== 'all') this.#waiting.add(campaignId);
          if (handled === 'locked') locked = true;
        } catch (error) {
          if (isWithoutConnection(error)) throw error;
          failures.push(error);
        }
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: slots }, runSlot));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    if (failures.length > 0) throw failures[0];
    return locked;
  }

  /** Processes the next batch of events of one campaign. */
  async #handleNext(campaignId: string): Promise<'all' | 'some' | 'locked'> {
    const { db, handle, onHandled } = this.#options;
    const handled = await db.transaction(async (tx) => {
      const cursor = await this.#cursorOf(tx, campaignId);
      if (cursor === undefined) return 'locked';
      const events = await tx.rows(sql.auditAfter, campaignId, cursor, maxEvents);
      const last = events.at(-1);
      if (last === undefined) return 'all';
      await handle(tx, campaignId, events);
      await tx.rows(sql.moveCursor, campaignId, last.seq);
      return events.length < maxEvents ? 'all' : 'some';
    });
    if (handled !== 'locked') onHandled?.();
    return handled;
  }

  async #cursorOf(tx: Tx, campaignId: string): Promise<bigint | undefined> {
    const found = await tx.maybe(sql.lockCursor, campaignId);
    if (found !== undefined) return found.seq;
    // Creates the cursor. If another worker is creating it now, this waits for that worker, at most
    // for one batch.
    await tx.rows(sql.makeCursor, campaignId);
    return (await tx.maybe(sql.lockCursor, campaignId))?.seq;
  }
}
