import { countViolations, invariantNames } from '../database/invariants.ts';
import type { Log } from '../database/log.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import type { Database } from '../database/pool.ts';
import type { Metrics } from '../observability/metrics.ts';
import { mailWindows, type MailBudget } from '../overload/rate-limiter.ts';
import * as sql from './queries.ts';

export interface MonitorOptions {
  readonly db: Database;
  /** The URL of the database. The invariants are checked on a connection of their own. */
  readonly url: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The maximum number of e-mails in each period of the mail budget. */
  readonly budget: Pick<MailBudget, 'max'>;
  /** Hours between two checks of the same invariant by any worker; 0 means never. */
  readonly invariantHours: number;
}

/**
 * Time between two collections of the gauges, in milliseconds. Alerts wait for minutes, so newer
 * values are not needed. A collection needs only a few SQL statements.
 */
const everyMs = 15_000;
/**
 * When an account has fewer free three-digit unique codes, a warning is logged. The alert uses the
 * same limit.
 */
const minFreeCodes = 200;

/** The items of a work queue are counted only up to this number. */
const maxQueueItems = 10_000;

/**
 * Collects the gauges for alerts. Every worker collects them, so that Prometheus can read them from
 * any worker. Checking an invariant reads the whole database. So only one worker checks an
 * invariant, one at a time, each at the configured interval. All workers report the last results.
 */
export class Monitor implements Job {
  readonly #options: MonitorOptions;
  readonly #names = invariantNames();
  readonly #gauges: Loop;
  readonly #invariants: Loop;
  #scarceAccounts: ReadonlySet<string> = new Set();

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { log } = options;
    const retryMs = [everyMs, everyMs] as const;
    this.#gauges = new Loop({
      pass: async () => {
        await this.#lookAround();
        return everyMs;
      },
      onError: (error) =>
        log.warn({ err: error }, 'gauges could not be collected; the next run retries'),
      retryMs,
    });
    // The invariants have a loop of their own, because a check may take minutes.
    this.#invariants = new Loop({
      pass: async (signal) => {
        await this.#checkNext(signal);
        return everyMs;
      },
      onError: (error) => {
        if (!this.#invariants.isStopping) {
          log.warn({ err: error }, 'an invariant could not be checked');
        }
      },
      retryMs,
    });
  }

  start(): void {
    this.#gauges.start();
    this.#invariants.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#gauges.stop(), this.#invariants.stop()]);
  }

  /**
   * Collects the gauges once, and checks one invariant if a check is due. Throws the first failure.
   */
  async look(): Promise<void> {
    await this.#lookAround();
    await this.#checkNext(new AbortController().signal);
  }

  async #lookAround(): Promise<void> {
    const { db, metrics } = this.#options;
    const affairs = await db.one(sql.collectGauges);
    metrics.overdueCampaigns.set(affairs.overdue);
    metrics.overdueOldest.set(affairs.overdue_seconds);
    metrics.refundsDue.set(affairs.refunds);
    metrics.refundsOldest.set(affairs.refunds_seconds);
    metrics.overpaidRefundsOpen.set(affairs.overpaid_refunds);
    metrics.overpaidRefundsRupiah.set(affairs.overpaid_refunds_rupiah);
    metrics.overpaidRefundsOldest.set(affairs.overpaid_refunds_seconds);
    metrics.campaignsVerifying.set(affairs.verifying);
    metrics.lastBackup.set(affairs.backup_at);
    metrics.installed.set(affairs.installed_at);
    metrics.quarantined.set(affairs.quarantined ? 1 : 0);
    metrics.checkpointLag.set(affairs.checkpoint_lag);
    metrics.brokenLogs.set(affairs.broken_logs);
    for (const { queue, items, seconds } of await db.rows(sql.measureWork, maxQueueItems)) {
      metrics.queueItems.set({ queue }, items);
      metrics.queueOldest.set({ queue }, seconds);
    }
    await this.#countCodes();
    for (const { name, checked, violations } of await db.rows(sql.invariantChecks, this.#names)) {
      metrics.invariantViolations.set({ invariant: name }, Number(violations));
      metrics.invariantChecked.set({ invariant: name }, checked);
    }
    await this.#lookAtMailBudget();
    metrics.watched.set(Date.now() / 1_000);
  }

  /** Counts the free unique codes. Logs one warning when an account begins to have too few. */
  async #countCodes(): Promise<void> {
    const { db, metrics, log } = this.#options;
    metrics.uniqueCodesFree.reset();
    const scarce = new Set<string>();
    for (const { account, free } of await db.rows(sql.freeCodes)) {
      metrics.uniqueCodesFree.set({ account }, free);
      if (free >= minFreeCodes) continue;
      scarce.add(account);
      if (this.#scarceAccounts.has(account)) continue;
      log.warn(
        { account, free },
        'unique codes run out: buyers of one price will get four-digit codes; add an account',
      );
    }
    this.#scarceAccounts = scarce;
  }

  async #lookAtMailBudget(): Promise<void> {
    const { db, metrics, budget } = this.#options;
    const rows = await db.rows(sql.mailBudgetUse, Object.values(mailWindows));
    for (const [window, key] of Object.entries(mailWindows)) {
      const used = rows.find((row) => row.key === key)?.used ?? 0;
      const max = budget.max[window as keyof typeof mailWindows];
      metrics.mailBudgetUsed.set({ window }, used / max);
    }
  }

  async #checkNext(stop: AbortSignal): Promise<void> {
    const { db, url, log, invariantHours } = this.#options;
    if (invariantHours === 0) return;
    await db.rows(sql.knowInvariants, this.#names);
    const taken = await db.maybe(sql.takeInvariant, this.#names, invariantHours);
    if (taken === undefined) return;
    const began = performance.now();
    const violations = await countViolations(url, taken.name, stop);
    await db.rows(sql.noteInvariant, taken.name, violations);
    const took = Math.round(performance.now() - began);
    const told = { invariant: taken.name, violations: Number(violations), took_ms: took };
    if (violations > 0n) log.error(told, 'AN INVARIANT IS VIOLATED: see sambatan invariants');
    else log.debug(told, 'an invariant was checked');
  }
}
