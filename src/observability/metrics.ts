import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { publicLogMetrics } from './public-log-metrics.ts';

/**
 * The metrics for `GET /metrics`. Each application has its own set; there are no global metrics.
 */
export type Metrics = ReturnType<typeof createMetrics>;

/** The numbers of connections in the database pool. */
export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

const secondsOfARequest = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const secondsOfLag = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 3_600, 86_400];

/** The numbers of requests that this process is handling and has refused. */
export interface ConcurrencyStats {
  readonly inFlight: number;
  readonly limit: number;
  /** The number of rejected requests by priority class. */
  readonly shedsByPriority: ReadonlyMap<string, number>;
}

/** The sources of the gauges whose values are read when the metrics are requested. */
export interface MetricSources {
  readonly poolStats: () => PoolStats;
  readonly joinQueueDepth: () => number;
  readonly concurrencyLimiter: ConcurrencyStats;
}

/**
 * Creates a set of metrics. The sources are read when the metrics are requested, so that no code
 * has to update these gauges.
 */
export function createMetrics(sources: MetricSources) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  readAtScrape(registry, sources);
  return {
    registry,
    ...lifecycleMetrics(registers),
    ...joinMetrics(registers),
    ...watchMetrics(registers),
    ...verifyingMetrics(registers),
    ...queueMetrics(registers),
    ...messageMetrics(registers),
    ...publicLogMetrics(registers),
    httpDuration: new Histogram({
      name: 'sambatan_http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: secondsOfARequest,
      registers,
    }),
    connectionsRefused: new Counter({
      name: 'sambatan_http_connections_refused_total',
      help: 'Connections that were closed at once because the connection limit was reached',
      registers,
    }),
    liveWatchers: new Gauge({
      name: 'sambatan_live_watchers',
      help: 'Open event streams',
      registers,
    }),
  };
}

function lifecycleMetrics(registers: Registry[]) {
  return {
    lifecycleRuns: new Counter({
      name: 'sambatan_lifecycle_runs_total',
      help: 'Lifecycle runs: sweeps, timers and manual runs',
      registers,
    }),
    lifecycleDuration: new Histogram({
      name: 'sambatan_lifecycle_duration_seconds',
      help: 'Duration of a lifecycle run',
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60],
      registers,
    }),
    transitions: new Counter({
      name: 'sambatan_campaign_transitions_total',
      help: 'Campaign transitions made by lifecycle runs of this process',
      labelNames: ['transition_type'],
      registers,
    }),
    deadlineLag: new Histogram({
      name: 'sambatan_deadline_lag_seconds',
      help: 'Delay between the scheduled time of a campaign and its opening or closing',
      buckets: secondsOfLag,
      registers,
    }),
    schedulerRunning: new Gauge({
      name: 'sambatan_scheduler_running',
      help: '1 while the scheduler of this process runs, else 0',
      registers,
    }),
    clockOffset: new Gauge({
      name: 'sambatan_clock_offset_seconds',
      help: "The database's clock minus the clock of this process; beyond 30 s nothing is closed",
      registers,
    }),
    schedulerStartFailures: new Counter({
      name: 'sambatan_scheduler_start_failures_total',
      help: 'Attempts to start the scheduler that failed',
      registers,
    }),
    schedulerFailedLooks: new Counter({
      name: 'sambatan_scheduler_poll_failures_total',
      help: 'Failed queries for due campaigns of a running scheduler',
      registers,
    }),
  };
}

function backupMetrics(gauge: (name: string, help: string) => Gauge) {
  return {
    lastBackup: gauge(
      'sambatan_last_backup_timestamp_seconds',
      'Time at which the last backup was verified; 0 if there is none',
    ),
    installed: gauge(
      'sambatan_installed_timestamp_seconds',
      'Time at which this database was installed or restored',
    ),
  };
}

/**
 * Creates the gauges of the monitor. Only workers run the monitor, so alerts use the maximum over
 * all processes.
 */
function watchMetrics(registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const ofInvariant = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['invariant'], registers });
  return {
    watched: gauge(
      'sambatan_monitor_last_run_timestamp_seconds',
      'Time of the last run of the monitor; 0 in a process without it',
    ),
    overdueCampaigns: gauge(
      'sambatan_overdue_campaigns',
      'Open campaigns past their deadline, counted up to 10,000',
    ),
    overdueOldest: gauge(
      'sambatan_overdue_campaigns_oldest_seconds',
      'Time since the oldest deadline of a campaign that is still open',
    ),
    refundsDue: gauge('sambatan_refunds_due', 'Refunds that are not settled, counted up to 10,000'),
    refundsOldest: gauge(
      'sambatan_refunds_oldest_due_seconds',
      'Age of the oldest refund that is not settled',
    ),
    overpaidRefundsOpen: gauge(
      'sambatan_overpaid_refunds_open',
      'Overpaid refunds that have neither come back nor been written off, counted up to 10,000',
    ),
    overpaidRefundsRupiah: gauge(
      'sambatan_overpaid_refunds_open_rupiah',
      'Amount of the open overpaid refunds, in rupiah',
    ),
    overpaidRefundsOldest: gauge(
      'sambatan_overpaid_refunds_oldest_open_seconds',
      'Age of the oldest open overpaid refund',
    ),
    uniqueCodesFree: new Gauge({
      name: 'sambatan_unique_codes_free',
      help: 'Free unique codes of three digits at the price with the most open payments, by account',
      labelNames: ['account'],
      registers,
    }),
    ...backupMetrics(gauge),
    mailBudgetUsed: new Gauge({
      name: 'sambatan_mail_budget_used_ratio',
      help: 'Used share of the mail budget, by window: five_minutes, day',
      labelNames: ['window'],
      registers,
    }),
    quarantined: gauge(
      'sambatan_quarantined',
      '1 while the database is in quarantine after a restore, else 0',
    ),
    invariantViolations: ofInvariant(
      'sambatan_invariant_violations',
      'Rows that an invariant found at its last check; there should be none',
    ),
    invariantChecked: ofInvariant(
      'sambatan_invariant_checked_timestamp_seconds',
      'Time at which an invariant was last checked on the whole database',
    ),
  };
}

/**
 * Creates the gauge of campaigns whose payments are being checked after the deadline. The monitor
 * sets it.
 */
function verifyingMetrics(registers: Registry[]) {
  return {
    campaignsVerifying: new Gauge({
      name: 'sambatan_campaigns_verifying',
      help: 'Campaigns past their deadline that are verifying',
      registers,
    }),
  };
}

/** Creates the gauges of the operators' work queues. The monitor sets them. */
function queueMetrics(registers: Registry[]) {
  return {
    queueItems: new Gauge({
      name: 'sambatan_work_queue_items',
      help: 'Items in the work queues of operators, by queue, counted up to 10,000',
      labelNames: ['queue'],
      registers,
    }),
    queueOldest: new Gauge({
      name: 'sambatan_work_queue_oldest_seconds',
      help: 'Age of the oldest item in a work queue, by queue; 0 if it is empty',
      labelNames: ['queue'],
      registers,
    }),
  };
}

function joinMetrics(registers: Registry[]) {
  return {
    joins: new Counter({
      name: 'sambatan_joins_total',
      help: 'Joins by outcome: joined, replayed, or the code of the error',
      labelNames: ['outcome'],
      registers,
    }),
    joinBatchSize: new Histogram({
      name: 'sambatan_join_batch_size',
      help: 'Joins committed in one database call',
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
      registers,
    }),
  };
}

function messageMetrics(registers: Registry[]) {
  return {
    deliveries: new Counter({
      name: 'sambatan_deliveries_total',
      help: 'Delivery attempts, by channel and outcome: delivered, again, failed, dropped',
      labelNames: ['channel', 'outcome'],
      registers,
    }),
    mailsRefused: new Counter({
      name: 'sambatan_mails_refused_total',
      help: 'E-mails that the mail budget refused, by kind: stranger, known, proof (re-authentication), invitation',
      labelNames: ['kind'],
      registers,
    }),
    outboxLag: new Gauge({
      name: 'sambatan_outbox_lag_seconds',
      help: 'Age of the oldest due delivery',
      registers,
    }),
  };
}

/** Creates the gauges whose values are computed when the metrics are requested. */
function readAtScrape(registry: Registry, sources: MetricSources): void {
  const { poolStats, joinQueueDepth, concurrencyLimiter } = sources;
  const registers = [registry];
  concurrencyMetrics(registers, concurrencyLimiter);
  new Gauge({
    name: 'sambatan_join_queue_depth',
    help: 'Joins that wait for a batch',
    registers,
    collect() {
      this.set(joinQueueDepth());
    },
  });
  new Gauge({
    name: 'sambatan_database_connections',
    help: 'Connections of the pool (total, idle) and requests that wait for one (waiting)',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(poolStats())) this.set({ state }, count);
    },
  });
}

function concurrencyMetrics(registers: Registry[], concurrencyLimiter: ConcurrencyStats): void {
  new Gauge({
    name: 'sambatan_http_requests_in_flight',
    help: 'Requests in flight, without event streams',
    registers,
    collect() {
      this.set(concurrencyLimiter.inFlight);
    },
  });
  new Gauge({
    name: 'sambatan_http_requests_in_flight_limit',
    help: 'Current concurrency limit; falls while requests wait too long',
    registers,
    collect() {
      this.set(concurrencyLimiter.limit);
    },
  });
  new Counter({
    name: 'sambatan_http_shed_total',
    help: 'Requests that load shedding refused with 503, by priority class',
    labelNames: ['class'],
    registers,
    collect() {
      this.reset();
      for (const [priority, sheds] of concurrencyLimiter.shedsByPriority) {
        this.inc({ class: priority }, sheds);
      }
    },
  });
}
