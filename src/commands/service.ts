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

/** A reachable database with the current schema. */
export interface ReadyDatabase {
  readonly url: string;
  /** Versions of the migrations that were just applied. */
  readonly applied: readonly string[];
  /** Stops the embedded server, if there is one. Idempotent. */
  stop(): Promise<void>;
}

/** Maximum wait for a starting database, and the retry interval. */
const maxWaitMs = 60_000;
const tryEveryMs = 1_000;

/**
 * Returns the configured database, or starts the embedded one, and applies pending migrations.
 * Waits up to a minute for a configured database that does not answer yet; then throws its error.
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
 * Runs a command on the configured database, on the database of a service that uses the data
 * directory now, or on the embedded one, started for the command. Applies pending migrations first
 * and passes their versions to the command.
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

/** As `withDatabase`, but leaves the schema as it is, or missing. */
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
  const giveUpAt = performance.now() + maxWaitMs;
  for (;;) {
    try {
      return await migrate(url, { log });
    } catch (error) {
      const away = databaseError(withOutcome(error, { safe: true })).kind === 'unavailable';
      if (!away || turnsUsAway(error) || performance.now() > giveUpAt) throw error;
      log.warn({ err: error }, 'the database does not answer yet; retrying');
      await sleep(tryEveryMs);
    }
  }
}

/** The server rejects the user, password or database: a retry would not help. */
function turnsUsAway(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === '3D000' || code.startsWith('28');
}

/** A running service's application, and its stop function. */
export interface Service {
  readonly app: App;
  /** A newly generated service key, to show once. */
  readonly newServiceKey: string | undefined;
  /** Stops the application, then the database, then the log. Idempotent. */
  stop(): Promise<void>;
}

/** Opens everything below HTTP and the scheduler: log, database, schema, application. */
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

/** Returns the configured keys, or those that the embedded installation generates. */
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

/** Loads the tracing code only where it is configured. */
async function openTraces({ traces }: Config, log: Logger): Promise<Trace | undefined> {
  const { url } = traces;
  if (url === undefined) return undefined;
  const { openTrace } = await import('../observability/otlp.ts');
  return openTrace({ ...traces, url, log });
}
