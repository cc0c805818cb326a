import { isWorthRetrying, lastStartMs, retryWaitMs } from '../database/retry.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/pool.ts';
import { isWithoutConnection } from '../database/errors.ts';
import type { Log } from '../database/log.ts';
import type { AuditEvent } from '../audit/events.ts';
import { DomainError } from '../errors/errors.ts';
import { asDomainError } from '../operation/run.ts';
import * as sql from './queries.ts';

/** One transition of a campaign, with the data of its row in the audit log. */
export interface Transition {
  readonly campaignId: string;
  readonly event: AuditEvent;
  readonly at: Date;
  readonly slotsTaken: number;
  readonly totalSlots: number;
  /** Milliseconds from the due time to the transition; undefined when the campaign was not due. */
  readonly lagMs: number | undefined;
}

export interface SettleDeps {
  readonly db: Database;
  readonly log: Log;
  /**
   * True when buyers can pay through a payment provider. In this case, a campaign can open although
   * there is no receiving account.
   */
  readonly paysOnline: boolean;
  /**
   * The clock of this process. It is compared with the database's clock before a campaign is
   * closed.
   */
  readonly clock?: () => Date;
}

/** The result of a lifecycle run. */
export interface Settlement {
  readonly transitions: readonly Transition[];
  /**
   * The error that ended the run early (for example, a lost database connection). Undefined if
   * there was no such error. Transactions that were committed before the error are not undone.
   */
  readonly failure: unknown;
}

/**
 * Number of campaigns per transaction. Many campaigns can share one commit, but the number is small
 * enough that their rows are locked only briefly.
 */
const campaignsAtOnce = 50;
/** Number of transactions that settle batches of campaigns at the same time. */
const concurrency = 3;
/**
 * Number of participations that one transaction settles. With this number, the rows of the
 * campaigns are locked for clearly less than half a second.
 */
const participationsAtOnce = 2_000;
const dueAtOnce = 10_000;
/**
 * Maximum number of attempts when the connection fails. Settling is idempotent, so repeating it is
 * safe.
 */
const attempts = 3;

interface Task {
  readonly campaignId: string;
  readonly dueAt: number | undefined;
}

/**
 * Settles all campaigns that are due, also those that have been due for a long time. With
 * `completeFull`, it also completes all full campaigns. Several processes may run this at the same
 * time: each row is locked and checked again, and a row that another process has locked is skipped.
 * Returns the transitions that this run made. If settling a campaign fails, the error is logged and
 * the run continues with the other campaigns. `stop` ends the run after the transactions in
 * progress.
 */
export async function settleDue(
  parts: SettleDeps,
  { completeFull, stop }: { readonly completeFull: boolean; readonly stop?: AbortSignal },
): Promise<Settlement> {
  const run = new SettlementRun(parts, { completeFull, stop });
  try {
    let tasks = await dueTasks(parts.db, run);
    if (completeFull) tasks.push(...(await fullTasks(parts.db, tasks)));
    // List the due campaigns again after each pass. A large campaign needs many passes, and a
    // campaign that becomes due in the meantime must not wait for all of them.
    for (; tasks.length > 0; tasks = await dueTasks(parts.db, run)) await run.pass(tasks);
    return { transitions: run.transitions, failure: undefined };
  } catch (failure) {
    return { transitions: run.transitions, failure };
  }
}

/**
 * Settles one campaign until nothing is left to do or another process has locked it. If the
 * database fails, the campaign stays due and any worker continues later.
 */
export async function settleUntilDone(parts: SettleDeps, campaignId: string): Promise<Settlement> {
  const run = new SettlementRun(parts, { completeFull: false, stop: undefined });
  try {
    while (!run.isOver(campaignId)) await run.pass([{ campaignId, dueAt: undefined }]);
    return { transitions: run.transitions, failure: undefined };
  } catch (failure) {
    parts.log.warn(
      { campaign_id: campaignId, err: failure },
      'a campaign could not be settled; it stays due and is retried',
    );
    return { transitions: run.transitions, failure };
  }
}

async function dueTasks(db: Database, run: SettlementRun): Promise<Task[]> {
  if (run.isStopped) return [];
  const due = await withRetry(() => db.rows(sql.listDue, dueAtOnce));
  return due
    .filter(({ campaign_id: id }) => !run.isOver(id))
    .map(({ campaign_id: campaignId, next_run_at: at }) => ({ campaignId, dueAt: at.getTime() }));
}

/** Returns the full campaigns that are not in the list of due ones. */
async function fullTasks(db: Database, due: readonly Task[]): Promise<Task[]> {
  const known = new Set(due.map(({ campaignId }) => campaignId));
  const tasks: Task[] = [];
  for (let after: string | null = null; ;) {
    const page: sql.Due[] = await withRetry(() => db.rows(sql.listFull, after, dueAtOnce));
    for (const { campaign_id: campaignId } of page) {
      if (!known.has(campaignId)) tasks.push({ campaignId, dueAt: undefined });
    }
    if (page.length < dueAtOnce) return tasks;
    after = page.at(-1)!.campaign_id;
  }
}

class SettlementRun {
  readonly transitions: Transition[] = [];
  readonly #parts: SettleDeps;
  readonly #completeFull: boolean;
  readonly #stop: AbortSignal | undefined;
  /**
   * Campaigns that this run does not process again, because they are settled, locked by another
   * process, or failed.
   */
  readonly #finished = new Set<string>();
  /**
   * The original due times of campaigns that need several passes. They are stored here because the
   * first pass of closing a campaign replaces the due time in its row.
   */
  readonly #dueAt = new Map<string, number>();

  constructor(
    parts: SettleDeps,
    options: { completeFull: boolean; stop: AbortSignal | undefined },
  ) {
    this.#parts = parts;
    this.#completeFull = options.completeFull;
    this.#stop = options.stop;
  }

  get isStopped(): boolean {
    return this.#stop?.aborted ?? false;
  }

  isOver(campaignId: string): boolean {
    return this.#finished.has(campaignId);
  }

  /**
   * Settles the campaigns of a list, one transaction per batch. A large campaign needs several
   * passes.
   */
  async pass(tasks: readonly Task[]): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < tasks.length && !this.isStopped) {
        const batch = tasks.slice(next, (next += campaignsAtOnce));
        try {
          await this.#settle(batch);
        } catch (error) {
          next = tasks.length;
          throw error;
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: concurrency }, worker));
    for (const ended of results) if (ended.status === 'rejected') throw ended.reason;
  }

  /**
   * Settles one batch in one transaction. If settling one of the campaigns fails, settles each
   * campaign of the batch in a separate transaction.
   */
  async #settle(batch: readonly Task[]): Promise<void> {
    const { db, log, paysOnline, clock = () => new Date() } = this.#parts;
    const ids = batch.map(({ campaignId }) => campaignId);
    for (const id of ids) this.#finished.add(id);
    try {
      const settled = await withRetry(() =>
        db.rows(
          sql.settleCampaigns,
          ids,
          this.#completeFull,
          participationsAtOnce,
          clock(),
          paysOnline,
        ),
      );
      const dueAt = new Map(batch.map((task) => [task.campaignId, task.dueAt]));
      for (const one of settled) this.#note(one, dueAt.get(one.campaign_id));
    } catch (error) {
      if (isWithoutConnection(error)) throw error;
      // If the clocks differ too much, stop the run: no campaign may be closed, because closing
      // cannot be undone.
      const refusal = asDomainError(error);
      if (refusal instanceof DomainError && refusal.code === 'clock_skewed') throw refusal;
      if (batch.length > 1) {
        for (const task of batch) await this.#settle([task]);
      } else if (isWorthRetrying(error)) {
        // Another transaction has locked a row of the campaign. The campaign stays due, and a later
        // run tries again.
        log.info(
          { campaign_id: ids[0], err: error },
          'a campaign could not be settled; it stays due and is retried',
        );
      } else {
        log.error(
          { campaign_id: ids[0], err: error },
          'a campaign failed to settle; the next run retries',
        );
      }
    }
  }

  #note({ campaign_id: id, transitions, settled, more }: sql.Settled, listedDueAt?: number): void {
    const dueAt = this.#dueAt.get(id) ?? listedDueAt;
    this.transitions.push(...transitions.map((entry) => transitionOf(entry, dueAt)));
    if (transitions.length > 0 || settled > 0) this.#parts.db.noteChanged(id);
    if (!more) return;
    this.#finished.delete(id);
    if (dueAt !== undefined) this.#dueAt.set(id, dueAt);
  }
}

/**
 * Calls `run` again if no connection is available or the connection is lost. After the last
 * attempt, throws its error.
 */
async function withRetry<T>(run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const inTime = performance.now() - startedAt < lastStartMs;
      if (attempt === attempts || !inTime || !isWithoutConnection(error)) throw error;
      await sleep(retryWaitMs(attempt));
    }
  }
}

function transitionOf(entry: sql.SettledTransition, dueAt: number | undefined): Transition {
  const at = new Date(entry.occurred_at);
  return {
    campaignId: entry.campaign_id,
    event: entry.event,
    at,
    // A campaign that ended states the slots that were taken before its refunds.
    slotsTaken: Number(entry.metadata?.['slots_taken'] ?? entry.slots_taken),
    totalSlots: entry.total_slots,
    lagMs: dueAt === undefined ? undefined : Math.max(0, at.getTime() - dueAt),
  };
}
