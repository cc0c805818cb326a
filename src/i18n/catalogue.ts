import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  isLiteralElement,
  isNumberElement,
  isPluralElement,
  isPoundElement,
  isSelectElement,
  parse,
} from '@formatjs/icu-messageformat-parser';
import { builtInLocales, defaultLanguage, languagesIn, type Language } from './language.ts';

/** The message templates of one language, by message key. */
export type Catalogue = ReadonlyMap<string, string>;

/**
 * Thrown when a folder of messages cannot be used. The text of the error names the file and the
 * message key.
 */
export class LocalesError extends Error {
  override readonly name = 'LocalesError';
}

/**
 * Reads the messages of all languages. Each file of the built-in folder contains the messages of
 * one area; the area's name is the first part of their keys. A second, optional folder can replace
 * single messages and add languages. Throws LocalesError for a folder that does not exist, for
 * invalid JSON or ICU syntax, and for a key that the service does not have.
 */
export function readCatalogues(overrides?: string): ReadonlyMap<Language, Catalogue> {
  const catalogues = new Map<Language, Catalogue>();
  for (const language of languagesIn(builtInLocales)) {
    catalogues.set(language, readFolder(join(builtInLocales, language)));
  }
  if (overrides === undefined) return catalogues;
  if (!existsSync(overrides)) throw new LocalesError(`${overrides} does not exist`);
  const builtIn = new Map(catalogues);
  for (const language of languagesIn(overrides)) {
    const folder = join(overrides, language);
    const own = readFolder(folder);
    for (const [key, template] of own) checkOverride(folder, key, template, builtIn);
    catalogues.set(language, new Map([...(catalogues.get(language) ?? []), ...own]));
  }
  return catalogues;
}

function readFolder(folder: string): Catalogue {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(
    files.flatMap((name) => {
      const area = name.slice(0, -'.json'.length);
      return readFile(join(folder, name)).map(([key, template]): [string, string] => [
        `${area}.${key}`,
        template,
      ]);
    }),
  );
}

function readFile(file: string): [string, string][] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new LocalesError(`${file} is not valid JSON: ${(error as Error).message}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new LocalesError(`${file} must contain an object of keys and texts`);
  }
  return Object.entries(content).map(([key, template]) => {
    if (typeof template !== 'string') throw new LocalesError(`${file}: ${key} must be a text`);
    return [key, template];
  });
}

/**
 * Checks a translated message. It may use only the placeholders of the same message in the built-in
 * languages.
 */
function checkOverride(
  folder: string,
  key: string,
  template: string,
  builtIn: ReadonlyMap<Language, Catalogue>,
): void {
  if (!builtIn.get(defaultLanguage)!.has(key)) {
    throw new LocalesError(`${folder}: the service has no message ${key}`);
  }
  const names = [...builtIn.values()].flatMap((catalogue) => [
    ...placeholdersOf(catalogue.get(key) ?? '', key).keys(),
  ]);
  for (const name of placeholdersOf(template, `${folder}: ${key}`).keys()) {
    if (!names.includes(name)) throw new LocalesError(`${folder}: ${key} has no value {${name}}`);
  }
}

/**
 * The type of value that a placeholder needs: a number for plurals and formatted numbers, otherwise
 * any value.
 */
export type PlaceholderKind = 'number' | 'any';

/**
 * Returns the placeholders of a template in ICU MessageFormat, with the types of their values.
 * Throws LocalesError for a template that cannot be parsed.
 */
export function placeholdersOf(template: string, name: string): Map<string, PlaceholderKind> {
  const found = new Map<string, PlaceholderKind>();
  let elements;
  try {
    elements = parse(template, { ignoreTag: true });
  } catch (error) {
    throw new LocalesError(`${name} is not valid: ${(error as Error).message}`);
  }
  collect(elements, found);
  return found;
}

type Elements = ReturnType<typeof parse>;

function collect(elements: Elements, found: Map<string, PlaceholderKind>): void {
  for (const element of elements) {
    if (isLiteralElement(element) || isPoundElement(element)) continue;
    const isNumber = isNumberElement(element) || isPluralElement(element);
    if (isNumber || !found.has(element.value)) {
      found.set(element.value, isNumber ? 'number' : 'any');
    }
    if (isSelectElement(element) || isPluralElement(element)) {
      for (const option of Object.values(element.options)) collect(option.value, found);
    }
  }
}
