import type { ChangeNotifier } from '../audit/change-notifier.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import { DomainError } from '../errors/errors.ts';
import { newId } from '../identity/ids.ts';
import type { Metrics } from '../observability/metrics.ts';
import { settleDue, type Transition } from './due.ts';
import { deleteExpiredRows, receiveOrders } from './maintenance.ts';
import * as sql from './queries.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';
import { traced, type Trace } from '../observability/trace.ts';

export interface SchedulerOptions {
  /** If set, each run is a trace. */
  readonly trace?: Trace | undefined;
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Minutes between sweeps. */
  readonly intervalMinutes: number;
  /** True when buyers pay through a provider. */
  readonly paysOnline: boolean;
  /** This process's clock; tests set it wrong. */
  readonly clock?: () => Date;
}

/** The result of one run. */
export interface Run {
  readonly executedAt: Date;
  readonly transitions: readonly Transition[];
}

export interface SchedulerStatus {
  readonly isRunning: boolean;
  readonly nextRunTime: Date | null;
  readonly intervalMinutes: number;
  readonly lastRun: Run | null;
  /** Why the scheduler does not run, or null. */
  readonly failure: string | null;
}

interface RunOptions {
  readonly completeFull: boolean;
  readonly stop?: AbortSignal;
}

/** Maximum poll interval: the maximum delay after a lost notification. */
const maxPollMs = 5_000;
/** Debounce: notifications arrive in bursts under load. */
const wakeDelayMs = 100;
/** Retry interval for due campaigns that are locked or fail; doubles each time. */
const lockedWaitMs = 100;
/**
 * Heartbeat interval; shorter than the maximum sleep, so that every long sleep is followed by a
 * heartbeat.
 */
const heartbeatMs = 4_000;
/** Back-off while the scheduler cannot run. */
const retryMs = [1_000, 30_000] as const;
/**
 * Maximum clock difference between the database and this process. Above it nothing is closed,
 * because closing is irreversible. The database's functions check it again.
 */
const maxClockOffsetMs = 30_000;

/**
 * Opens and closes campaigns at their time. Sleeps until the next campaign is due by the
 * database's clock, and checks again when campaigns change. A sweep every few minutes finds
 * everything else that is overdue and completes full campaigns. When it cannot start, or the
 * database fails, it reports this in its status and retries.
 */
export class Scheduler implements Job {
  readonly #options: SchedulerOptions;
  readonly #workerId = newId();
  readonly #loop: Loop;
  /** Mutex: one run at a time in this process. */
  readonly #mutex = new SerialQueue();
  // A monotonic clock: the machine's clock may jump.
  #nextSweepAt = 0;
  /** The same by the wall clock, computed once: every answer names the same time. */
  #nextSweepTime = new Date(0);
  #nextCleanupAt = 0;
  #heartbeatAt = -Infinity;
  #lastRun: Run | undefined;
  /** Resolves `start` when the worker is registered or registration failed. */
  #onRegistered: () => void = () => undefined;
  /** Consecutive passes that found due campaigns and could settle none. */
  #idleAttempts = 0;
  #unsubscribe: (() => void) | undefined;
  /** Whether it has run since the last failure or start. */
  #wasRunning = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: (signal) => this.#pass(signal),
      onError: (error, waitMs) => this.#onFailure(error, waitMs),
      retryMs,
    });
  }

  status(): SchedulerStatus {
    const { failure } = this.#loop;
    const isRunning = failure === null;
    return {
      isRunning,
      nextRunTime: isRunning ? this.#nextSweepTime : null,
      intervalMinutes: this.#options.intervalMinutes,
      lastRun: this.#lastRun ?? null,
      failure,
    };
  }

  /** True while campaigns are being opened or closed. */
  get isBusy(): boolean {
    return this.#mutex.isBusy;
  }

  /**
   * Starts, or begins to retry; its status tells which. Does not wait for due campaigns, so a
   * service that was down for long answers requests meanwhile. Never throws.
   */
  async start(): Promise<void> {
    if (this.#loop.isStarted) return;
    this.#planSweep(0);
    this.#heartbeatAt = -Infinity;
    this.#wasRunning = false;
    this.#unsubscribe = this.#options.changeNotifier.onChange((campaignId) => {
      // Null: the database connection was lost and is back.
      if (this.#loop.failure === null || campaignId === null) this.#loop.wake(wakeDelayMs);
    });
    const { promise: registered, resolve } = Promise.withResolvers<void>();
    this.#onRegistered = resolve;
    this.#loop.start();
    await registered;
  }

  /** Runs at once because something became due without a change of its campaign. */
  wake(): void {
    if (this.#loop.failure === null) this.#loop.wake(wakeDelayMs);
  }

  /** Resolves after the transactions in progress. */
  async stop(): Promise<void> {
    if (!this.#loop.isStarted) return;
    this.#unsubscribe?.();
    await this.#loop.stop();
    await this.#mutex.onIdle();
    this.#options.metrics.schedulerRunning.set(0);
    // Removes this worker from the list of workers; nothing depends on it.
    await this.#options.db.rows(sql.removeWorker, this.#workerId).catch(() => undefined);
  }

  /**
   * Runs a full sweep on demand; works even when the scheduler could not start. Throws the first
   * failure.
   */
  async sweep(): Promise<Run> {
    await this.#compareClocks();
    return await this.#sweep();
  }

  /** Resolves to the milliseconds until the next pass. */
  async #pass(signal: AbortSignal): Promise<number> {
    if (this.#loop.failure !== null || performance.now() - this.#heartbeatAt >= heartbeatMs) {
      await this.#register();
    }
    return await this.#poll(signal);
  }

  /** Registers this worker. */
  async #register(): Promise<void> {
    await this.#compareClocks();
    await this.#sendHeartbeat();
    if (this.#loop.failure !== null) {
      const { log, intervalMinutes } = this.#options;
      log.info({ interval_minutes: intervalMinutes }, 'scheduler started');
    }
    this.#loop.markRunning();
    this.#wasRunning = true;
    this.#options.metrics.schedulerRunning.set(1);
    this.#onRegistered();
  }

  async #sendHeartbeat(): Promise<void> {
    const { executedAt = null, transitions } = this.#lastRun ?? {};
    const { db } = this.#options;
    await db.rows(sql.heartbeat, this.#workerId, executedAt, transitions?.length ?? null);
    this.#heartbeatAt = performance.now();
  }

  /** Sweeps or settles due campaigns; resolves to the milliseconds until the next pass. */
  async #poll(stop: AbortSignal): Promise<number> {
    const { db } = this.#options;
    const sweep = performance.now() >= this.#nextSweepAt;
    const before = await db.one(sql.nextDue);
    this.#checkClocks(before.now);
    if (sweep || before.overdue_since !== null) {
      const { transitions } = sweep
        ? await this.#sweep(stop)
        : await this.#mutex.run(() => this.#run({ completeFull: false, stop }));
      if (transitions.length > 0) this.#idleAttempts = 0;
      await this.#sendHeartbeat();
    }
    const { overdue_since: overdue, next_at: next, now } = await db.one(sql.nextDue);
    // Still due: another worker locks it, or it failed. Campaigns that become due later do not wait
    // for it.
    if (overdue === null) this.#idleAttempts = 0;
    const untilRetry = overdue === null ? Infinity : lockedWaitMs * 2 ** this.#idleAttempts++;
    const untilNext = next === null ? Infinity : next.getTime() - now.getTime() + 1;
    const untilSweep = Math.max(0, this.#nextSweepAt - performance.now());
    return Math.min(untilRetry, untilNext, untilSweep, maxPollMs);
  }

  /** Compares the clocks of database and process. Throws while they differ too much. */
  async #compareClocks(): Promise<void> {
    const { db } = this.#options;
    this.#checkClocks((await db.one(sql.nextDue)).now);
  }

  #checkClocks(databaseNow: Date): void {
    const { clock = () => new Date(), metrics } = this.#options;
    const offsetMs = databaseNow.getTime() - clock().getTime();
    metrics.clockOffset.set(offsetMs / 1_000);
    if (Math.abs(offsetMs) > maxClockOffsetMs) throw new DomainError('clock_skewed', {});
  }

  /**
   * Settles due campaigns, completes full ones, marks orders as received and, once per interval,
   * deletes expired rows. The next sweep is an interval later, so a sweep on demand must include
   * every step. Throws the error that ended it early.
   */
  async #sweep(stop?: AbortSignal): Promise<Run> {
    return await this.#mutex.run(async () => {
      const run = await this.#run({ completeFull: true, ...(stop && { stop }) });
      await receiveOrders(this.#options);
      if (performance.now() >= this.#nextCleanupAt) {
        this.#nextCleanupAt = performance.now() + this.#options.intervalMinutes * 60_000;
        await deleteExpiredRows(this.#options);
      }
      return run;
    });
  }

  /** Throws the error that ended the run early, after counting its transitions. */
  async #run({ completeFull, stop }: RunOptions): Promise<Run> {
    const { db, log, metrics, trace, intervalMinutes, paysOnline } = this.#options;
    const { clock = () => new Date() } = this.#options;
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
    if (completeFull) this.#planSweep(intervalMinutes * 60_000);
    return run;
  }

  #planSweep(inMs: number): void {
    this.#nextSweepAt = performance.now() + inMs;
    this.#nextSweepTime = new Date(Date.now() + inMs);
  }

  #onFailure(error: unknown, waitMs: number): void {
    const { log, metrics } = this.#options;
    metrics.schedulerRunning.set(0);
    const wasRunning = this.#wasRunning;
    this.#wasRunning = false;
    (wasRunning ? metrics.schedulerFailedLooks : metrics.schedulerStartFailures).inc();
    log.error(
      { err: error, retry_in_ms: waitMs },
      'THE SCHEDULER DOES NOT RUN: campaigns are not opened or closed until it runs again',
    );
    this.#onRegistered();
  }
}
