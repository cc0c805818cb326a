import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { queryModules } from './queries.ts';

/** The two type arguments of a `query<…>` call in the source, as text. */
export interface DeclaredTypes {
  readonly parameters: string;
  readonly row: string;
  /** The file in which the names of the two types are looked up. */
  readonly path: string;
}

export interface Field {
  readonly name: string;
  /** The members of the field's union type, each as the kind of value at run time. */
  readonly kinds: readonly string[];
}

/**
 * Finds the declared types of a statement by its name. The name in the source may be a template.
 */
export function declaredTypes(): (name: string) => DeclaredTypes | undefined {
  const found: { pattern: RegExp; types: DeclaredTypes }[] = [];
  for (const { path, text } of queryModules()) {
    for (const match of text.matchAll(/\bquery(<|\()/g)) {
      const open = match.index + match[0].length - 1;
      const written = match[1] === '<' ? balancedText(text, open) : returnedTypes(text, open);
      const rest = text.slice(match[1] === '<' ? open + written.length + 2 : open);
      const name = /^\(\s*['`]([^'`]+)['`]/.exec(rest)?.[1];
      if (name === undefined) continue;
      const [parameters = '', row = ''] = parts(written);
      const pattern = new RegExp(`^${name.replaceAll(/\$\{\w+\}/g, '\\w+')}$`);
      found.push({ pattern, types: { parameters, row, path } });
    }
  }
  return (name) => found.find(({ pattern }) => pattern.test(name))?.types;
}

/**
 * The type arguments of `Query<…>`, the return type of the function that contains this position.
 */
function returnedTypes(text: string, at: number): string {
  const start = text.lastIndexOf('Query<', at);
  return balancedText(text, start + 'Query'.length);
}

/** The text between the bracket at this position and its closing bracket. */
function balancedText(text: string, open: number): string {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if ('<[{('.includes(text[at]!)) depth++;
    if ('>]})'.includes(text[at]!) && text[at - 1] !== '=') depth--;
    if (depth === 0) return text.slice(open + 1, at);
  }
  throw new Error('a bracket is not closed');
}

/** Splits a text at a separator, but not inside brackets or quotes. */
function parts(text: string, separator = ','): string[] {
  const cut: string[] = [''];
  let depth = 0;
  for (const [at, sign] of [...text].entries()) {
    if ('<[{('.includes(sign)) depth++;
    if ('>]})'.includes(sign) && text[at - 1] !== '=') depth--;
    if (sign === separator && depth === 0) cut.push('');
    else cut[cut.length - 1] += sign;
  }
  return cut.map((part) => part.trim()).filter((part) => part !== '');
}

/** The kinds of each element of a tuple type. */
export function tupleOf(type: string, path: string): string[][] {
  const tuple = type.replace(/^readonly\s+/, '');
  if (!tuple.startsWith('[')) {
    const { text, path: where } = definition(tuple, path);
    return tupleOf(text, where);
  }
  return parts(balancedText(tuple, 0)).map((element) =>
    kindsOf(element.replace(/^\w+\??:\s*/, ''), path),
  );
}

/**
 * The fields of an object type. It may be an interface, `Pick`, an intersection or a literal type.
 */
export function fieldsOf(type: string, path: string): Field[] {
  const both = parts(type, '&');
  if (both.length > 1) return both.flatMap((one) => fieldsOf(one, path));
  if (type.startsWith('{')) {
    const body = balancedText(type, 0).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '');
    return parts(body.replaceAll('\n', ' '), ';').map((line) => {
      const [, name = '', of = ''] = /^(?:readonly\s+)?(\w+)\??:\s*([^]*)$/.exec(line) ?? [];
      return { name, kinds: kindsOf(of, path) };
    });
  }
  if (type.startsWith('Pick<')) {
    const [of = '', names = ''] = parts(balancedText(type, 4));
    return fieldsOf(of, path).filter(({ name }) => names.includes(`'${name}'`));
  }
  const { text, path: where } = definition(type, path);
  return fieldsOf(text, where);
}

const plain = new Set([
  'string',
  'number',
  'bigint',
  'boolean',
  'Date',
  'Buffer',
  'null',
  'object',
]);

function kindsOf(type: string, path: string): string[] {
  const union = parts(type.replace(/^readonly\s+(?=.*\[\]$)/, ''), '|');
  if (union.length !== 1) return union.flatMap((one) => kindsOf(one, path));
  const [one] = union as [string];
  if (plain.has(one)) return [one];
  if (/^'[^]*'$/.test(one)) return ['string'];
  if (one.endsWith('[]')) {
    const element = one.slice(0, -2).replace(/^\(([^]*)\)$/, '$1');
    return kindsOf(element, path)
      .filter((kind) => kind !== 'null')
      .map((kind) => `${kind}[]`);
  }
  if (/^(\{|Readonly<|Record<)/.test(one)) return ['object'];
  const member = /^(\w+)\['(\w+)'\]$/.exec(one);
  if (member) {
    return fieldsOf(member[1]!, path).find(({ name }) => name === member[2])?.kinds as string[];
  }
  if (/^\(typeof \w+\)\[number\]$/.test(one)) return ['string'];
  const { text, path: where } = definition(one, path);
  return text.startsWith('{') ? ['object'] : kindsOf(text, where);
}

/** Looks a name up in this file, and in the files that it is imported or exported from. */
function definition(name: string, path: string): { text: string; path: string } {
  const source = readFileSync(path, 'utf8');
  const alias = new RegExp(`\\btype ${name} =\\s*\\|?([^;{]*(?:\\{[^]*?\\n\\})?);`).exec(source);
  if (alias) return { text: alias[1]!.trim(), path };
  const shape = new RegExp(`\\binterface ${name}(?: extends (\\w+))? \\{`).exec(source);
  if (shape) {
    const own = `{${balancedText(source, shape.index + shape[0].length - 1)}}`;
    return { text: shape[1] === undefined ? own : `${own} & ${shape[1]}`, path };
  }
  for (const [, names = '', from = ''] of source.matchAll(
    /(?:im|ex)port (?:type )?\{([^}]*)\} from '(\.[^']*)'/g,
  )) {
    if (new RegExp(`\\b${name}\\b`).test(names)) return definition(name, join(dirname(path), from));
  }
  throw new Error(`${name} is not declared in ${path}`);
}
