import type { FastifyInstance } from 'fastify';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Metrics } from '../observability/metrics.ts';
import { choice, closed, nullable, problems, Timestamp } from '../http/schemas.ts';

interface SchedulerTimes {
  readonly isRunning: boolean;
  readonly nextRunTime: Date | null;
}

/** Data sources of the health report. */
export interface HealthSources {
  /** Queries the database on its own connection; rejects when it does not answer. */
  readonly pingDatabase: () => Promise<unknown>;
  /** Undefined in a process without a scheduler. */
  readonly scheduler: { status(): SchedulerTimes } | undefined;
  /**
   * Returns true while the database is quarantined: notifications and money movements are stopped
   * after a restore.
   */
  readonly isQuarantined: () => Promise<boolean>;
  /** True once shutdown has started. */
  readonly isDraining: () => boolean;
  /** Undefined in a process without notifications. */
  readonly notifications:
    { status(): { readonly isRunning: boolean; readonly lagSeconds: number } } | undefined;
}

const Health = closed(
  {
    status: choice(['healthy', 'degraded']),
    scheduler_running: Type.Boolean(),
    messages_running: Type.Boolean(),
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

/** The paths of `registerProbes`. */
export const probePaths = ['/livez', '/readyz', '/metrics'] as const;
/** The path of `healthRoutes`, below the API's prefix. */
export const healthPath = '/health';

const probeTimeoutMs = 1_000;
/** Many load balancers may probe at once: one database query serves them for this long. */
const probeAgeMs = 500;

/**
 * `GET /health`: component status for people and dashboards. Always 200 while the process answers,
 * because the status is in the body; load balancers use `/readyz`.
 */
export function healthRoutes(
  sources: HealthSources,
  /** Returns true when a peer that is not a trusted proxy has sent a forwarding header. */
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
 * Registers `/livez` (the process answers), `/readyz` (503 while the database is down or the
 * process is shutting down) and `/metrics`.
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
 * Returns a check whether the database answers within a second; concurrent callers share one
 * query.
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
