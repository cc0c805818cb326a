import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, startedByNpm, type Config } from '../config/config.ts';
import { checkAddress, listen } from '../overload/listen.ts';
import { siteFilePlugins, sitePages } from '../server/site/pages.ts';
import { apiRoutes } from '../server/routes.ts';
import { buildServer, stopServer } from '../server/server.ts';
import { findQuarantine, type Quarantine } from '../quarantine/operations.ts';
import { boundHeap, handBackMemory, onStopSignal } from './stop-process.ts';
import { exitCodes, type Command } from './command.ts';
import { formatQuarantine } from './release-hold.ts';
import { openService, type Service } from './service.ts';

/** How long to wait at shutdown for requests in progress, in milliseconds. */
const graceMs = 10_000;
/** `sambatan serve`: runs the HTTP server and, by default, the background jobs. */
export const serve: Command = {
  usage: `
Usage: sambatan serve [--no-worker]

  --no-worker   answer HTTP only; deadlines then need a "sambatan worker"

Starts its own PostgreSQL in SAMBATAN_DATA_DIR unless DATABASE_URL is set, applies missing
migrations, and listens on HOST:PORT. After SIGINT or SIGTERM, /readyz answers 503 for
SAMBATAN_DRAIN_SECONDS while requests are still accepted; then the service answers requests in
flight and stops everything that it started.
`,
  options: { 'no-worker': { type: 'boolean' } },
  async run(options) {
    const config = loadConfig();
    const running = await startServing(config, { withWorker: !options['no-worker'] });
    process.stdout.write(greeting(config, running));
    await stopSignalled(() => running.stop());
    return exitCodes.done;
  },
};

/** A running HTTP service. */
export interface Serving {
  readonly service: Service;
  /** The base URL of the service. */
  readonly url: string;
  /** The quarantine of the database when the service started; undefined without one. */
  readonly hold: Quarantine | undefined;
  stop(): Promise<void>;
}

/** Starts all parts of the service in order; `stop` stops them in reverse order. */
export async function startServing(
  config: Config,
  { withWorker }: { readonly withWorker: boolean },
): Promise<Serving> {
  // Check the port before the database starts, so that a port in use is reported without waiting
  // for migrations.
  await checkAddress(config.http);
  const service = await openService(config);
  const { app } = service;
  try {
    let draining = false;
    const parts = { ...app, isDraining: () => draining };
    const server = await buildServer(parts, apiRoutes(app), sitePages(app), siteFilePlugins(app));
    await app.changeNotifier.start();
    if (withWorker) for (const job of app.jobs) await job.start();
    const hold = await findQuarantine(app.db);
    await server.ready();
    handBackMemory();
    boundHeap();
    await listen(server, config.http);
    const { port } = server.server.address() as AddressInfo;
    const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host;
    const stop = async (): Promise<void> => {
      draining = true;
      await sleep(config.http.drainSeconds * 1_000);
      await stopServer(server, graceMs);
      await service.stop();
    };
    let stopping: Promise<void> | undefined;
    return { service, url: `http://${host}:${port}`, hold, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await service.stop();
    throw error;
  }
}

/** Waits for a stop signal, calls `stop`, and resolves when everything has stopped. */
export async function stopSignalled(stop: () => Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  onStopSignal(
    async () => {
      try {
        await stop();
      } finally {
        resolve();
      }
    },
    // npm forwards signals to this process. When npm is killed, only the check of the parent
    // process notices that.
    { withParent: startedByNpm() },
  );
  await promise;
}

function greeting(config: Config, { service, url, hold }: Serving): string {
  const place = config.database.dataDirectory;
  const database = config.database.url ? 'the configured one' : `embedded, in ${shortPath(place)}`;
  const lines = [
    `Sambatan answers at ${url}`,
    `  API         ${url}/api/sambatan (documents: ${url}/api/docs)`,
    `  health      ${url}/api/sambatan/health`,
    `  PostgreSQL  ${database}`,
  ];
  if (service.app.mailer.outbox !== undefined) {
    lines.push(
      `  e-mails     ${url}${service.app.outboxPath}`,
      '              shown there, including sign-in codes, until SMTP_URL is set: keep it secret',
    );
  }
  if (hold !== undefined) {
    lines.push(
      `  HELD        no message is sent and no money moves: ${formatQuarantine(hold)}`,
      '              when this is the real database: sambatan release-hold --yes',
    );
  }
  if (service.newServiceKey !== undefined) {
    lines.push(
      `  service key ${service.newServiceKey}`,
      `              shown this once; it lies in ${shortPath(join(place, 'service-key'))}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Returns a path relative to the working directory if it is below it. */
function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : `./${near}`;
}
