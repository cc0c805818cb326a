import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { runningEmbedded, startEmbedded } from '../database/embedded/start.ts';
import { databaseError, withOutcome } from '../database/errors.ts';
import { migrate } from '../database/migrate.ts';
import { createLog } from '../server/logging.ts';

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
