import pg from 'pg';
import { traced, type Trace } from '../observability/trace.ts';

declare const parametersAndRow: unique symbol;

/** A named SQL statement: `P` are its parameters in order, `R` is one result row. */
export interface Query<P extends readonly unknown[], R> {
  /** At most 63 bytes, unique; also the name of the prepared statement. */
  readonly name: string;
  readonly text: string;
  readonly changes?: ChangedCampaigns | undefined;
  /** It only reads. Outside a transaction such a statement is retried. */
  readonly isRead?: boolean;
  readonly [parametersAndRow]?: (parameters: P) => R;
}

/**
 * Tells which campaigns a statement changes: the number of the parameter that holds their ids
 * (from 1; one id or several), or `rows` for the column campaign_id of its rows. Their watchers
 * are notified after the commit.
 */
export type ChangedCampaigns = number | 'rows';

interface QueryOptions {
  readonly changes?: ChangedCampaigns;
  /** The statement calls a function that writes, and changes no campaign. */
  readonly writes?: boolean;
}

/** Finds rows by id, one or several at once. */
export interface Lookup<R> {
  /**
   * The query for one id takes a scalar: PostgreSQL caches its plan, but plans an array on every
   * call.
   */
  readonly one: Query<[id: string], R>;
  readonly many: Query<[ids: string[]], R>;
  readonly idOf: (row: R) => string;
}

/** Runs statements: a pool (each statement is its own transaction) or a transaction. */
export interface Queryable {
  rows<P extends readonly unknown[], R>(query: Query<P, R>, ...parameters: P): Promise<R[]>;
  /** Throws unless there is exactly one row. */
  one<P extends readonly unknown[], R>(query: Query<P, R>, ...parameters: P): Promise<R>;
  /** Throws when there is more than one row. */
  maybe<P extends readonly unknown[], R>(
    query: Query<P, R>,
    ...parameters: P
  ): Promise<R | undefined>;
  /**
   * Returns the row with this id (a uuid). Outside a transaction, concurrent lookups share one
   * statement.
   */
  find<R>(lookup: Lookup<R>, id: string): Promise<R | undefined>;
  /**
   * Notifies the watchers of a campaign after the commit. Only needed when no statement declares
   * the change.
   */
  noteChanged(campaignId: string): void;
}

const declared = new Map<string, Query<readonly unknown[], unknown>>();

/**
 * Declares a statement under a unique name of lower-case words joined by `_`, and registers it, so
 * that tests can prepare and explain every statement. Throws on a duplicate or malformed name.
 */
export function query<P extends readonly unknown[], R>(
  name: string,
  text: string,
  { changes, writes = false }: QueryOptions = {},
): Query<P, R> {
  if (!/^[a-z][a-z0-9_]{2,62}$/.test(name)) throw new Error(`not a name for a query: ${name}`);
  if (declared.has(name)) throw new Error(`two queries are named ${name}`);
  const statement: Query<P, R> = Object.freeze({
    name,
    text: text.trim(),
    changes,
    isRead: !writes && changes === undefined && !hasWrites(text),
  });
  declared.set(name, statement as Query<readonly unknown[], unknown>);
  return statement;
}

/** Every statement declared by the modules loaded so far. */
export function allQueries(): readonly Query<readonly unknown[], unknown>[] {
  return [...declared.values()];
}

/** Runs one statement and returns its rows. */
export type Run = (
  statement: Query<readonly unknown[], unknown>,
  parameters: readonly unknown[],
) => Promise<unknown[]>;

/**
 * Builds a Queryable from one `run` function; calls `onChanged` with each campaign that changed.
 */
export function queryable(run: Run, onChanged: (campaignId: string) => void): Queryable {
  const rows = async <P extends readonly unknown[], R>(statement: Query<P, R>, parameters: P) => {
    const found = (await run(statement as Query<readonly unknown[], unknown>, parameters)) as R[];
    for (const id of changedCampaigns(statement.changes, parameters, found)) onChanged(id);
    return found;
  };
  const maybe = async <P extends readonly unknown[], R>(statement: Query<P, R>, parameters: P) => {
    const found = await rows(statement, parameters);
    if (found.length > 1) throw wrongCount(statement.name, 'at most one row', found.length);
    return found[0];
  };
  return {
    rows: (statement, ...parameters) => rows(statement, parameters),
    one: async (statement, ...parameters) => {
      const found = await rows(statement, parameters);
      if (found.length !== 1) throw wrongCount(statement.name, 'one row', found.length);
      return found[0]!;
    },
    maybe: (statement, ...parameters) => maybe(statement, parameters),
    find: (lookup, id) => maybe(lookup.one, [id.toLowerCase()]),
    noteChanged: onChanged,
  };
}

function hasWrites(text: string): boolean {
  if (!/^\s*(select|with)\b/i.test(text)) return true;
  return /\b(insert into|update|delete from|for share|for no key update|pg_notify)\b/i.test(text);
}

function changedCampaigns(
  changes: ChangedCampaigns | undefined,
  parameters: readonly unknown[],
  rows: readonly unknown[],
): readonly string[] {
  if (changes === undefined) return [];
  const ids =
    changes === 'rows'
      ? rows.map((row) => (row as { readonly campaign_id: string | null }).campaign_id)
      : [parameters[changes - 1] as string | readonly string[]].flat();
  return ids.filter((id) => id !== null);
}

function wrongCount(name: string, expected: string, found: number): Error {
  return new Error(`the query ${name} gives ${expected}, not ${found}`);
}

/**
 * Runs a statement on one connection. `named` prepares it once per connection; unnamed statements
 * also work through transaction poolers. Its span has the statement's name and never its
 * parameters.
 */
export async function send(
  client: pg.ClientBase,
  statement: Query<readonly unknown[], unknown>,
  parameters: readonly unknown[],
  { named, trace }: { readonly named: boolean; readonly trace?: Trace | undefined },
): Promise<unknown[]> {
  const ask = () =>
    client.query<pg.QueryResultRow, unknown[]>({
      text: statement.text,
      values: [...parameters],
      ...(named ? { name: statement.name } : {}),
    });
  if (trace === undefined) return (await ask()).rows;
  const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': statement.name };
  return (await traced(trace, statement.name, { kind: 'client', attributes }, ask)).rows;
}

const oid = { int8: 20, int8Array: 1016, textArray: 1009, date: 1082, timestamp: 1114 } as const;

/**
 * Parsers of PostgreSQL values: int8 to bigint, timestamptz to Date, json parsed, numeric as text.
 * Dates and times without a zone stay text: a Date would shift them by the local zone.
 */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (type: number, format?: string) => {
    if (format !== 'binary') {
      if (type === oid.int8) return BigInt;
      if (type === oid.int8Array) return parseBigints;
      if (type === oid.date || type === oid.timestamp) return String;
    }
    return pg.types.getTypeParser(type, format as 'text');
  },
};

function parseBigints(text: string): (bigint | null)[] {
  const items: (string | null)[] = pg.types.getTypeParser(oid.textArray as number, 'text')(text);
  return items.map((item) => (item === null ? null : BigInt(item)));
}
