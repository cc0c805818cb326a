import type {
  ColumnRef,
  CommonTableExpr,
  DeleteStmt,
  InsertStmt,
  JoinExpr,
  Node,
  RangeVar,
  SelectStmt,
  UpdateStmt,
  WithClause,
} from 'libpg-query';
import type { Catalog, Table } from './catalog.ts';
import { nodesOf, stringsOf, walk } from './syntax-tree.ts';

/** One entry of a FROM clause, or the table that a statement changes. */
export interface Relation {
  readonly alias: string;
  readonly kind: 'table' | 'query' | 'function' | 'cte';
  readonly table?: Table;
  /** The names of its columns, as far as the statement and the catalogue show them. */
  readonly columns: ReadonlySet<string>;
  /** The levels of a subquery: one, or one per branch of a UNION. */
  readonly levels: readonly Level[];
}

/** One SELECT, INSERT, UPDATE or DELETE within a statement. */
export interface Level {
  readonly kind: 'select' | 'insert' | 'update' | 'delete';
  readonly role: 'statement' | 'cte' | 'relation' | 'sublink';
  readonly parent: Level | undefined;
  readonly relations: Relation[];
  /** The conditions that every row must meet: WHERE and the conditions of joins, split at AND. */
  readonly conditions: Node[];
  /** The columns of USING clauses, with the relations on both sides. */
  readonly shared: { readonly column: string; readonly relations: readonly Relation[] }[];
  /** Everything of this level that may contain expressions. */
  readonly expressions: unknown[];
  readonly sublinks: Level[];
  readonly select?: SelectStmt;
  /** What an UPDATE assigns or compares. */
  readonly updated?: unknown;
  /** What RETURNING and ON CONFLICT DO UPDATE compute. */
  readonly returned?: unknown;
  readonly conflict?: unknown;
}

/** Splits a statement into its levels; the outermost comes first among those with its parent. */
export function levelsOf(statement: Node, catalog: Catalog): Level[] {
  const builder = new LevelBuilder(catalog);
  builder.add(statement, undefined, 'statement', new Map());
  return builder.levels;
}

/** The relation and the column that a column reference means, or undefined for a variable. */
export function resolve(
  reference: ColumnRef,
  level: Level | undefined,
): { relation: Relation; column: string; level: Level } | undefined {
  const names = stringsOf(reference.fields);
  const column = names.at(-1) ?? '*';
  for (let at = level; at !== undefined; at = at.parent) {
    const found =
      (reference.fields?.length ?? 0) > 1
        ? at.relations.find(({ alias }) => alias === (names.at(-2) ?? names[0]))
        : at.relations.find(({ columns }) => columns.has(column));
    if (found !== undefined) return { relation: found, column, level: at };
  }
  return undefined;
}

/** The names of the columns that a query returns. */
function columnsOf([level]: readonly Level[]): Set<string> {
  const targets = level?.select?.targetList ?? [];
  return new Set(targets.flatMap((target) => nameOfTarget(target) ?? []));
}

/** The name of a column in a SELECT list. */
export function nameOfTarget(target: Node): string | undefined {
  if (!('ResTarget' in target)) return undefined;
  const { name, val } = target.ResTarget;
  if (name !== undefined) return name;
  if (val === undefined || !('ColumnRef' in val)) return undefined;
  return stringsOf(val.ColumnRef.fields).at(-1);
}

/** The columns of each query of a WITH clause, by its name. */
type Ctes = ReadonlyMap<string, ReadonlySet<string>>;

class LevelBuilder {
  readonly levels: Level[] = [];
  private readonly catalog: Catalog;

  constructor(catalog: Catalog) {
    this.catalog = catalog;
  }

  add(node: Node, parent: Level | undefined, role: Level['role'], ctes: Ctes): Level[] {
    if ('SelectStmt' in node) return this.select(node.SelectStmt, parent, role, ctes);
    if ('InsertStmt' in node) return [this.insert(node.InsertStmt, parent, role, ctes)];
    if ('UpdateStmt' in node) return [this.update(node.UpdateStmt, parent, role, ctes)];
    if ('DeleteStmt' in node) return [this.update(node.DeleteStmt, parent, role, ctes)];
    return [];
  }

  private select(
    select: SelectStmt,
    parent: Level | undefined,
    role: Level['role'],
    outer: Ctes,
  ): Level[] {
    const ctes = this.ctes(select.withClause, parent, outer);
    const { larg, rarg } = select;
    if (larg !== undefined && rarg !== undefined)
      return [larg, rarg].flatMap((branch) => this.select(branch, parent, role, ctes));
    const level = this.open({ kind: 'select', role, parent, select });
    this.from(select.fromClause, level, ctes);
    this.close(level, select.whereClause, ctes, [
      select.targetList,
      select.valuesLists,
      select.distinctClause,
      select.groupClause,
      select.havingClause,
      select.windowClause,
      select.sortClause,
      select.limitCount,
      select.limitOffset,
    ]);
    return [level];
  }

  private insert(
    insert: InsertStmt,
    parent: Level | undefined,
    role: Level['role'],
    outer: Ctes,
  ): Level {
    const ctes = this.ctes(insert.withClause, parent, outer);
    const conflict = insert.onConflictClause?.targetList;
    const returned = insert.returningClause;
    const level = this.open({ kind: 'insert', role, parent, conflict, returned });
    this.target(insert.relation, level);
    if (insert.selectStmt !== undefined) this.add(insert.selectStmt, parent, 'relation', ctes);
    this.close(level, insert.onConflictClause?.whereClause, ctes, [conflict, returned]);
    return level;
  }

  private update(
    statement: UpdateStmt & DeleteStmt,
    parent: Level | undefined,
    role: Level['role'],
    outer: Ctes,
  ): Level {
    const ctes = this.ctes(statement.withClause, parent, outer);
    const returned = statement.returningClause;
    const updated = [statement.targetList, statement.whereClause];
    const kind = statement.targetList === undefined ? 'delete' : 'update';
    const level = this.open({ kind, role, parent, updated, returned });
    this.target(statement.relation, level);
    this.from(statement.fromClause ?? statement.usingClause, level, ctes);
    this.close(level, statement.whereClause, ctes, [statement.targetList, returned]);
    return level;
  }

  private open(
    given: Pick<Level, 'kind' | 'role' | 'parent' | 'select' | 'updated' | 'returned' | 'conflict'>,
  ): Level {
    const parts = { relations: [], conditions: [], shared: [], expressions: [], sublinks: [] };
    const level = { ...given, ...parts };
    this.levels.push(level);
    return level;
  }

  /** Adds the conditions and expressions of a level, and the queries nested in them. */
  private close(
    level: Level,
    where: Node | undefined,
    ctes: Ctes,
    expressions: readonly unknown[],
  ): void {
    if (where !== undefined) level.conditions.push(...conjuncts(where));
    level.expressions.push(...expressions, level.conditions);
    for (const expression of level.expressions)
      for (const { subselect } of nodesOf<{ subselect?: Node }>(expression, 'SubLink'))
        if (subselect !== undefined)
          level.sublinks.push(...this.add(subselect, level, 'sublink', ctes));
  }

  private ctes(clause: WithClause | undefined, parent: Level | undefined, outer: Ctes): Ctes {
    const names = new Map(outer);
    for (const node of clause?.ctes ?? []) {
      const { ctename, ctequery } = (node as { CommonTableExpr: CommonTableExpr }).CommonTableExpr;
      if (clause?.recursive === true) names.set(ctename ?? '', new Set());
      const levels = ctequery === undefined ? [] : this.add(ctequery, parent, 'cte', names);
      names.set(ctename ?? '', columnsOf(levels));
    }
    return names;
  }

  private target(range: RangeVar | undefined, level: Level): void {
    if (range !== undefined) level.relations.push(this.named(range, new Map()));
  }

  private named(range: RangeVar, ctes: Ctes): Relation {
    const name = range.relname ?? '';
    const alias = range.alias?.aliasname ?? name;
    const cte = range.schemaname === undefined ? ctes.get(name) : undefined;
    if (cte !== undefined) return { alias, kind: 'cte', levels: [], columns: cte };
    const table = this.catalog.tables.get(name);
    const columns = new Set(table?.columns.keys());
    return { alias, kind: 'table', levels: [], columns, ...(table !== undefined && { table }) };
  }

  /** Adds the relations of a FROM clause to the level and returns them. */
  private from(nodes: readonly Node[] | undefined, level: Level, ctes: Ctes): Relation[] {
    return (nodes ?? []).flatMap((node) => {
      if ('JoinExpr' in node) return this.join(node.JoinExpr, level, ctes);
      const relation = this.relation(node, level, ctes);
      if (relation === undefined) return [];
      level.relations.push(relation);
      return [relation];
    });
  }

  private join(join: JoinExpr, level: Level, ctes: Ctes): Relation[] {
    const sides = [join.larg, join.rarg].filter((side) => side !== undefined);
    const relations = sides.flatMap((side) => this.from([side], level, ctes));
    for (const column of stringsOf(join.usingClause)) level.shared.push({ column, relations });
    if (join.quals !== undefined) level.conditions.push(...conjuncts(join.quals));
    return relations;
  }

  private relation(node: Node, level: Level, ctes: Ctes): Relation | undefined {
    if ('RangeVar' in node) return this.named(node.RangeVar, ctes);
    if ('RangeSubselect' in node) {
      const { subquery, alias, lateral } = node.RangeSubselect;
      const parent = lateral === true ? level : level.parent;
      const levels = subquery === undefined ? [] : this.add(subquery, parent, 'relation', ctes);
      const columns = columnsOf(levels);
      return { alias: alias?.aliasname ?? '', kind: 'query', levels, columns };
    }
    if (!('RangeFunction' in node)) return undefined;
    level.expressions.push(node.RangeFunction.functions);
    let name = '';
    walk(node.RangeFunction.functions, (type, call) => {
      if (type === 'FuncCall') name ||= stringsOf(call['funcname'] as Node[]).at(-1) ?? '';
    });
    const { aliasname: alias = name, colnames } = node.RangeFunction.alias ?? {};
    return {
      alias,
      kind: 'function',
      levels: [],
      columns: new Set([alias, ...stringsOf(colnames)]),
    };
  }
}

/** The parts of a condition that are connected with AND. */
function conjuncts(condition: Node): Node[] {
  if ('BoolExpr' in condition && condition.BoolExpr.boolop === 'AND_EXPR')
    return (condition.BoolExpr.args ?? []).flatMap(conjuncts);
  return [condition];
}
