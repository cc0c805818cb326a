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
  /** The versions of the migrations that this start applied. */
  readonly applied: readonly string[];
  /** Stops the embedded server, if this process started one. Idempotent. */
  stop(): Promise<void>;
}

/** How long to wait for a database that is starting, and the time between two attempts. */
const maxWaitMs = 60_000;
const tryEveryMs = 1_000;

/**
 * Returns the configured database, or starts the embedded one. Applies pending migrations. When a
 * configured database does not answer, tries for a minute and then throws its error.
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
 * Runs a command on a database: the configured one; or the embedded one of a service that is
 * running on the data directory; or the embedded one, started only for this command. Applies
 * pending migrations first and passes their versions to the command.
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

/** Like `withDatabase`, but applies no migrations: the schema may be old or missing. */
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

/**
 * Returns true when the server rejects the user, the password or the database name. Then another
 * attempt would not help.
 */
function turnsUsAway(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === '3D000' || code.startsWith('28');
}
