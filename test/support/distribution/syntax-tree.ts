import type { Node } from 'libpg-query';

export type Fields = Readonly<Record<string, unknown>>;

/**
 * Calls `visit` for every node of a syntax tree, with its type and its fields. Does not descend
 * into a node for which `visit` returns false.
 */
export function walk(tree: unknown, visit: (type: string, node: Fields) => boolean | void): void {
  if (Array.isArray(tree)) {
    for (const part of tree) walk(part, visit);
    return;
  }
  if (typeof tree !== 'object' || tree === null) return;
  for (const [key, value] of Object.entries(tree)) {
    const isNode = /^[A-Z]/.test(key) && typeof value === 'object' && value !== null;
    if (isNode && visit(key, value as Fields) === false) continue;
    walk(value, visit);
  }
}

/** All nodes of one type in a tree, without those inside a nested query. */
export function nodesOf<T = Fields>(tree: unknown, type: string): T[] {
  const found: T[] = [];
  walk(tree, (kind, node) => {
    if (kind === type) found.push(node as T);
    return kind !== 'SelectStmt';
  });
  return found;
}

/** The strings of a list of String nodes, such as the parts of a name. Leaves out a star. */
export function stringsOf(nodes: readonly Node[] = []): string[] {
  return nodes.flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));
}
