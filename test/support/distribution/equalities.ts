import type { ColumnRef, Node } from 'libpg-query';
import { nameOfTarget, resolve, type Level, type Relation } from './query-levels.ts';
import { stringsOf } from './syntax-tree.ts';

/** Which columns of a statement must be equal, according to its conditions. */
export interface Equalities {
  /** Whether the column of all relations has the same value in each row of the result. */
  areEqual(relations: readonly Relation[], column: string): boolean;
  /** Whether the column equals a parameter, a variable or a constant. */
  isFixed(relation: Relation, column: string): boolean;
}

/** Collects `a = b`, `(a, b) = (c, d)` and USING from all levels of a statement. */
export function equalitiesOf(levels: readonly Level[]): Equalities {
  const classes = new Classes();
  for (const level of levels) {
    for (const condition of level.conditions)
      for (const [left, right] of pairsOf(condition)) {
        const [a, b] = [classes.keyOf(left, level), classes.keyOf(right, level)];
        if (a !== undefined && b !== undefined) classes.unite(a, b);
      }
    for (const { column, relations } of level.shared) {
      const having = relations.filter(
        ({ kind, columns }) => kind !== 'table' || columns.has(column),
      );
      for (const other of having.slice(1))
        classes.unite(classes.column(having[0]!, column), classes.column(other, column));
    }
    for (const relation of level.relations) classes.uniteOutput(relation);
  }
  return {
    areEqual: (relations, column) =>
      new Set(relations.map((relation) => classes.find(classes.column(relation, column)))).size < 2,
    isFixed: (relation, column) => classes.isFixed(classes.column(relation, column)),
  };
}

/** The pairs of expressions that a condition makes equal. */
function pairsOf(condition: Node): [Node, Node][] {
  if (!('A_Expr' in condition)) return [];
  const { kind, name, lexpr, rexpr } = condition.A_Expr;
  if (kind !== 'AEXPR_OP' || stringsOf(name)[0] !== '=') return [];
  if (lexpr === undefined || rexpr === undefined) return [];
  const right = partsOf(rexpr);
  return partsOf(lexpr).flatMap((part, place) => {
    const other = right[place];
    return other === undefined ? [] : [[part, other] as [Node, Node]];
  });
}

const partsOf = (node: Node): readonly Node[] =>
  'RowExpr' in node ? (node.RowExpr.args ?? []) : [node];

/** Sets of equal columns and values: a union-find structure over their keys. */
class Classes {
  private readonly parents = new Map<string, string>();
  private readonly numbers = new Map<Relation, number>();

  column(relation: Relation, column: string): string {
    const number = this.numbers.get(relation) ?? this.numbers.size;
    this.numbers.set(relation, number);
    return `${number}.${column}`;
  }

  /** The key of a column or of a fixed value; undefined for any other expression. */
  keyOf(node: Node, level: Level): string | undefined {
    if ('TypeCast' in node && node.TypeCast.arg !== undefined)
      return this.keyOf(node.TypeCast.arg, level);
    if ('ParamRef' in node) return `fixed $${node.ParamRef.number}`;
    if ('A_Const' in node) {
      const { location: _, ...value } = node.A_Const;
      return `fixed ${JSON.stringify(value)}`;
    }
    if (!('ColumnRef' in node)) return undefined;
    return this.ofReference(node.ColumnRef, level);
  }

  unite(left: string, right: string): void {
    const [a, b] = [this.find(left), this.find(right)];
    if (a === b) return;
    // A fixed value stays the representative of its class.
    if (a.startsWith('fixed')) this.parents.set(b, a);
    else this.parents.set(a, b);
  }

  find(key: string): string {
    const parent = this.parents.get(key);
    return parent === undefined ? key : this.find(parent);
  }

  isFixed(key: string): boolean {
    return this.find(key).startsWith('fixed');
  }

  /** Makes the columns of a subquery equal to the columns that its SELECT list names. */
  uniteOutput(relation: Relation): void {
    for (const level of relation.levels) {
      for (const target of level.select?.targetList ?? []) {
        if (!('ResTarget' in target) || target.ResTarget.val === undefined) continue;
        const { val } = target.ResTarget;
        if ('ColumnRef' in val && val.ColumnRef.fields?.some((field) => 'A_Star' in field) === true)
          this.uniteStar(relation, level, val.ColumnRef);
        const name = nameOfTarget(target);
        const key = name === undefined ? undefined : this.keyOf(val, level);
        if (name !== undefined && key !== undefined) this.unite(this.column(relation, name), key);
      }
    }
  }

  private uniteStar(relation: Relation, level: Level, star: ColumnRef): void {
    const [alias] = stringsOf(star.fields);
    for (const inner of level.relations)
      if (alias === undefined || inner.alias === alias)
        for (const column of ['campaign_id'])
          if (inner.kind !== 'table' || inner.columns.has(column))
            this.unite(this.column(relation, column), this.column(inner, column));
  }

  private ofReference(reference: ColumnRef, level: Level): string | undefined {
    const found = resolve(reference, level);
    if (found !== undefined) return this.column(found.relation, found.column);
    return `fixed ${stringsOf(reference.fields).join('.')}`;
  }
}
