import type { Pokes } from '../audit/pokes.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import { newId } from '../identity/ids.ts';
import type { Metrics } from '../metrics.ts';
import { settleDue, type Transition } from './due.ts';
import * as sql from './queries.ts';

export interface SchedulerOptions {
  readonly db: Database;
  readonly pokes: Pokes;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Minutes between sweeps. */
  readonly intervalMinutes: number;
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

/** The timer looks again after this long at the latest: what a lost poke can cost. */
const longestWaitMs = 5_000;
/** Pokes come in crowds during a flash crowd; the timer is set anew at most this often. */
const rearmMs = 100;
/** Due, but somebody else holds it: looked at again after this long. */
const heldWaitMs = 100;
const firstRestartMs = 1_000;
const longestRestartMs = 30_000;

/**
 * Opens and closes campaigns at their time. One timer is armed for the next campaign that is due,
 * by the database's clock, and set anew when campaigns change; a sweep every few minutes finds
 * whatever else is overdue and completes full campaigns. When it cannot start, or the database goes
 * away, it says so and keeps trying.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #workerId = newId();
  #timer: NodeJS.Timeout | undefined;
  #rearm: NodeJS.Timeout | undefined;
  #nextSweepAt = 0;
  #lastRun: Run | undefined;
  #failure: string | null = 'not started';
  #failures = 0;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = true;
  #forget: (() => void) | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  status(): SchedulerStatus {
    const isRunning = !this.#stopped && this.#failure === null;
    return {
      isRunning,
      nextRunTime: isRunning ? new Date(this.#nextSweepAt) : null,
      intervalMinutes: this.#options.intervalMinutes,
      lastRun: this.#lastRun ?? null,
      failure: this.#failure,
    };
  }

  /** Starts, or begins to try to. Never throws. */
  async start(): Promise<void> {
    this.#stopped = false;
    this.#forget = this.#options.pokes.onPoke(() => this.#rearmSoon());
    await this.#look();
  }

  /** Ends after the run under way. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#forget?.();
    clearTimeout(this.#timer);
    clearTimeout(this.#rearm);
    this.#options.metrics.schedulerRunning.set(0);
    await this.#running.catch(() => undefined);
    // Another worker's view of who lives gets better, but nothing depends on it.
    await this.#options.db.rows(sql.removeWorker, this.#workerId).catch(() => undefined);
  }

  /** A sweep by hand; works even when the scheduler could not start. Throws what failed. */
  async sweep(): Promise<Run> {
    return await this.#run({ completeFull: true });
  }

  #rearmSoon(): void {
    if (this.#rearm !== undefined || this.#stopped) return;
    this.#rearm = setTimeout(() => {
      this.#rearm = undefined;
      if (this.#failure === null) void this.#arm();
    }, rearmMs);
  }

  /** Everything the timer does: sweep or settle what is due, say that we live, arm again. */
  async #look(): Promise<void> {
    try {
      const { db } = this.#options;
      if (this.#failure !== null) await db.rows(sql.beat, this.#workerId, null, null);
      const sweep = Date.now() >= this.#nextSweepAt;
      const { due_at, now } = await db.one(sql.nextDue);
      if (sweep || (due_at !== null && due_at <= now)) await this.#run({ completeFull: sweep });
      if (sweep) await this.#tidy();
      await db.rows(
        sql.beat,
        this.#workerId,
        this.#lastRun?.executedAt ?? null,
        this.#lastRun?.transitions.length ?? null,
      );
      this.#started();
      await this.#arm();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #run(options: { completeFull: boolean }): Promise<Run> {
    const { db, log, metrics, pokes, intervalMinutes } = this.#options;
    const before = this.#running;
    const run = (async () => {
      await before.catch(() => undefined);
      const executedAt = new Date();
      const endTimer = metrics.lifecycleDuration.startTimer();
      const onChange = (campaignId: string) => pokes.poke(campaignId);
      const transitions = await settleDue({ db, log, onChange }, options);
      endTimer();
      metrics.lifecycleRuns.inc();
      for (const { event, lagMs } of transitions) {
        metrics.transitions.inc({ transition_type: event });
        if (lagMs !== undefined) metrics.deadlineLag.observe(lagMs / 1_000);
      }
      if (options.completeFull) this.#nextSweepAt = Date.now() + intervalMinutes * 60_000;
      if (options.completeFull || transitions.length > 0) {
        log.info(
          { sweep: options.completeFull, transitions: transitions.length },
          'lifecycle run done',
        );
      }
      return { executedAt, transitions };
    })();
    this.#running = run;
    this.#lastRun = await run;
    return this.#lastRun;
  }

  async #tidy(): Promise<void> {
    for (const statement of Object.values(sql.tidy)) await this.#options.db.rows(statement);
  }

  /** Sets the one timer to what comes first: a campaign, the sweep, or the next look. */
  async #arm(): Promise<void> {
    try {
      const { due_at, now } = await this.#options.db.one(sql.nextDue);
      const untilDue = due_at === null ? Infinity : due_at.getTime() - now.getTime();
      const wait = Math.min(
        // Still due after a look: another worker has it, or it failed.
        untilDue <= 0 ? heldWaitMs : untilDue + 1,
        Math.max(0, this.#nextSweepAt - Date.now()),
        longestWaitMs,
      );
      clearTimeout(this.#timer);
      if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), wait);
    } catch (error) {
      this.#failed(error);
    }
  }

  #started(): void {
    if (this.#failure !== null) {
      this.#options.log.info(
        { interval_minutes: this.#options.intervalMinutes },
        'the scheduler runs',
      );
    }
    this.#failure = null;
    this.#failures = 0;
    this.#options.metrics.schedulerRunning.set(this.#stopped ? 0 : 1);
  }

  #failed(error: unknown): void {
    const { log, metrics } = this.#options;
    this.#failure = error instanceof Error ? error.message : String(error);
    const wait = Math.min(longestRestartMs, firstRestartMs * 2 ** this.#failures++);
    metrics.schedulerRunning.set(0);
    metrics.schedulerStartFailures.inc();
    log.error(
      { err: error, retry_in_ms: wait },
      'THE SCHEDULER DOES NOT RUN: no campaign is opened or closed at its time until it does',
    );
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), wait);
  }
}
