import { countViolations, invariantNames } from '../database/invariants.ts';
import type { Log } from '../database/log.ts';
import type { Database } from '../database/pool.ts';
import type { Metrics } from '../metrics.ts';
import * as sql from './queries.ts';

export interface WatchOptions {
  readonly db: Database;
  /** Invariants are checked on a connection of their own. */
  readonly url: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Between two checks of an invariant by all workers together; 0: never. */
  readonly invariantHours: number;
}

/** Alerts that wait for minutes need no fresher figures, and each look is one statement. */
const everyMs = 15_000;

/**
 * Looks at what an operator wants to be woken for and keeps the gauges of it: every worker does, so
 * that any of them may be scraped. The invariants read the whole database: one of them at a time,
 * by one worker, each as often as the settings say; all workers tell what was found last.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #names = invariantNames();
  #timer: NodeJS.Timeout | undefined;
  #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #checking: Promise<void> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** The first look is at once, and not waited for. Never throws. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#stopping = new AbortController();
    this.#timer = setInterval(() => this.#lookSafely(), everyMs);
    this.#lookSafely();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stopping.abort();
    await this.#looking;
    await this.#checking;
  }

  /** One look, and the check of one invariant if one is due. Throws what failed. */
  async look(): Promise<void> {
    await this.#lookAround();
    await this.#checkNext();
  }

  #lookSafely(): void {
    this.#looking = this.#looking
      .then(() => this.#lookAround())
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'the watch could not look around');
      });
    this.#checking ??= this.#checkNext()
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        this.#options.log.warn({ err: error }, 'an invariant could not be checked');
      })
      .finally(() => {
        this.#checking = undefined;
      });
  }

  async #lookAround(): Promise<void> {
    const { db, metrics } = this.#options;
    const affairs = await db.one(sql.lookAround);
    metrics.overdueCampaigns.set(affairs.overdue);
    metrics.overdueOldest.set(affairs.overdue_seconds);
    metrics.refundsDue.set(affairs.refunds);
    metrics.refundsOldest.set(affairs.refunds_seconds);
    metrics.claimsOpen.set(affairs.claims);
    metrics.claimsRupiah.set(affairs.claims_rupiah);
    metrics.claimsOldest.set(affairs.claims_seconds);
    metrics.lastBackup.set(affairs.backup_at);
    metrics.held.set(affairs.held ? 1 : 0);
    for (const { name, checked, violations } of await db.rows(sql.invariantChecks, this.#names)) {
      metrics.invariantViolations.set({ invariant: name }, Number(violations));
      metrics.invariantChecked.set({ invariant: name }, checked);
    }
    metrics.watched.set(Date.now() / 1_000);
  }

  async #checkNext(): Promise<void> {
    const { db, url, log, invariantHours } = this.#options;
    if (invariantHours === 0) return;
    await db.rows(sql.knowInvariants, this.#names);
    const taken = await db.maybe(sql.takeInvariant, this.#names, invariantHours);
    if (taken === undefined) return;
    const began = performance.now();
    const violations = await countViolations(url, taken.name, this.#stopping.signal);
    await db.rows(sql.noteInvariant, taken.name, violations);
    const took = Math.round(performance.now() - began);
    const told = { invariant: taken.name, violations: Number(violations), took_ms: took };
    if (violations > 0n) log.error(told, 'AN INVARIANT IS VIOLATED: see sambatan invariants');
    else log.debug(told, 'an invariant was checked');
  }
}
