import { isLiteralElement } from '@formatjs/icu-messageformat-parser';
import { IntlMessageFormat, type Formatters } from 'intl-messageformat';
import { readCatalogues, type Catalogue } from './catalogue.ts';
import { defaultLanguage, type Language } from './language.ts';
import type { MessageKey, Messages } from './message-keys.ts';

/**
 * A value for a placeholder: a text, a number, another message, or a function that returns the text
 * in a language.
 */
export type Value = string | number | bigint | Wording | ((language: Language) => string);

/** A message whose language is chosen later: its key and the values of its placeholders. */
export interface Wording {
  readonly key: MessageKey;
  readonly values?: Readonly<Record<string, Value>> | undefined;
}

/** The values that the message of a key needs, as the type of the arguments after the key. */
export type ValuesOf<K extends MessageKey> = Messages[K] extends undefined
  ? []
  : [values: Messages[K]];

/** Returns the text of a message in the language of the current page. */
export type Translate = <K extends MessageKey>(key: K, ...values: ValuesOf<K>) => string;

/** Returns a message whose language is chosen later. It is used for errors and tables of texts. */
export function wording<K extends MessageKey>(key: K, ...[values]: ValuesOf<K>): Wording {
  return values === undefined ? { key } : { key, values };
}

/** Returns the text of a message in a language. */
export function translate<K extends MessageKey>(
  language: Language,
  key: K,
  ...[values]: ValuesOf<K>
): string {
  return textOf(language, values === undefined ? { key } : { key, values });
}

/**
 * Returns the text of a wording in a language. If the language does not have this message, returns
 * it in the default language, which has all messages.
 */
export function textOf(language: Language, { key, values }: Wording): string {
  const template = templateOf(language, key);
  if (typeof template === 'string') return template;
  return template.format(valuesIn(language, values ?? {})) as string;
}

/** Returns the template of a message in a language, for code that cannot use this module. */
export function templateText(language: Language, key: MessageKey): string {
  const own = catalogues().byLanguage.get(language)?.get(key);
  const source = own ?? catalogues().byLanguage.get(defaultLanguage)?.get(key);
  if (source === undefined) throw new Error(`there is no message ${key}`);
  return source;
}

/** Returns the languages of the service, the default language first. */
export function languages(): readonly [Language, ...Language[]] {
  return catalogues().languages;
}

/**
 * Returns the stored language of a user, or the default language if the service does not have that
 * language now.
 */
export function knownLanguage(language: string | null | undefined): Language {
  return language && languages().includes(language) ? language : defaultLanguage;
}

/**
 * Reads the messages from disk, and optionally a second folder that replaces messages and adds
 * languages. Call it before anything is translated; otherwise the first translation reads only the
 * built-in messages. Throws the errors of readCatalogues.
 */
export function loadMessages(overrides: string | undefined): void {
  loaded = withLanguages(readCatalogues(overrides));
  templates.clear();
}

/** The catalogues with their languages. The list is made once, because every request reads it. */
interface LoadedCatalogues {
  readonly byLanguage: ReadonlyMap<Language, Catalogue>;
  readonly languages: readonly [Language, ...Language[]];
}

let loaded: LoadedCatalogues | undefined;

function catalogues(): LoadedCatalogues {
  return (loaded ??= withLanguages(readCatalogues()));
}

function withLanguages(byLanguage: ReadonlyMap<Language, Catalogue>): LoadedCatalogues {
  return { byLanguage, languages: [...byLanguage.keys()] as [Language, ...Language[]] };
}

type Template = string | IntlMessageFormat;

/**
 * The parsed templates by language and key. They are kept, because parsing takes much longer than
 * formatting.
 */
const templates = new Map<Language, Map<MessageKey, Template>>();

function templateOf(language: Language, key: MessageKey): Template {
  let known = templates.get(language);
  if (known === undefined) templates.set(language, (known = new Map()));
  let template = known.get(key);
  if (template === undefined) known.set(key, (template = parseTemplate(language, key)));
  return template;
}

function parseTemplate(language: Language, key: MessageKey): Template {
  const isTranslated = catalogues().byLanguage.get(language)?.has(key) === true;
  const template = new IntlMessageFormat(
    templateText(language, key),
    localesOf(isTranslated ? language : defaultLanguage),
    undefined,
    { ignoreTag: true, formatters },
  );
  const isFixed = template.getAst().every(isLiteralElement);
  return isFixed ? (template.format() as string) : template;
}

function valuesIn(
  language: Language,
  values: Readonly<Record<string, Value>>,
): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, valueIn(language, value)]),
  );
}

function valueIn(language: Language, value: Value): string | number {
  switch (typeof value) {
    case 'bigint':
      return Number(value);
    case 'function':
      return value(language);
    case 'object':
      return textOf(language, value);
    default:
      return value;
  }
}

/**
 * Returns the locales that `Intl` uses for a language: the language itself, or Indonesian if Node
 * has no data for it.
 */
export function localesOf(language: Language): string[] {
  return [language === 'en' ? 'en-GB' : language, 'id-ID'];
}

/**
 * The formatters that all templates share. Creating a formatter takes a hundred times longer than
 * using it.
 */
const formatters: Formatters = {
  getNumberFormat: memoize((locales, options) => new Intl.NumberFormat(locales, options)),
  getDateTimeFormat: memoize((locales, options) => new Intl.DateTimeFormat(locales, options)),
  getPluralRules: memoize((locales, options) => new Intl.PluralRules(locales, options)),
};

/**
 * Returns a function that keeps each formatter and returns it again for the same arguments. All
 * templates together use few different arguments.
 */
function memoize<O, F>(
  make: (locales: string | string[] | undefined, options: O) => F,
): (locales?: string | string[], options?: O) => F {
  const known = new Map<string, F>();
  return (locales, options) => {
    const key = JSON.stringify([locales, options]);
    let formatter = known.get(key);
    if (formatter === undefined) known.set(key, (formatter = make(locales, options as O)));
    return formatter;
  };
}

/** Joins values with commas. They are formatted when the language is known. */
export function joinValues(values: readonly Value[]): Value {
  return (language) => values.map((value) => valueIn(language, value)).join(', ');
}
