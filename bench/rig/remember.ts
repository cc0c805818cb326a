import type { CampaignRow } from '../../src/campaigns/queries.ts';
import type { Database } from '../../src/database/pool.ts';
import { queryable, type Query, type Queryable } from '../../src/database/query.ts';

type AnyQuery = Query<readonly unknown[], unknown>;

/**
 * Lets the reads of campaigns go to the database once and answers them from memory from then on:
 * the same routes without a database. Changes the object itself, which others hold already.
 */
export function rememberReads(db: Database): void {
  const { rows, maybe, one } = db;
  const campaigns = new Map<string, CampaignRow>();
  const lists = new Map<string, unknown[]>();

  const find = async (statement: AnyQuery, ids: readonly string[]): Promise<CampaignRow[]> => {
    const missing = ids.filter((id) => !campaigns.has(id));
    if (missing.length > 0) {
      const found = (await rows(statement, missing)) as CampaignRow[];
      for (const row of found) campaigns.set(row.campaign_id, row);
    }
    return ids.flatMap((id) => campaigns.get(id) ?? []);
  };
  const list = async (statement: AnyQuery, parameters: readonly unknown[]): Promise<unknown[]> => {
    const key = statement.name + JSON.stringify(parameters);
    let found = lists.get(key);
    if (found === undefined) lists.set(key, (found = await rows(statement, ...parameters)));
    return found;
  };
  const remembering = queryable((statement, parameters) =>
    statement.name === 'find_campaigns'
      ? find(statement, parameters[0] as string[])
      : list(statement, parameters),
  );
  const isRemembered = ({ name }: { readonly name: string }) =>
    /^(find_campaigns$|list_campaigns_)/.test(name);
  const choosing: Queryable = {
    rows: (statement, ...parameters) =>
      (isRemembered(statement) ? remembering.rows : rows)(statement, ...parameters),
    maybe: (statement, ...parameters) =>
      (isRemembered(statement) ? remembering.maybe : maybe)(statement, ...parameters),
    one: (statement, ...parameters) =>
      (isRemembered(statement) ? remembering.one : one)(statement, ...parameters),
  };
  Object.assign(db, choosing);
}
