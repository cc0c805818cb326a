import type { Database } from '../database/pool.ts';
import { databaseError } from '../database/errors.ts';
import type { Log } from '../database/log.ts';
import type { AuditEvent } from '../audit/events.ts';
import { consult, isWorthRetrying } from '../operation.ts';
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

export interface SettleParts {
  readonly db: Database;
  readonly log: Log;
  /** Told of each campaign that has changed. */
  readonly onChange: (campaignId: string) => void;
}

/** Campaigns in one transaction: enough to share a commit, few enough to hold rows briefly. */
const campaignsAtOnce = 50;
/** Transactions under way at the same time. */
const concurrency = 3;
/** Participations settled in one transaction: well below half a second of the campaign's row. */
const participationsAtOnce = 2_000;
const dueAtOnce = 10_000;

interface Task {
  readonly campaignId: string;
  readonly dueAt: number | undefined;
}

/**
 * Settles everything that is due, however old, and (with `completeFull`) every full campaign. Any
 * number of processes may do this at once: each row is locked and checked again, and what another
 * holds is left to it. Gives the transitions made here. One campaign that cannot be settled is
 * logged and does not keep the others from it.
 */
export async function settleDue(
  parts: SettleParts,
  { completeFull }: { readonly completeFull: boolean },
): Promise<Transition[]> {
  const tasks = new Map<string, Task>();
  for (const due of await consult(() => parts.db.rows(sql.listDue, dueAtOnce))) {
    tasks.set(due.campaign_id, { campaignId: due.campaign_id, dueAt: due.due_at.getTime() });
  }
  if (completeFull) {
    for await (const full of listFull(parts.db)) {
      if (!tasks.has(full)) tasks.set(full, { campaignId: full, dueAt: undefined });
    }
  }
  return await settleAll(parts, [...tasks.values()], completeFull);
}

/** Settles one campaign until nothing is left to do or somebody else holds it. */
export async function settleUntilDone(
  parts: SettleParts,
  campaignId: string,
): Promise<Transition[]> {
  return await settleAll(parts, [{ campaignId, dueAt: undefined }], false);
}

async function* listFull(db: Database): AsyncGenerator<string> {
  let after: string | null = null;
  for (;;) {
    const page: sql.Due[] = await consult(() => db.rows(sql.listFull, after, dueAtOnce));
    for (const full of page) yield full.campaign_id;
    if (page.length < dueAtOnce) return;
    after = page.at(-1)!.campaign_id;
  }
}

async function settleAll(
  parts: SettleParts,
  tasks: Task[],
  completeFull: boolean,
): Promise<Transition[]> {
  const transitions: Transition[] = [];
  const queue = tasks;
  const work = async (): Promise<void> => {
    for (let batch = queue.splice(0, campaignsAtOnce); batch.length > 0;) {
      for (const settled of await settleBatch(parts, batch, completeFull)) {
        const task = batch.find(({ campaignId }) => campaignId === settled.campaign_id)!;
        transitions.push(...settled.transitions.map((entry) => transitionOf(entry, task)));
        parts.onChange(settled.campaign_id);
        if (settled.more) queue.push(task);
      }
      batch = queue.splice(0, campaignsAtOnce);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return transitions;
}

/** One transaction; when it fails for one of its campaigns, each gets a transaction of its own. */
async function settleBatch(
  parts: SettleParts,
  batch: readonly Task[],
  completeFull: boolean,
): Promise<sql.Settled[]> {
  const ids = batch.map(({ campaignId }) => campaignId);
  try {
    return await parts.db.rows(sql.settleCampaigns, ids, completeFull, participationsAtOnce);
  } catch (error) {
    if (databaseError(error).kind === 'unavailable') throw error;
    if (batch.length === 1) {
      const level = isWorthRetrying(error) || databaseError(error).kind === 'refusal';
      // A hold that lapsed as the deadline came, or a row in use: it is still due, and comes again.
      if (level) parts.log.info({ campaign_id: ids[0], err: error }, 'a campaign is settled later');
      else parts.log.error({ campaign_id: ids[0], err: error }, 'a campaign cannot be settled');
      return [];
    }
    const settled: sql.Settled[] = [];
    for (const task of batch) settled.push(...(await settleBatch(parts, [task], completeFull)));
    return settled;
  }
}

function transitionOf(entry: sql.SettledTransition, { dueAt }: Task): Transition {
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
