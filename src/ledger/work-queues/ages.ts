import { query, type Queryable } from '../../database/query.ts';
import type { Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import type { RefundGateway } from '../refunds/operations.ts';

/**
 * Number of hours in which an item of each queue should be handled. After that time, alerts are
 * sent.
 */
export const queueTargetHours = {
  proofs: 24,
  statement_lines: 48,
  disputes: 72,
  payouts: 48,
  overdue_payments: 72,
  refunds: 72,
  claims: 336,
  decisions: 96,
} as const;
export type WorkQueue = keyof typeof queueTargetHours;
export const workQueues = Object.keys(queueTargetHours) as WorkQueue[];

/** Items of a queue are counted up to this number. */
export const maxQueueItems = 1_000;

export interface QueueRow {
  /** A value of the API's type WorkQueue. The database has no such type, so it is a string here. */
  readonly queue: string;
  readonly items: number;
  /** The time since when the oldest item waits. */
  readonly oldest: Date | null;
}

const measureQueues = query<[max: number, provider: string | null], QueueRow>(
  'measure_queues',
  'select queue, items, oldest from sambatan.work_queues($1, $2)',
);

/**
 * Returns the length (up to maxQueueItems) and the oldest item of each queue. Excludes refunds that
 * `gateway` sends. Refuses: forbidden.
 */
export async function viewQueues(
  db: Queryable,
  actor: Actor,
  gateway: RefundGateway,
): Promise<ReadonlyMap<WorkQueue, QueueRow>> {
  authorize(actor, 'dashboard.read');
  const rows = await db.rows(measureQueues, maxQueueItems, gateway?.name ?? null);
  return new Map(rows.map((row) => [row.queue as WorkQueue, row]));
}

/** Returns when an item that has waited since `since` should be handled. */
export function dueAt(queue: WorkQueue, since: Date): Date {
  return new Date(since.getTime() + queueTargetHours[queue] * 3_600_000);
}
