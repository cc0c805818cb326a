import { setTimeout as sleep } from 'node:timers/promises';
import { isWithoutConnection } from '../database/errors.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import type { Tx } from '../database/transaction.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';
import type { ChangeNotifier } from './change-notifier.ts';
import * as sql from './queries.ts';

/** Handles a campaign's next events inside the transaction that moves its cursor. */
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
  /** Called after each committed batch. */
  readonly onHandled?: () => void;
  /** Work with priority; the consumer waits for it. */
  readonly load?: LoadSignal;
}

/** Load signal: the consumer postpones its work while this process is overloaded. */
export interface LoadSignal {
  isOverloaded(): boolean;
  /** Maximum delay in milliseconds; after it the consumer runs at half speed. */
  readonly maxDelayMs: number;
}

/** Events per transaction: enough to share a commit, few enough to hold in memory. */
const maxEvents = 500;
/** Campaigns processed at the same time. */
const slots = 2;
/** Maximum number of notified campaigns kept in memory; the sweep finds the others. */
const maxPending = 10_000;
/** Debounce: notifications arrive in bursts under load. */
const wakeDelayMs = 50;
/** Retry interval when another worker holds the cursor or the batch failed. */
const lockedWaitMs = 250;
/** Campaigns per step of the sweep that finds lost notifications. */
const sweepBatchSize = 5_000;
/**
 * Interval between sweeps, in milliseconds: the maximum delay after a lost notification. Shorter
 * where the database sends no notifications.
 */
const sweepIntervalMs = { withListen: 30_000, withoutListen: 3_000 };
const retryMs = [1_000, 1_000] as const;
const overloadedWaitMs = 250;

/**
 * Consumes every audit event once, in order within its campaign. Each campaign has its own cursor:
 * a single cursor over all rows would skip a row that commits late. The cursor moves in the
 * transaction of the handler's writes, so both happen or neither does. Several processes may
 * consume: one of them locks each cursor.
 */
export class EventConsumer implements Job {
  readonly #options: EventConsumerOptions;
  readonly #loop: Loop;
  /** drain() and the background loop share this mutex. */
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

  /** The reason why the consumer makes no progress, or null. */
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

  /** Resolves after the transactions in progress. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#loop.stop();
  }

  /** Processes everything available now; for tests and commands. Throws the first failure. */
  async drain(): Promise<void> {
    await this.#mutex.run(async () => {
      await this.#sweep();
      while (this.#waiting.size > 0) {
        const locked = await this.#handleWaiting();
        // The background loop retries the rest.
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
    // Within the pass: what failed before stays in the status until events are handled again.
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
   * Back-pressure: sleeps a moment and returns true while the process is overloaded, up to the
   * maximum delay.
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

  /** Sweeps all campaigns for unread events, step by step. */
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
   * Processes one batch of each waiting campaign. Returns true when another worker holds some of
   * them. A campaign that fails does not stop the others: its error is thrown at the end, or at
   * once when the database is down, and the next sweep finds the campaign again.
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

  /** Processes one campaign's next batch. */
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
    // Waits for another worker that creates it at this moment; no longer than one batch.
    await tx.rows(sql.makeCursor, campaignId);
    return (await tx.maybe(sql.lockCursor, campaignId))?.seq;
  }
}
