import { DomainError, refusals } from '../errors/errors.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { JoinBatcher } from './batcher.ts';
import type { Joined, JoinRequest } from './join.ts';

/** Dependencies of the routes and pages with which buyers join. */
export interface JoinDeps {
  readonly joins: Pick<JoinBatcher, 'join'>;
  readonly metrics: Pick<Metrics, 'joins'>;
}

/** Queues a join and counts its outcome in the metrics. Throws the same errors as the batcher. */
export async function joinCounted(
  { joins, metrics }: JoinDeps,
  joinRequest: JoinRequest,
): Promise<Joined> {
  try {
    const joined = await joins.join(joinRequest);
    metrics.joins.inc({ outcome: joined.replayed ? 'replayed' : 'joined' });
    return joined;
  } catch (error) {
    metrics.joins.inc({ outcome: error instanceof DomainError ? error.code : 'error' });
    throw error;
  }
}
joinCounted.refusals = refusals(
  'campaign_not_found',
  'campaign_not_active',
  'campaign_closing',
  'deadline_passed',
  'slots_unavailable',
  'quantity_out_of_bounds',
  'rate_limited',
  'campaign_busy',
);
