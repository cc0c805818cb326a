import type { Database } from '../../src/database/pool.ts';
import { queryable, type Lookup, type Query, type Queryable } from '../../src/database/query.ts';

type AnyQuery = Query<readonly unknown[], unknown>;

/**
 * Makes `db` read each campaign and each list only once: later reads get the first result, without
 * the database. Changes the object itself, because other parts already refer to it.
 */
export function memoizeReads(db: Database): void {
  const { rows, maybe, one, find, noteChanged } = db;
  const found = new Map<string, unknown>();
  const lists = new Map<string, unknown[]>();

  const list = async (statement: AnyQuery, parameters: readonly unknown[]): Promise<unknown[]> => {
    const key = statement.name + JSON.stringify(parameters);
    let known = lists.get(key);
    if (known === undefined) lists.set(key, (known = await rows(statement, ...parameters)));
    return known;
  };
  const remembering = queryable(list, noteChanged);
  const isRemembered = ({ name }: { readonly name: string }) => name.startsWith('list_campaigns_');
  const choosing: Queryable = {
    noteChanged,
    rows: (statement, ...parameters) =>
      (isRemembered(statement) ? remembering.rows : rows)(statement, ...parameters),
    maybe: (statement, ...parameters) =>
      (isRemembered(statement) ? remembering.maybe : maybe)(statement, ...parameters),
    one: (statement, ...parameters) =>
      (isRemembered(statement) ? remembering.one : one)(statement, ...parameters),
    find: async <R>(lookup: Lookup<R>, id: string) => {
      const key = `${lookup.one.name} ${id}`;
      if (!found.has(key)) found.set(key, await find(lookup, id));
      return found.get(key) as R | undefined;
    },
  };
  Object.assign(db, choosing);
}
