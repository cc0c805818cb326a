import pg from 'pg';
import { traced, type Trace } from '../observability/trace.ts';

declare const parametersAndRow: unique symbol;

/** A named SQL statement: `P` are its parameters in order, `R` is one result row. */
export interface Query<P extends readonly unknown[], R> {
  /** The unique name, at most 63 bytes. The prepared statement has the same name. */
  readonly name: string;
  readonly text: string;
  readonly changes?: ChangedCampaigns | undefined;
  /**
   * True when the statement only reads. When such a statement fails outside a transaction, it is
   * repeated.
   */
  readonly isRead?: boolean;
  /**
   * True when concurrent callers with the same parameters share one execution and its rows, outside
   * a transaction. They must not change the rows.
   */
  readonly isShared?: boolean;
  readonly [parametersAndRow]?: (parameters: P) => R;
}

/**
 * Where to find the ids of the campaigns that a statement changes. A number is the position (from
 * 1) of the parameter with the id or ids. `rows` means the column campaign_id of the returned rows.
 * Pages that show these campaigns are notified after the commit.
 */
export type ChangedCampaigns = number | 'rows';

interface QueryOptions {
  readonly changes?: ChangedCampaigns;
  /** True when the statement calls a function that writes but changes no campaign. */
  readonly writes?: boolean;
  /** See Query.isShared. The parameters must have a JSON form. */
  readonly shared?: boolean;
}

/** Two queries that find rows by id: one query for a single id, and one for several ids. */
export interface Lookup<R> {
  /**
   * The query for one id. It exists because PostgreSQL caches the plan of this query. A query with
   * an array of ids would be planned again on every call.
   */
  readonly one: Query<[id: string], R>;
  readonly many: Query<[ids: string[]], R>;
  readonly idOf: (row: R) => string;
}

/** Runs statements: all in one transaction (Tx), or each in a separate transaction (Database). */
export interface Queryable {
  rows<P extends readonly unknown[], R>(query: Query<P, R>, ...parameters: P): Promise<R[]>;
  /** Returns the only row. Throws when there is no row or more than one. */
  one<P extends readonly unknown[], R>(query: Query<P, R>, ...parameters: P): Promise<R>;
  /** Returns the row, or undefined when there is none. Throws when there is more than one row. */
  maybe<P extends readonly unknown[], R>(
    query: Query<P, R>,
    ...parameters: P
  ): Promise<R | undefined>;
  /**
   * Returns the row with this id (a uuid). Outside a transaction, concurrent lookups are combined
   * into one statement.
   */
  find<R>(lookup: Lookup<R>, id: string): Promise<R | undefined>;
  /**
   * Reports that a campaign changed, so that pages that show the campaign are notified after the
   * commit. This call is needed only if no statement declares the change.
   */
  noteChanged(campaignId: string): void;
}

const declared = new Map<string, Query<readonly unknown[], unknown>>();

/**
 * Declares an SQL statement with a unique name, lower-case words joined by `_`. The statement is
 * registered, so that tests can prepare and explain every statement. Throws when the name is in use
 * or malformed.
 */
export function query<P extends readonly unknown[], R>(
  name: string,
  text: string,
  { changes, writes = false, shared = false }: QueryOptions = {},
): Query<P, R> {
  if (!/^[a-z][a-z0-9_]{2,62}$/.test(name)) throw new Error(`not a name for a query: ${name}`);
  if (declared.has(name)) throw new Error(`two queries are named ${name}`);
  const statement: Query<P, R> = Object.freeze({
    name,
    text: text.trim(),
    changes,
    isRead: !writes && changes === undefined && !hasWrites(text),
    isShared: shared,
  });
  declared.set(name, statement as Query<readonly unknown[], unknown>);
  return statement;
}

/** Returns all statements that the modules loaded so far have declared. */
export function allQueries(): readonly Query<readonly unknown[], unknown>[] {
  return [...declared.values()];
}

/** Runs one statement and returns its rows. */
export type Run = (
  statement: Query<readonly unknown[], unknown>,
  parameters: readonly unknown[],
) => Promise<unknown[]>;

/**
 * Builds a Queryable from the function `run`. Calls `onChanged` with the id of each changed
 * campaign.
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
 * Runs a statement on one connection. If `named` is true, the statement is prepared once per
 * connection. Otherwise it is not prepared, so that it also works through transaction poolers. The
 * trace span has the statement's name but never its parameters.
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
 * Converts PostgreSQL values: int8 to bigint, timestamptz to Date, json to values, numeric to text.
 * Values without a time zone (date, time, timestamp) stay text, because a Date would shift them by
 * the local time zone.
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
