import type { FastifyInstance } from 'fastify';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Metrics } from '../observability/metrics.ts';
import { choice, closed, nullable, problems, Timestamp } from '../http/schemas.ts';

interface SchedulerTimes {
  readonly isRunning: boolean;
  readonly nextRunTime: Date | null;
}

/** The data sources of the health report. */
export interface HealthSources {
  /**
   * Sends a query to the database on a separate connection. Fails when the database does not
   * answer.
   */
  readonly pingDatabase: () => Promise<unknown>;
  /** The scheduler. Undefined in a process that does not run it. */
  readonly scheduler: { status(): SchedulerTimes } | undefined;
  /**
   * Returns true while the database is quarantined after a restore. Notifications and money
   * movements are then stopped.
   */
  readonly isQuarantined: () => Promise<boolean>;
  /** Returns true once shutdown has started. */
  readonly isDraining: () => boolean;
  /** The sender of notifications. Undefined in a process that does not send notifications. */
  readonly notifications:
    { status(): { readonly isRunning: boolean; readonly lagSeconds: number } } | undefined;
  /** The writer of the public log. Undefined in a process that does not run it. */
  readonly logWriter: { readonly failure: string | null } | undefined;
}

const Health = closed(
  {
    status: choice(['healthy', 'degraded']),
    scheduler_running: Type.Boolean(),
    messages_running: Type.Boolean(),
    log_running: Type.Boolean({ description: 'This process can sign checkpoints' }),
    outbox_lag_seconds: nullable(
      Type.Number({ description: 'The scheduler of this process; null if it has none' }),
    ),
    database_connected: Type.Boolean(),
    next_run: nullable(Timestamp),
    held: nullable(Type.Boolean()),
    unnamed_proxy: Type.Boolean({
      description:
        'A peer that SAMBATAN_TRUSTED_PROXIES does not name has sent X-Forwarded-For or Forwarded',
    }),
  },
  { title: 'Health' },
);

/** The paths that `registerProbes` adds. */
const probePaths = ['/livez', '/readyz', '/metrics'] as const;
/** The path that `healthRoutes` adds, below the prefix of the API. */
const healthPath = '/health';

const probeTimeoutMs = 1_000;
/**
 * The result of a database query is used for this time, because many load balancers may send probes
 * at once.
 */
const probeAgeMs = 500;

/**
 * Registers `GET /health`, which shows the status of each component to people and dashboards. The
 * response is always 200, because the status is in its body. Load balancers use `/readyz` instead.
 */
export function healthRoutes(
  sources: HealthSources,
  /** Returns true after a client that is not a trusted proxy has sent a forwarding header. */
  hasUnnamedProxy: () => boolean,
): FastifyPluginAsyncTypebox {
  const connected = databaseProbe(sources.pingDatabase);
  return async (server) => {
    server.get(
      healthPath,
      {
        schema: {
          tags: ['operations'],
          summary: 'Get the health of this process',
          response: { 200: Health, ...problems() },
        },
      },
      async () => {
        const databaseConnected = await connected();
        const scheduler = sources.scheduler?.status();
        const running = scheduler?.isRunning ?? false;
        const held = databaseConnected ? await sources.isQuarantined().catch(() => null) : null;
        const isWell = databaseConnected && running && held === false;
        const notifications = sources.notifications?.status();
        const telling = notifications?.isRunning ?? false;
        return {
          status: isWell ? ('healthy' as const) : ('degraded' as const),
          scheduler_running: running,
          messages_running: telling,
          log_running: sources.logWriter?.failure === null,
          outbox_lag_seconds: telling ? (notifications?.lagSeconds ?? null) : null,
          database_connected: databaseConnected,
          next_run: scheduler?.nextRunTime ?? null,
          held,
          unnamed_proxy: hasUnnamedProxy(),
        };
      },
    );
  };
}

/**
 * Registers `/livez` (200 while the process answers), `/readyz` (503 while the database is down or
 * the process is shutting down) and `/metrics`.
 */
export function registerProbes(
  server: FastifyInstance,
  sources: HealthSources,
  metrics: Metrics,
): void {
  const connected = databaseProbe(sources.pingDatabase);
  const hidden = { schema: { hide: true } };
  const [livez, readyz, scrape] = probePaths;
  server.get(livez, hidden, async (_request, reply) => reply.type('text/plain').send('ok\n'));
  server.get(readyz, hidden, async (_request, reply) => {
    const fault = sources.isDraining()
      ? 'stopping'
      : (await connected())
        ? undefined
        : 'database unavailable';
    return reply
      .code(fault === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${fault ?? 'ok'}\n`);
  });
  server.get(scrape, hidden, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

/**
 * Returns a function that checks whether the database answers within one second. Calls at nearly
 * the same time share one query.
 */
function databaseProbe(ping: () => Promise<unknown>): () => Promise<boolean> {
  let latest: { at: number; answer: Promise<boolean> } | undefined;
  return () => {
    const now = performance.now();
    if (!latest || now - latest.at > probeAgeMs) latest = { at: now, answer: inTime(ping) };
    return latest.answer;
  };
}

async function inTime(ping: () => Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), probeTimeoutMs);
  const answered = ping().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}
