import type { ChangeNotifier } from '../audit/change-notifier.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import { DomainError } from '../errors/errors.ts';
import { newId } from '../identity/ids.ts';
import type { Metrics } from '../observability/metrics.ts';
import { settleDue, type Transition } from './due.ts';
import * as sql from './queries.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';
import { traced, type Trace } from '../observability/trace.ts';

export interface SchedulerOptions {
  /** Where there are traces, each run is one. */
  readonly trace?: Trace | undefined;
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Minutes between sweeps. */
  readonly intervalMinutes: number;
  /** Whether buyers have a provider to pay through. */
  readonly paysOnline?: boolean;
  /** This process's clock; tests set it wrong. */
  readonly clock?: () => Date;
}

/** What one run did. */
export interface Run {
  readonly executedAt: Date;
  readonly transitions: readonly Transition[];
}

export interface SchedulerStatus {
  readonly isRunning: boolean;
  readonly nextRunTime: Date | null;
  readonly intervalMinutes: number;
  readonly lastRun: Run | null;
  /** Why it does not run, if it does not. */
  readonly failure: string | null;
}

interface RunOptions {
  readonly completeFull: boolean;
  readonly stop?: AbortSignal;
}

/** It looks again after this long at the latest: what a lost poke can cost. */
const longestWaitMs = 5_000;
/** Pokes come in crowds during a flash crowd; they make it look at most this often. */
const wakeDelayMs = 100;
/** Due, but another holds it or it fails: looked at again after this long, doubling. */
const heldWaitMs = 100;
/** Less than the longest wait, so that every long rest is followed by a sign of life. */
const beatMs = 4_000;
/** Shipped campaigns looked at in one sweep, and orders received in one short transaction. */
const campaignsAtOnce = 1_000;
const ordersAtOnce = 200;
/** Back-off while it cannot run. */
const retryMs = [1_000, 30_000] as const;
/**
 * Nothing is closed while the clocks of the database and of this process differ by more: whatever was
 * closed too early would be closed for good. The database's functions check it once more.
 */
const maxClockOffsetMs = 30_000;

/**
 * Opens and closes campaigns at their time. It rests until the next campaign is due by the
 * database's clock, and looks anew when campaigns change; a sweep every few minutes finds whatever
 * else is overdue and completes full campaigns. When it cannot start, or the database goes away, it
 * says so and keeps trying.
 */
export class Scheduler implements Job {
  readonly #options: SchedulerOptions;
  readonly #workerId = newId();
  readonly #loop: Loop;
  /** One run at a time in this process. */
  readonly #turns = new SerialQueue();
  // By a clock that nobody sets: a machine's own may jump.
  #nextSweepAt = 0;
  #nextTidyAt = 0;
  #beatAt = -Infinity;
  #lastRun: Run | undefined;
  /** Tells `start` that the worker is registered, or that it cannot be. */
  #onRegistered: () => void = () => undefined;
  /** Looks in a row that found campaigns due and could settle none. */
  #fruitless = 0;
  #forget: (() => void) | undefined;
  /** Whether it ran since it last failed or was started. */
  #wasRunning = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: (signal) => this.#pass(signal),
      onError: (error, waitMs) => this.#failed(error, waitMs),
      retryMs,
    });
  }

  status(): SchedulerStatus {
    const { failure } = this.#loop;
    const isRunning = failure === null;
    return {
      isRunning,
      nextRunTime: isRunning ? new Date(Date.now() + this.#nextSweepAt - performance.now()) : null,
      intervalMinutes: this.#options.intervalMinutes,
      lastRun: this.#lastRun ?? null,
      failure,
    };
  }

  /** Whether campaigns are being opened or closed just now. */
  get isBusy(): boolean {
    return this.#turns.areTaken;
  }

  /**
   * Starts, or begins to try to, and says in its status which. Does not wait for what is due now: a
   * service that was away for long answers requests meanwhile. Never throws.
   */
  async start(): Promise<void> {
    if (this.#loop.isStarted) return;
    this.#nextSweepAt = performance.now();
    this.#beatAt = -Infinity;
    this.#wasRunning = false;
    this.#forget = this.#options.changeNotifier.onChange((campaignId) => {
      // Null: the database was away, and is back.
      if (this.#loop.failure === null || campaignId === null) this.#loop.wake(wakeDelayMs);
    });
    const { promise: registered, resolve } = Promise.withResolvers<void>();
    this.#onRegistered = resolve;
    this.#loop.start();
    await registered;
  }

  /** Something fell due that no campaign's own change tells of: it looks at once. */
  wake(): void {
    if (this.#loop.failure === null) this.#loop.wake(wakeDelayMs);
  }

  /** Ends after the transactions under way. */
  async stop(): Promise<void> {
    if (!this.#loop.isStarted) return;
    this.#forget?.();
    await this.#loop.stop();
    await this.#turns.ended();
    this.#options.metrics.schedulerRunning.set(0);
    // Another worker's view of who lives gets better, but nothing depends on it.
    await this.#options.db.rows(sql.removeWorker, this.#workerId).catch(() => undefined);
  }

  /**
   * A sweep by hand: every step of the scheduler's own. Works even when the scheduler could not
   * start. Throws what failed.
   */
  async sweep(): Promise<Run> {
    await this.#compareClocks();
    return await this.#sweep();
  }

  /** Resolves to the milliseconds until there will be something to do. */
  async #pass(signal: AbortSignal): Promise<number> {
    if (this.#loop.failure !== null || performance.now() - this.#beatAt >= beatMs) {
      await this.#register();
    }
    return await this.#look(signal);
  }

  /** Says that this worker lives. */
  async #register(): Promise<void> {
    await this.#compareClocks();
    await this.#beat();
    if (this.#loop.failure !== null) {
      const { log, intervalMinutes } = this.#options;
      log.info({ interval_minutes: intervalMinutes }, 'the scheduler runs');
    }
    this.#loop.markRunning();
    this.#wasRunning = true;
    this.#options.metrics.schedulerRunning.set(1);
    this.#onRegistered();
  }

  async #beat(): Promise<void> {
    const { executedAt = null, transitions } = this.#lastRun ?? {};
    const { db } = this.#options;
    await db.rows(sql.heartbeat, this.#workerId, executedAt, transitions?.length ?? null);
    this.#beatAt = performance.now();
  }

  /** Sweeps or settles what is due; gives the milliseconds until there will be something to do. */
  async #look(stop: AbortSignal): Promise<number> {
    const { db } = this.#options;
    const sweep = performance.now() >= this.#nextSweepAt;
    const before = await db.one(sql.nextDue);
    this.#noteClocks(before.now);
    if (sweep || before.overdue_since !== null) {
      const { transitions } = sweep
        ? await this.#sweep(stop)
        : await this.#turns.take(() => this.#run({ completeFull: false, stop }));
      if (transitions.length > 0) this.#fruitless = 0;
      await this.#beat();
    }
    const { overdue_since: overdue, next_at: next, now } = await db.one(sql.nextDue);
    // Still due: another worker has it, or it failed. What comes due after it does not wait for it.
    if (overdue === null) this.#fruitless = 0;
    const untilHeld = overdue === null ? Infinity : heldWaitMs * 2 ** this.#fruitless++;
    const untilNext = next === null ? Infinity : next.getTime() - now.getTime() + 1;
    const untilSweep = Math.max(0, this.#nextSweepAt - performance.now());
    return Math.min(untilHeld, untilNext, untilSweep, longestWaitMs);
  }

  /** Asks the database for its time. Throws while it and this process's differ too much. */
  async #compareClocks(): Promise<void> {
    const { db } = this.#options;
    this.#noteClocks((await db.one(sql.nextDue)).now);
  }

  #noteClocks(databaseNow: Date): void {
    const { clock = () => new Date(), metrics } = this.#options;
    const offsetMs = databaseNow.getTime() - clock().getTime();
    metrics.clockOffset.set(offsetMs / 1_000);
    if (Math.abs(offsetMs) > maxClockOffsetMs) throw new DomainError('clock_skewed', {});
  }

  /**
   * Settles what is due and completes full campaigns, marks orders as received and, once in an
   * interval, removes old rows. The next sweep is an interval later, so a sweep by hand may leave out
   * no step. Throws what ended it early.
   */
  async #sweep(stop?: AbortSignal): Promise<Run> {
    return await this.#turns.take(async () => {
      const run = await this.#run({ completeFull: true, ...(stop && { stop }) });
      await this.#receive();
      if (performance.now() >= this.#nextTidyAt) await this.#tidy();
      return run;
    });
  }

  /** Throws what ended the run early, after counting what it did. */
  async #run({ completeFull, stop }: RunOptions): Promise<Run> {
    const { db, log, metrics, trace, intervalMinutes } = this.#options;
    const { paysOnline = false, clock = () => new Date() } = this.#options;
    const executedAt = new Date();
    const endTimer = metrics.lifecycleDuration.startTimer();
    const { transitions, failure } = await traced(trace, 'lifecycle run', { parent: null }, () =>
      settleDue({ db, log, paysOnline, clock }, { completeFull, ...(stop && { stop }) }),
    );
    endTimer();
    metrics.lifecycleRuns.inc();
    for (const { event, lagMs } of transitions) {
      metrics.transitions.inc({ transition_type: event });
      if (lagMs !== undefined) metrics.deadlineLag.observe(lagMs / 1_000);
    }
    const run = { executedAt, transitions };
    this.#lastRun = run;
    if (completeFull || transitions.length > 0) {
      log.info({ sweep: completeFull, transitions: transitions.length }, 'lifecycle run done');
    }
    if (failure !== undefined) throw failure;
    if (completeFull) this.#nextSweepAt = performance.now() + intervalMinutes * 60_000;
    return run;
  }

  /** Orders whose buyers have said nothing since they were shipped count as received. */
  async #receive(): Promise<void> {
    const { db, log } = this.#options;
    for (const { campaign_id: id } of await db.rows(sql.listReceiptsDue, campaignsAtOnce)) {
      try {
        for (let more = true; more;) {
          const { received } = await db.one(sql.receiveUnanswered, id, ordersAtOnce);
          more = received === ordersAtOnce;
        }
      } catch (error) {
        // The next sweep tries again.
        log.warn({ err: error, campaign_id: id }, 'orders were not marked as received');
      }
    }
  }

  async #tidy(): Promise<void> {
    const { db, log, intervalMinutes } = this.#options;
    this.#nextTidyAt = performance.now() + intervalMinutes * 60_000;
    for (const statement of Object.values(sql.deleteExpiredRows)) {
      // What is left lying is taken away by the next sweep.
      await db.rows(statement).catch((error: unknown) => {
        log.warn({ err: error, statement: statement.name }, 'old rows were not removed');
      });
    }
  }

  #failed(error: unknown, waitMs: number): void {
    const { log, metrics } = this.#options;
    metrics.schedulerRunning.set(0);
    const wasRunning = this.#wasRunning;
    this.#wasRunning = false;
    (wasRunning ? metrics.schedulerFailedLooks : metrics.schedulerStartFailures).inc();
    log.error(
      { err: error, retry_in_ms: waitMs },
      'THE SCHEDULER DOES NOT RUN: no campaign is opened or closed at its time until it does',
    );
    this.#onRegistered();
  }
}
