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
  /** If set, each run is recorded as a trace. */
  readonly trace?: Trace | undefined;
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Minutes between sweeps. */
  readonly intervalMinutes: number;
  /** True when buyers can pay through a payment provider. */
  readonly paysOnline: boolean;
  /** The clock of this process. Tests pass a clock with a wrong time. */
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
  /** The reason why the scheduler is not running; null if it is running. */
  readonly failure: string | null;
}

interface RunOptions {
  readonly completeFull: boolean;
  readonly stop?: AbortSignal;
}

/**
 * Maximum time between two polls. If the notification about a change was lost, the change is
 * noticed at the next poll.
 */
const maxPollMs = 5_000;
/**
 * Delay between a notification and the next pass. Under load, many notifications arrive within a
 * short time, and one pass handles all of them.
 */
const wakeDelayMs = 100;
/**
 * First wait, in milliseconds, before the scheduler tries again to settle due campaigns that are
 * locked or have failed. The wait doubles after each attempt.
 */
const lockedWaitMs = 100;
/**
 * Minimum interval between two heartbeats. It is shorter than the longest sleep, so that the worker
 * sends a heartbeat after every long sleep.
 */
const heartbeatMs = 4_000;
/** First and longest wait between retries while the scheduler cannot run. */
const retryMs = [1_000, 30_000] as const;
/**
 * Maximum difference between the clocks of the database and this process. If the difference is
 * larger, no campaign is closed, because closing cannot be undone. The database's functions check
 * this again.
 */
const maxClockOffsetMs = 30_000;

/**
 * Opens and closes campaigns when they are due. It sleeps until the next campaign is due by the
 * database's clock, and checks again when a campaign changes. Every few minutes, a sweep settles
 * everything else that is overdue and completes full campaigns. When the scheduler cannot start, or
 * the database fails, it reports this in its status and tries again.
 */
export class Scheduler implements Job {
  readonly #options: SchedulerOptions;
  readonly #workerId = newId();
  readonly #loop: Loop;
  /** Makes sure that this process has only one run at a time. */
  readonly #mutex = new SerialQueue();
  // The time of the next sweep. It is measured with a monotonic clock, because somebody may change
  // the machine's clock.
  #nextSweepAt = 0;
  /**
   * The time of the next sweep by the machine's clock. It is computed only once per sweep, so that
   * every status report shows the same time.
   */
  #nextSweepTime = new Date(0);
  #nextCleanupAt = 0;
  #heartbeatAt = -Infinity;
  #lastRun: Run | undefined;
  /** Ends the wait of `start`: called when the worker is registered or could not be registered. */
  #onRegistered: () => void = () => undefined;
  /** Number of consecutive passes that found due campaigns but could settle none. */
  #idleAttempts = 0;
  #unsubscribe: (() => void) | undefined;
  /** True when this worker has been registered since the scheduler started or last failed. */
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

  /** True while a run is opening and closing campaigns. */
  get isBusy(): boolean {
    return this.#mutex.isBusy;
  }

  /**
   * Starts the scheduler. If starting fails, it tries again in the background, and the status shows
   * the failure. This method does not wait until due campaigns are settled, so that a service that
   * was down for a long time can answer requests at once. Never throws.
   */
  async start(): Promise<void> {
    if (this.#loop.isStarted) return;
    this.#planSweep(0);
    this.#heartbeatAt = -Infinity;
    this.#wasRunning = false;
    this.#unsubscribe = this.#options.changeNotifier.onChange((campaignId) => {
      // The campaign id is null when the database connection was lost and has been opened again.
      if (this.#loop.failure === null || campaignId === null) this.#loop.wake(wakeDelayMs);
    });
    const { promise: registered, resolve } = Promise.withResolvers<void>();
    this.#onRegistered = resolve;
    this.#loop.start();
    await registered;
  }

  /**
   * Starts a pass now. Call it when something became due without a notification about its campaign.
   */
  wake(): void {
    if (this.#loop.failure === null) this.#loop.wake(wakeDelayMs);
  }

  /** Resolves when the transactions in progress have ended. */
  async stop(): Promise<void> {
    if (!this.#loop.isStarted) return;
    this.#unsubscribe?.();
    await this.#loop.stop();
    await this.#mutex.onIdle();
    this.#options.metrics.schedulerRunning.set(0);
    // Remove this worker from the list of workers. If that fails, no harm is done, because nothing
    // depends on the removal.
    await this.#options.db.rows(sql.removeWorker, this.#workerId).catch(() => undefined);
  }

  /**
   * Runs a full sweep now; this works even when the scheduler could not start. Throws the first
   * failure.
   */
  async sweep(): Promise<Run> {
    await this.#compareClocks();
    return await this.#sweep();
  }

  /** Runs one pass and resolves to the milliseconds until the next one. */
  async #pass(signal: AbortSignal): Promise<number> {
    if (this.#loop.failure !== null || performance.now() - this.#heartbeatAt >= heartbeatMs) {
      await this.#register();
    }
    return await this.#poll(signal);
  }

  /** Registers this worker in the list of workers. */
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

  /** Sweeps, or settles due campaigns. Resolves to the milliseconds until the next pass. */
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
    // After a pass, a campaign is still due if another worker has locked it or if settling it has
    // failed. Campaigns that become due later must not wait for such a campaign.
    if (overdue === null) this.#idleAttempts = 0;
    const untilRetry = overdue === null ? Infinity : lockedWaitMs * 2 ** this.#idleAttempts++;
    const untilNext = next === null ? Infinity : next.getTime() - now.getTime() + 1;
    const untilSweep = Math.max(0, this.#nextSweepAt - performance.now());
    return Math.min(untilRetry, untilNext, untilSweep, maxPollMs);
  }

  /** Compares the clocks of the database and this process; throws when they differ too much. */
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
   * Settles due campaigns, completes full ones, and marks orders as received. Once per interval it
   * also deletes expired rows. The next sweep starts one interval after this sweep, even if this
   * sweep was started on demand. Therefore every sweep must include all steps. Throws the error
   * that ended the sweep early.
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

  /**
   * Runs the lifecycle once and counts its transitions. If an error ended the run early, throws it
   * afterwards.
   */
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
