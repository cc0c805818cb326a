import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { columnTypes } from './query.ts';
import { driverUrl } from './session.ts';

const directory = join(import.meta.dirname, '../../sql/invariants');

/**
 * An invariant that is violated, with the rows that its query found. If an invariant holds, its
 * query finds no rows.
 */
export interface Violation {
  readonly name: string;
  readonly rows: readonly object[];
}

/** The number of invariants. */
export const invariantCount = (): number => files().length;

/**
 * Runs every query of sql/invariants and returns the violated invariants. After each query, calls
 * `onEach` with the number of queries that have run. The queries run on a separate connection
 * without a time-out, because they take a long time on a large database.
 */
export async function findViolations(
  url: string,
  onEach: (checked: number) => void = () => undefined,
): Promise<Violation[]> {
  const client = new pg.Client({ connectionString: driverUrl(url), types: columnTypes });
  await client.connect();
  try {
    const found: Violation[] = [];
    for (const [index, file] of files().entries()) {
      const { rows } = await client.query<object>(readFileSync(join(directory, file), 'utf8'));
      if (rows.length > 0) found.push({ name: file.replace(/\.sql$/, ''), rows });
      onEach(index + 1);
    }
    return found;
  } finally {
    await client.end();
  }
}

/** The names of the invariants: their file names without the extension. */
export const invariantNames = (): string[] => files().map((file) => file.replace(/\.sql$/, ''));

/** Returns the query of one invariant without the semicolon at its end. */
export function invariantQuery(name: string): string {
  const text = readFileSync(join(directory, `${name}.sql`), 'utf8');
  return text.trim().replace(/;$/, '');
}

/**
 * Returns the number of rows that the query of one invariant finds. The rows are counted by the
 * server. The query runs on a separate connection with a time-out of half an hour. Throws when
 * `stop` aborts the query.
 */
export async function countViolations(
  url: string,
  name: string,
  stop: AbortSignal,
): Promise<bigint> {
  stop.throwIfAborted();
  const client = new pg.Client({
    connectionString: driverUrl(url),
    types: columnTypes,
    application_name: 'sambatan invariants',
  });
  client.on('error', () => undefined);
  const end = (): void => void client.end().catch(() => undefined);
  stop.addEventListener('abort', end);
  try {
    await client.connect();
    await client.query("begin read only; set local statement_timeout = '30min'");
    const { rows } = await client.query<{ found: bigint }>(
      `select count(*) as found from (\n${invariantQuery(name)}\n) violations`,
    );
    await client.query('commit');
    return rows[0]!.found;
  } finally {
    stop.removeEventListener('abort', end);
    await client.end();
  }
}

function files(): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort();
}
