import pg from 'pg';
import { driverUrl, isTransactionPooler } from '../database/session.ts';

/**
 * Session settings that do not depend on the server, so that another server can restore the backup.
 */
const settings = [
  "set local client_encoding = 'UTF8'",
  "set local datestyle = 'ISO'",
  "set local intervalstyle = 'postgres'",
  "set local timezone = 'UTC'",
  "set local bytea_output = 'hex'",
  'set local extra_float_digits = 3',
  'set local statement_timeout = 0',
  'set local idle_in_transaction_session_timeout = 0',
  "set local lock_timeout = '60s'",
  // If row security is on, reading hidden rows fails instead of silently leaving them out.
  'set local row_security = off',
].join('; ');

/**
 * Runs `work` in one transaction on a connection of its own, without statement time-outs. Commits
 * when `work` returns, rolls back when it throws. Refuses the URL of a transaction pooler.
 */
export async function inOwnTransaction<T>(
  url: string,
  begin: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  checkConnection(url);
  const client = new pg.Client({
    connectionString: driverUrl(url),
    application_name: 'sambatan backup',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // When the connection is lost, the running statement fails. Without this listener the event would
  // also end the process.
  client.on('error', () => undefined);
  await client.connect();
  let isDone = false;
  try {
    await client.query(`${begin}; ${settings}`);
    const result = await work(client);
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') throw new Error('the server did not commit it');
    isDone = true;
    return result;
  } finally {
    // During a COPY the connection accepts no rollback. Closing the connection makes the server
    // roll back.
    if (isDone) await client.end();
    else
      (
        client as unknown as { connection: { stream: { destroy(): void } } }
      ).connection.stream.destroy();
  }
}

/** Throws for the URL of a transaction pooler, because a backup needs a database session. */
export function checkConnection(url: string): void {
  if (!isTransactionPooler(url)) return;
  throw new Error(
    'backups do not work through a transaction pooler: give DATABASE_URL the direct connection ' +
      'or the session pooler (port 5432)',
  );
}
