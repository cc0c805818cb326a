import type pg from 'pg';
import placement from './placement.json' with { type: 'json' };

/** Where Citus would keep a table. A view is where its tables are. */
export type Placement = 'distributed' | 'reference' | 'local';

/** A table or a view. */
export interface Table {
  /** The name without its schema. */
  readonly name: string;
  readonly placement: Placement;
  /** The type of each column, by the name of the column. */
  readonly columns: ReadonlyMap<string, string>;
}

export interface Key {
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
}

export interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly target: string;
  readonly columns: readonly string[];
  readonly targetColumns: readonly string[];
  readonly nullableColumns: readonly string[];
}

export interface Trigger {
  readonly table: string;
  readonly name: string;
  readonly isRowTrigger: boolean;
}

export interface DatabaseFunction {
  readonly name: string;
  readonly language: string;
  readonly definition: string;
  readonly argumentCount: number;
  /** The tables and views whose row type is the type of an argument or of the result. */
  readonly rowTypes: readonly string[];
}

export type Volatility = 'immutable' | 'stable' | 'volatile';

export interface Catalog {
  readonly tables: ReadonlyMap<string, Table>;
  readonly keys: readonly Key[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly triggers: readonly Trigger[];
  readonly functions: readonly DatabaseFunction[];
  readonly views: readonly { readonly name: string; readonly definition: string }[];
  readonly enums: ReadonlySet<string>;
  /** How volatile a function is, by name; of several functions with that name, the most volatile. */
  readonly volatilities: ReadonlyMap<string, Volatility>;
}

/** Reads everything that the rules need about the schemas of the service from pg_catalog. */
export async function readCatalog(client: pg.ClientBase): Promise<Catalog> {
  const read = async <R extends pg.QueryResultRow>(text: string): Promise<R[]> =>
    (await client.query<R>(text)).rows;
  // The server then writes the schema before every name.
  await client.query("set search_path = ''");
  const columns = await read<ColumnRow>(columnsOfTables);
  const sources = await read<{ view: string; source: string }>(sourcesOfViews);
  const types = await read<{ name: string }>(
    `select typname as name from pg_type where typtype = 'e'`,
  );
  const functions = await read<{ name: string; volatility: Volatility }>(volatilityOfFunctions);
  return {
    tables: withViews(tablesOf(columns), sources),
    keys: await read<Key>(uniqueIndexes),
    foreignKeys: await read<ForeignKey>(foreignKeys),
    triggers: await read<Trigger>(triggers),
    functions: await read<DatabaseFunction>(ownFunctions),
    views: await read(`select viewname as name, definition from pg_views
      where schemaname in ('sambatan', 'sambatan_auth') order by 1`),
    enums: new Set(types.map(({ name }) => name)),
    volatilities: new Map(functions.map(({ name, volatility }) => [name, volatility])),
  };
}

interface ColumnRow {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly isRequired: boolean;
}

/**
 * A table with a required campaign_id is distributed by it. The file placement.json names the
 * reference tables, of which each node has a copy, and the tables that stay on one node although
 * they have the column. All other tables stay on one node.
 */
function tablesOf(rows: readonly ColumnRow[]): Map<string, Table> {
  const tables = new Map<string, Table>();
  for (const [name, columns] of Map.groupBy(rows, ({ table }) => table)) {
    const campaign = columns.find(({ column }) => column === 'campaign_id');
    const isLocal = placement.local.includes(name) || campaign?.isRequired !== true;
    const place = placement.reference.includes(name) ? 'reference' : 'distributed';
    tables.set(name, {
      name,
      placement: place === 'distributed' && isLocal ? 'local' : place,
      columns: new Map(columns.map(({ column, type }) => [column, type])),
    });
  }
  return tables;
}

/** Gives each view the placement of its tables: distributed if one of them is. */
function withViews(
  tables: ReadonlyMap<string, Table>,
  sources: readonly { view: string; source: string }[],
): Map<string, Table> {
  const views = Map.groupBy(sources, ({ view }) => view);
  const placementsOf = (name: string): Placement[] =>
    views.get(name)?.flatMap(({ source }) => placementsOf(source)) ?? [
      tables.get(name)?.placement ?? 'local',
    ];
  return new Map(
    [...tables].map(([name, table]) => {
      const placements = placementsOf(name);
      const common = placements.find((found) => found === 'distributed') ?? placements[0]!;
      return [name, { ...table, placement: common }];
    }),
  );
}

const ownTables = `pg_class t join pg_namespace n on n.oid = t.relnamespace
  and n.nspname in ('sambatan', 'sambatan_auth')`;
const columnsOfTables = `
  select t.relname as table, a.attname as column, y.typname as type, a.attnotnull as "isRequired"
  from ${ownTables} join pg_attribute a on a.attrelid = t.oid and a.attnum > 0
    and not a.attisdropped
  join pg_type y on y.oid = a.atttypid
  where t.relkind in ('r', 'p', 'v') order by t.relname, a.attnum`;
const sourcesOfViews = `
  select distinct t.relname as view, s.relname as source
  from ${ownTables} and t.relkind = 'v'
  join pg_rewrite r on r.ev_class = t.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_class'::regclass
  join pg_class s on s.oid = d.refobjid and s.oid <> t.oid order by 1, 2`;
const uniqueIndexes = `
  select t.relname as table, c.relname as name, array(
    select a.attname::text from pg_attribute a
    where a.attrelid = t.oid and a.attnum = any (i.indkey)) as columns
  from ${ownTables} join pg_index i on i.indrelid = t.oid and i.indisunique
  join pg_class c on c.oid = i.indexrelid order by 1, 2`;
const namesOf = (relation: string, numbers: string, only = 'true'): string => `array(
  select a.attname::text from unnest(${numbers}) with ordinality k (number, place)
  join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.number
  where ${only} order by k.place)`;
const foreignKeys = `
  select t.relname as table, c.conname as name, o.relname as target,
    ${namesOf('c.conrelid', 'c.conkey')} as columns,
    ${namesOf('c.confrelid', 'c.confkey')} as "targetColumns",
    ${namesOf('c.conrelid', 'c.conkey', 'not a.attnotnull')} as "nullableColumns"
  from ${ownTables} join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'
  join pg_class o on o.oid = c.confrelid order by 1, 2`;
const triggers = `
  select t.relname as table, g.tgname as name, g.tgtype & 1 = 1 as "isRowTrigger"
  from ${ownTables} join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal order by 1, 2`;
const ownFunctions = `
  select p.proname as name, l.lanname as language, pg_get_functiondef(p.oid) as definition,
    p.pronargs::integer as "argumentCount", array(
      select distinct r.relname::text
      from unnest(array[p.prorettype] || coalesce(p.proallargtypes, p.proargtypes::oid[])) a (oid)
      join pg_type y on y.oid = a.oid left join pg_type e on e.oid = y.typelem
      join pg_class r on r.oid in (y.typrelid, e.typrelid) and r.relkind in ('r', 'p', 'v')
      order by 1) as "rowTypes"
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    and n.nspname in ('sambatan', 'sambatan_auth')
  join pg_language l on l.oid = p.prolang
  where p.prokind in ('f', 'p') order by p.proname, p.oid`;
const volatilityOfFunctions = `
  select proname as name, case max(case provolatile when 'i' then 0 when 's' then 1 else 2 end)
    when 0 then 'immutable' when 1 then 'stable' else 'volatile' end as volatility
  from pg_proc group by proname`;
