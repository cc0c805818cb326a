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

function files(): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort();
}
