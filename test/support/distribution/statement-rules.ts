import type {
  A_Expr,
  AlterTableStmt,
  CaseExpr,
  ColumnRef,
  FuncCall,
  LockingClause,
  Node,
} from 'libpg-query';
import type { Catalog, Volatility } from './catalog.ts';
import { equalitiesOf, type Equalities } from './equalities.ts';
import { levelsOf, resolve, type Level, type Relation } from './query-levels.ts';
import type { Offender } from './schema-rules.ts';
import type { StatementSource } from './statements.ts';
import { nodesOf, stringsOf, walk } from './syntax-tree.ts';

interface Statement {
  readonly source: StatementSource;
  readonly node: Node;
  readonly levels: readonly Level[];
  readonly equalities: Equalities;
  readonly catalog: Catalog;
  /** The functions that read a distributed table, themselves or through other functions. */
  readonly readers: ReadonlySet<string>;
}

/** Each rule returns a reason when the statement breaks it. */
type Rule = (statement: Statement) => string | undefined;

export const statementRules: Readonly<Record<string, Rule>> = {
  'simple-case': simpleCase,
  'empty-select': ({ levels }) =>
    levels.some(isEmptySelect) ? 'write `select 1 from` instead of `select from`' : undefined,
  'whole-row': wholeRow,
  'sql-function': ({ source: { definition }, levels }) =>
    definition?.language === 'sql' &&
    definition.argumentCount > 0 &&
    levels.some((level) => distributed(level).length > 0)
      ? 'an SQL function with parameters reads distributed tables; write it in PL/pgSQL'
      : undefined,
  'lock-over-shards': lockOverShards,
  'volatile-write': volatileWrite,
  'correlated-beside-set': correlatedBesideSet,
  'writing-cte': writingCte,
  'alter-table': alterTable,
  'join-without-campaign': joinWithoutCampaign,
  'join-with-local': ({ levels }) =>
    levels.some((level) => distributed(level).length > 0 && level.relations.some(isLocal))
      ? 'a distributed table is joined with a table that is on one node; read them separately'
      : undefined,
  'function-on-shard': functionOnShard,
};

/** Finds the statements that Citus cannot run on tables that are distributed by campaign_id. */
export function statementOffenders(
  sources: readonly StatementSource[],
  catalog: Catalog,
): Offender[] {
  const readers = readersOf(sources, catalog);
  const found = new Map<string, Offender>();
  for (const source of sources) {
    for (const node of source.statements) {
      const levels = levelsOf(node, catalog);
      const equalities = equalitiesOf(levels);
      const statement = { source, node, levels, equalities, catalog, readers };
      for (const [rule, check] of Object.entries(statementRules)) {
        const reason = check(statement);
        const { object } = source;
        if (reason !== undefined) found.set(`${rule} ${object}`, { rule, object, reason });
      }
    }
  }
  return [...found.values()];
}

/** The functions that read a distributed table, themselves or through a function that they call. */
function readersOf(sources: readonly StatementSource[], catalog: Catalog): Set<string> {
  const readers = new Set<string>();
  const callers = sources.flatMap(({ definition, statements }) => {
    if (definition === undefined) return [];
    const called = new Set<string>();
    walk(statements, (type, node) => {
      if (type === 'FuncCall') called.add(nameOf(node as FuncCall));
    });
    const levels = statements.flatMap((node) => levelsOf(node, catalog));
    if (levels.some((level) => distributed(level).length > 0)) readers.add(definition.name);
    return [{ name: definition.name, called }];
  });
  for (let before = -1; before < readers.size;) {
    before = readers.size;
    for (const { name, called } of callers) if (!called.isDisjointFrom(readers)) readers.add(name);
  }
  return readers;
}

const nameOf = ({ funcname }: FuncCall): string => stringsOf(funcname).at(-1) ?? '';
const isDistributed = ({ table }: Relation): boolean => table?.placement === 'distributed';
const isLocal = ({ table }: Relation): boolean => table?.placement === 'local';
const distributed = (level: Level): Relation[] => level.relations.filter(isDistributed);

const isEmptySelect = ({ select }: Level): boolean =>
  select !== undefined && select.targetList === undefined && select.valuesLists === undefined;

/** The distributed tables of a level and of the subqueries in its FROM clause. */
function distributedWithin(level: Level): Relation[] {
  const nested = level.relations.flatMap(({ levels }) => levels.flatMap(distributedWithin));
  return [...distributed(level), ...nested];
}

function simpleCase({ levels, catalog }: Statement): string | undefined {
  for (const level of levels) {
    for (const { arg } of nodesOf<CaseExpr>(level.expressions, 'CaseExpr')) {
      if (arg === undefined) continue;
      const type = typeOf(arg, level) ?? typeByName(arg, catalog);
      if (type !== undefined && catalog.enums.has(type))
        return `Citus misreads \`case x when\` over the enum ${type}; write \`case when x =\``;
    }
  }
  return undefined;
}

/** The type of a column, or of a cast, if the statement shows it. */
function typeOf(node: Node, level: Level): string | undefined {
  if ('TypeCast' in node) return stringsOf(node.TypeCast.typeName?.names).at(-1);
  if (!('ColumnRef' in node)) return undefined;
  const found = resolve(node.ColumnRef, level);
  return found?.relation.table?.columns.get(found.column);
}

/** For the field of a row variable: the enum that columns of this name have. */
function typeByName(node: Node, { tables, enums }: Catalog): string | undefined {
  if (!('ColumnRef' in node)) return undefined;
  const name = stringsOf(node.ColumnRef.fields).at(-1) ?? '';
  const types = [...tables.values()].map(({ columns }) => columns.get(name));
  return types.find((type) => type !== undefined && enums.has(type));
}

function wholeRow({ levels }: Statement): string | undefined {
  for (const level of levels) {
    for (const reference of nodesOf<ColumnRef>(level.expressions, 'ColumnRef')) {
      const [name, ...others] = stringsOf(reference.fields);
      const isSingle = others.length === 0 && reference.fields?.length === 1;
      if (!isSingle || name === undefined || resolve(reference, level) !== undefined) continue;
      for (let at: Level | undefined = level; at !== undefined; at = at.parent) {
        const row = at.relations.find(({ alias }) => alias === name);
        if (row?.table !== undefined && !isLocal(row))
          return `\`${name}\` is a whole row of ${row.table.name}; Citus may return nulls; list columns`;
        if (row !== undefined) break;
      }
    }
  }
  return undefined;
}

function lockOverShards({ levels, equalities }: Statement): string | undefined {
  const locking = levels.find(
    ({ select, ...level }) =>
      nodesOf<LockingClause>(select?.lockingClause, 'LockingClause').length > 0 &&
      distributedWithin({ ...level }).some(
        (relation) => !equalities.isFixed(relation, 'campaign_id'),
      ),
  );
  return locking === undefined
    ? undefined
    : 'a row lock needs `campaign_id = ` one value, because Citus locks rows of one shard only';
}

function volatileWrite(statement: Statement): string | undefined {
  for (const level of statement.levels) {
    const [target] = level.relations;
    if (level.kind === 'select' || target === undefined || isLocal(target)) continue;
    const fixed = [level.returned, level.conflict].some((part) => {
      return worst(part, level, statement.catalog, false) !== 'immutable';
    });
    if (fixed)
      return 'RETURNING or ON CONFLICT SET calls a function that is not immutable; pass the value';
    const updated = worst(level.updated, level, statement.catalog, true);
    if (updated === 'volatile') return 'an UPDATE calls a volatile function; pass the value';
    if (updated === 'stable')
      return 'an UPDATE applies a stable function to a column; work the value out before';
  }
  return undefined;
}

/**
 * The most volatile function within an expression. With `ofColumns`, a stable function counts only
 * if its arguments contain a column.
 */
function worst(tree: unknown, level: Level, catalog: Catalog, ofColumns: boolean): Volatility {
  const hasColumn = (part: unknown) =>
    nodesOf<ColumnRef>(part, 'ColumnRef').some((column) => resolve(column, level) !== undefined);
  let found: Volatility = 'immutable';
  const add = (volatility: Volatility, part: unknown) => {
    if (volatility === 'volatile') found = 'volatile';
    else if (volatility === 'stable' && found === 'immutable' && (!ofColumns || hasColumn(part)))
      found = 'stable';
  };
  walk(tree, (type, node) => {
    if (type === 'FuncCall')
      add(catalog.volatilities.get(nameOf(node as FuncCall)) ?? 'immutable', node['args']);
    if (type === 'SQLValueFunction') add('stable', undefined);
    if (type === 'A_Expr' && isTimeArithmetic(node as A_Expr, level)) add('stable', node);
    return type !== 'SelectStmt';
  });
  return found;
}

/** Whether an expression adds an interval to a timestamptz, which depends on the time zone. */
function isTimeArithmetic({ name, lexpr, rexpr }: A_Expr, level: Level): boolean {
  if (!/^[+-]$/.test(stringsOf(name)[0] ?? '') || lexpr === undefined || rexpr === undefined)
    return false;
  const casts = nodesOf<{ typeName?: { names?: Node[] } }>(rexpr, 'TypeCast');
  const isInterval =
    typeOf(rexpr, level) === 'interval' ||
    casts.some(({ typeName }) => stringsOf(typeName?.names).at(-1) === 'interval');
  return isInterval && typeOf(lexpr, level) === 'timestamptz';
}

/** Whether a nested level uses a column of the outer level. */
function isCorrelated(inner: Level, outer: Level): boolean {
  const uses = nodesOf<ColumnRef>(inner.expressions, 'ColumnRef').some(
    (column) => resolve(column, inner)?.level === outer,
  );
  const nested = inner.relations.flatMap(({ levels }) => levels);
  return uses || [...inner.sublinks, ...nested].some((level) => isCorrelated(level, outer));
}

function correlatedBesideSet({ levels }: Statement): string | undefined {
  const hasSetFunction = (level: Level): boolean =>
    level.relations.some((relation) => {
      return relation.kind === 'function' || relation.levels.some(hasSetFunction);
    });
  const found = levels.some((level) => {
    const nested = level.relations.flatMap((relation) => relation.levels);
    const reads = [...level.sublinks, ...nested].filter((inner) => {
      return distributedWithin(inner).length > 0 && isCorrelated(inner, level);
    });
    return reads.length > 0 && hasSetFunction(level);
  });
  return found
    ? 'a correlated subquery stands next to a set-returning function; join a grouped query'
    : undefined;
}

function writingCte({ levels }: Statement): string | undefined {
  const writes = levels.some(({ role, kind }) => role === 'cte' && kind !== 'select');
  const tables = levels.flatMap(({ relations }) => relations).filter(({ table }) => table);
  return writes && tables.some(isLocal) && tables.some((table) => !isLocal(table))
    ? 'a WITH clause writes, and the statement uses both local and distributed tables; split it'
    : undefined;
}

function alterTable({ node, catalog }: Statement): string | undefined {
  if (!('AlterTableStmt' in node)) return undefined;
  const { relation, cmds } = node.AlterTableStmt as AlterTableStmt;
  const placement = catalog.tables.get(relation?.relname ?? '')?.placement ?? 'local';
  if (placement === 'local') return undefined;
  const commands = (cmds ?? []).flatMap((command) =>
    'AlterTableCmd' in command ? [command.AlterTableCmd] : [],
  );
  if (commands.length > 1 && commands.some(({ subtype }) => subtype === 'AT_AddConstraint'))
    return 'ADD CONSTRAINT must be the only command of its ALTER TABLE';
  const checks = commands
    .filter(({ subtype }) => subtype === 'AT_AddColumn')
    .flatMap(({ def }) => nodesOf<{ contype?: string }>(def, 'Constraint'));
  return checks.some(({ contype }) => contype === 'CONSTR_CHECK')
    ? 'ADD COLUMN must have no CHECK; add the constraint with a separate ALTER TABLE'
    : undefined;
}

function joinWithoutCampaign({ levels, equalities }: Statement): string | undefined {
  const apart = levels.some((level) => {
    const correlated = level.sublinks.filter((inner) => isCorrelated(inner, level));
    const relations = [level, ...correlated].flatMap(distributedWithin);
    return !equalities.areEqual(relations, 'campaign_id');
  });
  return apart
    ? 'distributed tables are joined without an equality of their campaign_id'
    : undefined;
}

function functionOnShard({ levels, readers }: Statement): string | undefined {
  for (const level of levels) {
    if (distributed(level).length === 0) continue;
    const calls = nodesOf<FuncCall>(level.expressions, 'FuncCall').map(nameOf);
    const reader = calls.find((name) => readers.has(name));
    if (reader !== undefined)
      return `it calls ${reader}, which reads distributed tables; a shard cannot query other shards`;
  }
  return undefined;
}
