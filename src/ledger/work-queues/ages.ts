import { query, type Queryable } from '../../database/query.ts';
import type { Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import type { RefundGateway } from '../refunds/operations.ts';

/** Within how many hours somebody should have done what waits in a queue; alerts fire after that. */
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

/** What waits in a queue is counted up to here. */
export const maxQueueItems = 1_000;

export interface QueueRow {
  /** A WorkQueue; the database knows no such type. */
  readonly queue: string;
  readonly items: number;
  /** Since when the oldest has waited. */
  readonly oldest: Date | null;
}

const measureQueues = query<[max: number, provider: string | null], QueueRow>(
  'measure_queues',
  'select queue, items, oldest from sambatan.work_queues($1, $2)',
);

/**
 * How much waits for a person in each queue, up to maxQueueItems, and since when. What `gateway`
 * sends back by itself does not wait. Refuses: forbidden.
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

/** When what has waited in a queue since then should be done. */
export function dueAt(queue: WorkQueue, since: Date): Date {
  return new Date(since.getTime() + queueTargetHours[queue] * 3_600_000);
}
