import type { MetricSources } from '../../../src/observability/metrics.ts';

/** The sources of metrics in a process that has no pool, no joins and no requests. */
export const noMetricSources: MetricSources = {
  poolStats: () => ({ total: 0, idle: 0, waiting: 0 }),
  joinQueueDepth: () => 0,
  concurrencyLimiter: { inFlight: 0, limit: 1, shedsByPriority: new Map() },
};
