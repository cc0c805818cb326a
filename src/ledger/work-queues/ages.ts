import { query, type Queryable } from '../../database/query.ts';
import type { Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import type { RefundGateway } from '../refunds/operations.ts';

/** Target hours to handle an item of each queue; alerts fire after that. */
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

/** Maximum count of a queue's items. */
export const maxQueueItems = 1_000;

export interface QueueRow {
  /** A WorkQueue of the API; the database has no such type. */
  readonly queue: string;
  readonly items: number;
  /** When the oldest item was added. */
  readonly oldest: Date | null;
}

const measureQueues = query<[max: number, provider: string | null], QueueRow>(
  'measure_queues',
  'select queue, items, oldest from sambatan.work_queues($1, $2)',
);

/**
 * Returns the length (up to maxQueueItems) and the oldest item of each queue. Refunds that
 * `gateway` sends are excluded. Refuses: forbidden.
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

/** Returns when an item that was added then is due. */
export function dueAt(queue: WorkQueue, since: Date): Date {
  return new Date(since.getTime() + queueTargetHours[queue] * 3_600_000);
}
