import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModule, parsePlPgSQLSync, parseSync, type Node } from 'libpg-query';
import type { Catalog, DatabaseFunction } from './catalog.ts';
import { walk } from './syntax-tree.ts';

/** The statements of one query, view, function or migration. */
export interface StatementSource {
  /** What the source is, with its name: `query find_campaign`, `function join_campaigns`. */
  readonly object: string;
  readonly statements: readonly Node[];
  /** The database function, if the source is one. */
  readonly definition?: DatabaseFunction;
}

await loadModule();

/** Parses SQL text with PostgreSQL's own parser. Throws the parser's error. */
export function parse(text: string): Node[] {
  return (parseSync(text).stmts ?? []).flatMap(({ stmt }) => stmt ?? []);
}

const root = join(import.meta.dirname, '../../..');

/** The statements of all SQL files in a folder of the project, each as a source. */
export function sourcesInFolder(kind: string, folder: string): StatementSource[] {
  return readdirSync(join(root, folder)).map((file) => ({
    object: `${kind} ${file}`,
    statements: parse(readFileSync(join(root, folder, file), 'utf8')),
  }));
}

/** The statements of all views and functions of the schemas. */
export function sourcesOf({ functions, views, enums }: Catalog): StatementSource[] {
  return [
    ...views.map(({ name, definition }) => ({
      object: `view ${name}`,
      statements: parse(definition),
    })),
    ...functions.map((definition) => ({
      object: `function ${definition.name}`,
      definition,
      statements: bodyOf(definition, enums),
    })),
  ];
}

function bodyOf(source: DatabaseFunction, enums: ReadonlySet<string>): Node[] {
  const { language, definition } = source;
  if (language === 'plpgsql') return plpgsqlTexts(source, enums).flatMap(parse);
  if (language !== 'sql') return [];
  const [create] = parse(definition);
  if (create === undefined || !('CreateFunctionStmt' in create)) return [];
  const { options = [], sql_body: body } = create.CreateFunctionStmt;
  if (body !== undefined) return unwrap(body);
  for (const option of options) {
    if (!('DefElem' in option) || option.DefElem.defname !== 'as') continue;
    const { arg } = option.DefElem;
    const [text] = arg !== undefined && 'List' in arg ? (arg.List.items ?? []) : [];
    if (text !== undefined && 'String' in text) return parse(text.String.sval ?? '');
  }
  return [];
}

/** The statements of `begin atomic … end` or of a single `return`. */
function unwrap(body: Node): Node[] {
  if ('List' in body) return (body.List.items ?? []).flatMap(unwrap);
  if (!('ReturnStmt' in body)) return [body];
  const { returnval } = body.ReturnStmt;
  return returnval === undefined ? [] : [{ SelectStmt: { targetList: [toTarget(returnval)] } }];
}

const toTarget = (val: Node): Node => ({ ResTarget: { val } });

/** All statements and expressions of a PL/pgSQL function, each as a statement of its own. */
function plpgsqlTexts(
  { name, definition }: DatabaseFunction,
  enums: ReadonlySet<string>,
): string[] {
  const texts: string[] = [];
  walk(parsePlpgsql(name, definition, enums), (type, node) => {
    if (type !== 'PLpgSQL_expr') return;
    const { query, parseMode = 0 } = node as { query: string; parseMode?: number };
    if (parseMode === 0) texts.push(query);
    else if (parseMode === 2) texts.push(`select ${query}`);
    // An assignment: the target, then `:=` or `=`, then the expression.
    else if (parseMode > 2) texts.push(`select ${query.replace(/^.*?:?=/s, '')}`);
  });
  if (texts.length === 0) throw new Error(`the function ${name} contains no statement`);
  return texts;
}

/**
 * The parser has no catalogue and takes every type of the schema for a row type. PL/pgSQL refuses
 * rows in some places where enums and arrays are allowed, so these are replaced by text there.
 */
function parsePlpgsql(name: string, definition: string, enums: ReadonlySet<string>): unknown {
  const withoutArrays = definition.replaceAll(/\b\w+\.\w+\[\]/g, 'text[]');
  const withoutEnums = () =>
    withoutArrays.replaceAll(/\bsambatan\.(\w+)\b/g, (type, word) => {
      return enums.has(word) ? 'text' : type;
    });
  try {
    return parsePlPgSQLSync(withoutArrays);
  } catch {
    try {
      return parsePlPgSQLSync(withoutEnums());
    } catch (cause) {
      throw new Error(`cannot parse the function ${name}`, { cause });
    }
  }
}
