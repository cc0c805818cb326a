import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { readMigrations, type Migration } from '../database/migrate.ts';
import { BackupDamaged, BackupReader } from './backup-file.ts';
import type { BackupHeader } from './backup-file.ts';

export interface LoadOptions {
  readonly file: string;
  /** Called with the number of tables loaded so far and the total number. */
  readonly onTable?: ((tables: number, all: number) => void) | undefined;
}

/**
 * Creates the schema of a backup by running its migrations, then loads its rows. Runs in the
 * transaction of `client`. The service's schemas must not exist before. Throws BackupDamaged or the
 * server's error.
 */
export async function load(client: pg.Client, { file, onTable }: LoadOptions): Promise<void> {
  const reader = new BackupReader(file);
  try {
    const header = await reader.header();
    await makeSchema(client, header);
    const constraints = await dropForeignKeys(client);
    const triggers = await disableTriggers(client);
    await emptyTables(client);
    await readTables(client, reader, { file, header, onTable });
    for (const { name, last_value, is_called } of header.sequences) {
      await client.query('select setval($1::regclass, $2, $3)', [name, last_value, is_called]);
    }
    for (const statement of [...triggers, ...constraints]) await client.query(statement);
  } finally {
    reader.close();
  }
}

/** Runs the migrations that the backup names. */
async function makeSchema(client: pg.Client, { migrations }: BackupHeader): Promise<void> {
  const known = new Map(readMigrations().map((one) => [one.version, one]));
  const wanted = migrations.map(({ version, name, sha256 }): Migration => {
    const migration = known.get(version);
    if (migration?.checksum === sha256) return migration;
    throw new Error(
      `the backup has the migration ${version}_${name ?? ''}, which this version of Sambatan ` +
        `${migration === undefined ? 'does not have' : 'has with another text'}: restore it with ` +
        'the version that wrote it, then upgrade',
    );
  });
  for (const { sql } of wanted) await client.query(sql);
}

const ourSchema = "(n.nspname = 'sambatan' or n.nspname like 'sambatan\\_%')";

/**
 * Drops the foreign keys of the service's schemas, so that the tables can be loaded in any order.
 * Returns the statements that create the foreign keys again and check every row.
 */
async function dropForeignKeys(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ drop: string; add: string }>(
    `select
      format('alter table %I.%I drop constraint %I', n.nspname, c.relname, k.conname) as drop,
      format('alter table %I.%I add constraint %I %s', n.nspname, c.relname, k.conname,
        pg_get_constraintdef(k.oid)) as add
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and k.conparentid = 0 and ${ourSchema}
    order by n.nspname, c.relname, k.conname`,
  );
  for (const { drop } of rows) await client.query(drop);
  return rows.map(({ add }) => add);
}

/**
 * Disables triggers, so that rows are loaded unchanged. Returns the statements that enable the
 * triggers again.
 */
async function disableTriggers(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ disable: string; enable: string }>(
    `select format('alter table %I.%I disable trigger %I', n.nspname, c.relname, t.tgname) as disable,
      format('alter table %I.%I enable %strigger %I', n.nspname, c.relname,
        case when t.tgenabled = 'A' then 'always ' when t.tgenabled = 'R' then 'replica ' else '' end,
        t.tgname) as enable
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and t.tgenabled <> 'D' and ${ourSchema}`,
  );
  for (const { disable } of rows) await client.query(disable);
  return rows.map(({ enable }) => enable);
}

/** Deletes the rows that migrations inserted, because the backup contains these rows. */
async function emptyTables(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and ${ourSchema}`,
  );
  for (const { name } of rows) await client.query(`delete from ${name}`);
}

interface TablesToRead extends LoadOptions {
  readonly header: BackupHeader;
}

async function readTables(
  client: pg.Client,
  reader: BackupReader,
  { file, header, onTable }: TablesToRead,
): Promise<void> {
  const known = await columnsOf(client);
  for (let tables = 0; ;) {
    const next = await reader.next();
    if ('end' in next) {
      if (tables === header.tables && next.tables === tables) return;
      throw new BackupDamaged(file, 'tables are missing');
    }
    const missing = next.columns.filter((column) => !known.get(next.table)?.includes(column));
    if (missing.length > 0) {
      throw new Error(`the schema has no ${next.table} (${missing.join(', ')}), as the backup has`);
    }
    const columns = next.columns.map((column) => pg.escapeIdentifier(column)).join(', ');
    const into = client.query(copyFrom(`copy ${next.table} (${columns}) from stdin`));
    await pipeline(Readable.from(reader.rows(next.table), { objectMode: false }), into);
    onTable?.(++tables, header.tables);
  }
}

/** Returns the columns of each table of the service, by the table's quoted name. */
async function columnsOf(client: pg.Client): Promise<Map<string, readonly string[]>> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select format('%I.%I', n.nspname, c.relname) as name, array_agg(a.attname::text) as columns
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r' and ${ourSchema}
    group by 1`,
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}
