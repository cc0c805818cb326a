import { open } from 'node:fs/promises';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { endOfRows, RowCounter } from './backup-file.ts';
import type { BackupFooter, BackupHeader, SequenceState, TableHeader } from './backup-file.ts';
import { inOwnTransaction } from './connection.ts';
import { appliedMigrations, type AppliedMigration } from '../quarantine/queries.ts';

export interface DumpOptions {
  readonly url: string;
  /** The file to create, with mode 0600. It must not exist. */
  readonly file: string;
  /** Called with the number of tables written so far. */
  readonly onTable?: (tables: number) => void;
}

export interface Dump {
  readonly migrations: readonly AppliedMigration[];
  readonly tables: number;
  readonly rows: number;
}

/** Tables that a backup leaves out: the identity of this database and the list of its workers. */
const excludedTables = ['sambatan.installation', 'sambatan.workers'];

/**
 * Writes the rows of the service's schemas to a file: one consistent snapshot, read in a single
 * repeatable-read transaction. Throws the error of the server or of the file (such as ENOSPC).
 */
export async function dump({ url, file, onTable }: DumpOptions): Promise<Dump> {
  const handle = await open(file, 'wx', 0o600);
  const gzip = createGzip({ level: 5 });
  // Each table is piped into gzip, and each pipeline leaves listeners on it, so allow any number.
  gzip.setMaxListeners(0);
  const written = pipeline(gzip, handle.createWriteStream());
  // Handled below: an error of the file causes further errors, and only the file's error is thrown.
  written.catch(() => undefined);
  try {
    const begin = 'begin isolation level repeatable read read only';
    const result = await inOwnTransaction(url, begin, (client) => writeAll(client, gzip, onTable));
    gzip.end();
    await written;
    return result;
  } catch (error) {
    gzip.destroy();
    const [outcome] = await Promise.allSettled([written]);
    const reason: unknown = outcome.status === 'rejected' ? outcome.reason : undefined;
    throw isFileError(reason) ? reason : error;
  }
}

const isFileError = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && 'errno' in error;

async function writeAll(
  client: pg.Client,
  into: Writable,
  onTable: DumpOptions['onTable'],
): Promise<Dump> {
  // Lock the tables before the snapshot is taken, so that no migration changes them in between.
  const named = await tablesOf(client);
  await client.query(
    `lock table ${named.map(({ table }) => table).join(', ')} in access share mode`,
  );
  const tables = await tablesOf(client);
  if (!isDeepStrictEqual(tables, named)) {
    throw new Error('a migration was applied meanwhile; take the backup again');
  }
  const { rows: migrations } = await client.query<AppliedMigration>(appliedMigrations.text);
  const { rows: server } = await client.query<{ postgresql: string; begun_at: Date }>(
    "select current_setting('server_version') as postgresql, now() as begun_at",
  );
  const header: BackupHeader = {
    format: 'sambatan-backup',
    version: 1,
    begun_at: server[0]!.begun_at.toISOString(),
    postgresql: server[0]!.postgresql,
    migrations,
    tables: tables.length,
    sequences: await sequencesOf(client),
  };
  await writeLine(into, header);
  let rows = 0;
  for (const [index, table] of tables.entries()) {
    rows += await writeTable(client, into, table);
    onTable?.(index + 1);
  }
  const footer: BackupFooter = { end: true, tables: tables.length, rows };
  await writeLine(into, footer);
  return { migrations, tables: tables.length, rows };
}

async function writeTable(
  client: pg.Client,
  into: Writable,
  { table, columns }: TableHeader,
): Promise<number> {
  await writeLine(into, { table, columns });
  const counter = new RowCounter();
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      counter.add(chunk);
      done(null, chunk);
    },
  });
  const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  const rows = client.query(copyTo(`copy ${table} (${list}) to stdout`));
  await pipeline(rows, counting, into, { end: false });
  await write(into, endOfRows);
  const footer = counter.footer();
  await writeLine(into, footer);
  return footer.rows;
}

/**
 * Returns the tables of the service's schemas with their columns, always in the same order. Leaves
 * out unlogged tables.
 */
async function tablesOf(client: pg.Client): Promise<TableHeader[]> {
  const { rows } = await client.query<TableHeader>(
    `select format('%I.%I', n.nspname, c.relname) as table,
      array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and a.attgenerated = ''
    where (n.nspname = 'sambatan' or n.nspname like 'sambatan\\_%')
      and c.relkind = 'r' and c.relpersistence = 'p'
      and format('%I.%I', n.nspname, c.relname) <> all ($1)
    group by n.nspname, c.relname
    order by n.nspname, c.relname`,
    [excludedTables],
  );
  return rows;
}

async function sequencesOf(client: pg.Client): Promise<SequenceState[]> {
  const { rows: names } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and (n.nspname = 'sambatan' or n.nspname like 'sambatan\\_%')
    order by 1`,
  );
  const states: SequenceState[] = [];
  for (const { name } of names) {
    const { rows } = await client.query<{ last_value: string; is_called: boolean }>(
      `select last_value::text as last_value, is_called from ${name}`,
    );
    states.push({ name, ...rows[0]! });
  }
  return states;
}

const writeLine = (into: Writable, line: object) => write(into, `${JSON.stringify(line)}\n`);

async function write(into: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    into.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
