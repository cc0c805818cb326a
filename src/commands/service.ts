import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createApp, type App } from '../app/app.ts';
import type { Trace } from '../observability/trace.ts';
import { runningEmbedded, startEmbedded } from '../database/embedded.ts';
import { databaseError, withOutcome } from '../database/errors.ts';
import { migrate } from '../database/migrate.ts';
import { createLog } from '../server/logging.ts';
import { generatedKey, type GeneratedKey } from '../identity/generated-keys.ts';

/** A database that is there, with the schema it should have. */
export interface ReadyDatabase {
  readonly url: string;
  /** Versions of the migrations that were applied just now. */
  readonly applied: readonly string[];
  /** Ends the embedded server, if it is ours. Idempotent. */
  stop(): Promise<void>;
}

/** How long a database that is still starting is waited for, and how often it is tried. */
const patienceMs = 60_000;
const tryEveryMs = 1_000;

/**
 * Gives the configured database, or starts the embedded one, and brings its schema up to date. A
 * configured one that does not answer yet is waited for, a minute at most; then its error is
 * thrown.
 */
export async function readyDatabase(config: Config, log: Logger): Promise<ReadyDatabase> {
  const { url, dataDirectory } = config.database;
  if (url !== undefined) {
    const { applied } = await migratePatiently(url, log);
    return { url, applied, stop: async () => undefined };
  }
  const isNew = !existsSync(join(dataDirectory, 'postgres'));
  log.info(isNew ? 'creating the database' : 'starting the database');
  const embedded = await startEmbedded({ dataDir: dataDirectory, log });
  try {
    if (isNew) log.info('creating the tables');
    const { applied } = await migrate(embedded.url, { log });
    return { url: embedded.url, applied, stop: () => embedded.stop() };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

/**
 * Runs a command on the configured database, on that of a service that runs on the data directory
 * now, or on the embedded one, started for as long as it takes. The schema is brought up to date
 * before; the command is told of what that applied.
 */
export async function withDatabase<T>(
  config: Config,
  command: (url: string, log: Logger, applied: readonly string[]) => Promise<T>,
): Promise<T> {
  const { log, flush } = createLog(config.log.level === 'info' ? 'warn' : config.log.level);
  const running =
    config.database.url === undefined ? runningEmbedded(config.database.dataDirectory) : undefined;
  const database =
    running === undefined
      ? await readyDatabase(config, log)
      : { url: running, ...(await migratePatiently(running, log)), stop: async () => undefined };
  try {
    return await command(database.url, log, database.applied);
  } finally {
    await database.stop();
    flush();
  }
}

/**
 * Runs a command on the same database as `withDatabase` does, with the schema that it has, or none.
 */
export async function withDatabaseAsItIs<T>(
  config: Config,
  command: (url: string, log: Logger) => Promise<T>,
): Promise<T> {
  const { log, flush } = createLog(config.log.level === 'info' ? 'warn' : config.log.level);
  const { url, dataDirectory } = config.database;
  const running = url ?? runningEmbedded(dataDirectory);
  const own =
    running === undefined ? await startEmbedded({ dataDir: dataDirectory, log }) : undefined;
  try {
    return await command(running ?? own!.url, log);
  } finally {
    await own?.stop();
    flush();
  }
}

async function migratePatiently(url: string, log: Logger): Promise<{ applied: string[] }> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await migrate(url, { log });
    } catch (error) {
      const away = databaseError(withOutcome(error, { safe: true })).kind === 'unavailable';
      if (!away || turnsUsAway(error) || performance.now() > giveUpAt) throw error;
      log.warn({ err: error }, 'the database does not answer yet; trying again');
      await sleep(tryEveryMs);
    }
  }
}

/** The server is there and says that the user, password or database is wrong: waiting is no use. */
function turnsUsAway(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === '3D000' || code.startsWith('28');
}

/** A running service's application, and how it ends. */
export interface Service {
  readonly app: App;
  /** The generated service key, when it was made just now and has to be shown. */
  readonly newServiceKey: string | undefined;
  /** Ends the application, then the database, then the log. Idempotent. */
  stop(): Promise<void>;
}

/** Everything below HTTP and the scheduler: log, database, schema, application. */
export async function openService(config: Config): Promise<Service> {
  const { log, flush } = createLog(config.log.level);
  const database = await readyDatabase(config, log);
  const { service: key, secret } = await keysOf(config);
  const trace = await openTraces(config, log);
  const app = createApp({
    config,
    log,
    databaseUrl: database.url,
    serviceKey: key.key,
    secretKey: secret,
    trace,
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await app.close();
    await trace?.close();
    await database.stop();
    flush();
  };
  return {
    app,
    newServiceKey: key.created ? key.key : undefined,
    stop: () => (stopping ??= stop()),
  };
}

/** The configured keys, or those that the embedded installation generates for itself. */
async function keysOf({ identity, database }: Config): Promise<{
  readonly service: Pick<GeneratedKey, 'key' | 'created'>;
  readonly secret: string;
}> {
  const service =
    identity.serviceKey === undefined
      ? await generatedKey(database.dataDirectory, 'service-key')
      : { key: identity.serviceKey, created: false };
  if (identity.secretKey !== undefined) return { service, secret: identity.secretKey };
  if (database.url !== undefined) return { service, secret: service.key };
  return { service, secret: (await generatedKey(database.dataDirectory, 'secret-key')).key };
}

/** Nothing of traces is loaded where there are none. */
async function openTraces({ traces }: Config, log: Logger): Promise<Trace | undefined> {
  const { url } = traces;
  if (url === undefined) return undefined;
  const { openTrace } = await import('../observability/otlp.ts');
  return openTrace({ ...traces, url, log });
}
