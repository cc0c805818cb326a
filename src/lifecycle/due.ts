import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/pool.ts';
import { isWithoutConnection } from '../database/errors.ts';
import type { Log } from '../database/log.ts';
import type { AuditEvent } from '../audit/events.ts';
import { DomainError } from '../errors/errors.ts';
import { asDomainError, isWorthRetrying, lastStartMs, retryWaitMs } from '../operation/run.ts';
import * as sql from './queries.ts';

/** One campaign's transition as its audit row stores it. */
export interface Transition {
  readonly campaignId: string;
  readonly event: AuditEvent;
  readonly at: Date;
  readonly slotsTaken: number;
  readonly totalSlots: number;
  /** Milliseconds from the time it was due to the transition; undefined when it was not due. */
  readonly lagMs: number | undefined;
}

export interface SettleDeps {
  readonly db: Database;
  readonly log: Log;
  /** Whether buyers have a provider to pay through: no account has to be there then. */
  readonly paysOnline?: boolean;
  /** This process's clock, which the database's is compared with before anything is closed. */
  readonly clock?: () => Date;
}

/** What a run of the lifecycle did. */
export interface Settlement {
  readonly transitions: readonly Transition[];
  /** Why it ended early: the database went away, say. What it had done by then is done. */
  readonly failure: unknown;
}

/** Campaigns in one transaction: enough to share a commit, few enough to hold rows briefly. */
const campaignsAtOnce = 50;
/** Transactions under way at the same time. */
const concurrency = 3;
/** Participations settled in one transaction: well below half a second of the campaigns' rows. */
const participationsAtOnce = 2_000;
const dueAtOnce = 10_000;
/** Settling twice does no harm, so whatever failed for want of a connection is tried again. */
const attempts = 3;

interface Task {
  readonly campaignId: string;
  readonly dueAt: number | undefined;
}

/**
 * Settles everything that is due, however old, and (with `completeFull`) every full campaign. Any
 * number of processes may do this at once: each row is locked and checked again, and what another
 * holds is left to it. Gives the transitions made here. One campaign that cannot be settled is
 * logged and does not keep the others from it. `stop` ends it after the transactions under way.
 */
export async function settleDue(
  parts: SettleDeps,
  { completeFull, stop }: { readonly completeFull: boolean; readonly stop?: AbortSignal },
): Promise<Settlement> {
  const run = new SettlementRun(parts, { completeFull, stop });
  try {
    let tasks = await dueTasks(parts.db, run);
    if (completeFull) tasks.push(...(await fullTasks(parts.db, tasks)));
    // Listed anew after each pass: what fell due while a large campaign is closed in steps does not
    // wait for its last one.
    for (; tasks.length > 0; tasks = await dueTasks(parts.db, run)) await run.pass(tasks);
    return { transitions: run.transitions, failure: undefined };
  } catch (failure) {
    return { transitions: run.transitions, failure };
  }
}

/**
 * Settles one campaign until nothing is left to do or somebody else holds it. What it leaves when
 * the database goes away is still due, and any worker's.
 */
export async function settleUntilDone(parts: SettleDeps, campaignId: string): Promise<Settlement> {
  const run = new SettlementRun(parts, { completeFull: false, stop: undefined });
  try {
    while (!run.isOver(campaignId)) await run.pass([{ campaignId, dueAt: undefined }]);
    return { transitions: run.transitions, failure: undefined };
  } catch (failure) {
    parts.log.warn({ campaign_id: campaignId, err: failure }, 'a campaign is settled later');
    return { transitions: run.transitions, failure };
  }
}

async function dueTasks(db: Database, run: SettlementRun): Promise<Task[]> {
  if (run.isStopped) return [];
  const due = await patiently(() => db.rows(sql.listDue, dueAtOnce));
  return due
    .filter(({ campaign_id: id }) => !run.isOver(id))
    .map(({ campaign_id: campaignId, next_run_at: at }) => ({ campaignId, dueAt: at.getTime() }));
}

/** The full campaigns that are not due as well. */
async function fullTasks(db: Database, due: readonly Task[]): Promise<Task[]> {
  const known = new Set(due.map(({ campaignId }) => campaignId));
  const tasks: Task[] = [];
  for (let after: string | null = null; ;) {
    const page: sql.Due[] = await patiently(() => db.rows(sql.listFull, after, dueAtOnce));
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
  /** Campaigns that this run has nothing more to do for: settled, held by another, or failed. */
  readonly #over = new Set<string>();
  /** When those were due that take several passes: the closing itself sets another time. */
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
    return this.#over.has(campaignId);
  }

  /** One transaction for each campaign, several campaigns in one; a large one takes more passes. */
  async pass(tasks: readonly Task[]): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
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
    const lanes = await Promise.allSettled(Array.from({ length: concurrency }, lane));
    for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
  }

  /** One transaction; when it fails for one of its campaigns, each gets a transaction of its own. */
  async #settle(batch: readonly Task[]): Promise<void> {
    const { db, log, paysOnline = false, clock = () => new Date() } = this.#parts;
    const ids = batch.map(({ campaignId }) => campaignId);
    for (const id of ids) this.#over.add(id);
    try {
      const settled = await patiently(() =>
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
      // It concerns every campaign: whatever was closed now would be closed for good.
      const refusal = asDomainError(error);
      if (refusal instanceof DomainError && refusal.code === 'clock_skewed') throw refusal;
      if (batch.length > 1) {
        for (const task of batch) await this.#settle([task]);
      } else if (isWorthRetrying(error)) {
        // A row of it is in use: it is still due, and comes again.
        log.info({ campaign_id: ids[0], err: error }, 'a campaign is settled later');
      } else {
        log.error({ campaign_id: ids[0], err: error }, 'a campaign cannot be settled');
      }
    }
  }

  #note({ campaign_id: id, transitions, settled, more }: sql.Settled, listedDueAt?: number): void {
    const dueAt = this.#dueAt.get(id) ?? listedDueAt;
    this.transitions.push(...transitions.map((entry) => transitionOf(entry, dueAt)));
    if (transitions.length > 0 || settled > 0) this.#parts.db.noteChanged(id);
    if (!more) return;
    this.#over.delete(id);
    if (dueAt !== undefined) this.#dueAt.set(id, dueAt);
  }
}

/** Tries again while there is no connection to be had, or it is lost; gives up with its error. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
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
    slotsTaken: Number(entry.metadata['slots_taken']),
    totalSlots: Number(entry.metadata['total_slots']),
    lagMs: dueAt === undefined ? undefined : Math.max(0, at.getTime() - dueAt),
  };
}
