import pg from 'pg';
import { driverUrl, isTransactionPooler } from '../database/session.ts';

/** Session settings that make backups portable between servers. */
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
  // With row security the backup would silently miss hidden rows.
  'set local row_security = off',
].join('; ');

/**
 * Runs `work` in one transaction on its own connection, without statement time-outs. Commits when
 * it returns, rolls back when it throws. Throws on a transaction pooler.
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
  // The running statement fails by itself; an unhandled event would end the process.
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
    // During a COPY the connection accepts nothing else: closing it makes the server roll back.
    if (isDone) await client.end();
    else
      (
        client as unknown as { connection: { stream: { destroy(): void } } }
      ).connection.stream.destroy();
  }
}

/** Throws on a transaction pooler: backups need a session. */
export function checkConnection(url: string): void {
  if (!isTransactionPooler(url)) return;
  throw new Error(
    'backups do not work through a transaction pooler: give DATABASE_URL the direct connection ' +
      'or the session pooler (port 5432)',
  );
}
