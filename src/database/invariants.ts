import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { columnTypes } from './query.ts';
import { driverUrl } from './session.ts';

const directory = join(import.meta.dirname, '../../sql/invariants');

/** What one invariant's query gave: rows that may not exist. */
export interface Violation {
  readonly name: string;
  readonly rows: readonly object[];
}

/** How many invariants there are. */
export const invariantCount = (): number => files().length;

/**
 * Runs every query of sql/invariants and gives those that found something, after telling `onEach`
 * how many have run. On a connection of its own without a time-out: a large database takes long.
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

/** The names of the invariants: those of their files, without the ending. */
export const invariantNames = (): string[] => files().map((file) => file.replace(/\.sql$/, ''));

/** The query of one invariant, without a semicolon at its end. */
export function invariantQuery(name: string): string {
  const text = readFileSync(join(directory, `${name}.sql`), 'utf8');
  return text.trim().replace(/;$/, '');
}

/**
 * How many rows one invariant's query gives, counted by the server. On a connection of its own, with
 * half an hour of time; `stop` ends it early, and it throws.
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
