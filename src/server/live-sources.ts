import type { ChangeNotifier } from '../audit/change-notifier.ts';
import { campaignEventsAfter } from '../audit/queries.ts';
import type { Database } from '../database/pool.ts';
import type { Metrics } from '../observability/metrics.ts';
import { progressOf } from '../participations/progress.ts';
import { shownContributions } from '../participations/queries.ts';
import type { Logger } from 'pino';
import type { LiveSources } from '../live/live-updates.ts';
import { watchedCampaigns } from '../participations/progress-queries.ts';

/** Returns the data sources of the live updates. They convert database rows to API fields. */
export function liveSources(parts: {
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Logger;
  readonly metrics: Metrics;
}): LiveSources {
  const { db, changeNotifier, log, metrics } = parts;
  return {
    progressOf: async (campaignIds) => {
      const rows = await db.rows(watchedCampaigns, [...campaignIds], shownContributions);
      return rows.map(({ audit_seq: seq, contributions, ...row }) => ({
        campaignId: row.campaign_id,
        seq,
        json: JSON.stringify(progressOf(row), wire),
        contributions: JSON.stringify({
          campaign_id: row.campaign_id,
          contributions: contributions.map((one) => ({
            ...one,
            joined_at: new Date(one.joined_at),
          })),
        }),
      }));
    },
    eventsAfter: async (positions) => {
      const rows = await db.rows(
        campaignEventsAfter,
        positions.map(({ campaignId }) => campaignId),
        positions.map(({ seq }) => seq),
      );
      return rows.map((row) => ({
        campaignId: row.campaign_id,
        seq: row.seq,
        json: JSON.stringify({
          campaign_id: row.campaign_id,
          event: row.event,
          timestamp: row.occurred_at,
          slots_taken: row.metadata['slots_taken'],
          total_slots: row.metadata['total_slots'],
        }),
      }));
    },
    onPoke: (listener) => changeNotifier.onChange(listener),
    log,
    metrics,
  };
}

/**
 * Converts amounts to JSON numbers. The database schema keeps whole rupiah below 2^53, so no digits
 * are lost.
 */
function wire(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
