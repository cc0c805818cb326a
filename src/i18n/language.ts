import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A language tag (BCP 47) that has a folder of messages, such as `id` or `en`. */
export type Language = string;

/**
 * The default language. It is used for users who request no language, and for messages that another
 * language does not have.
 */
export const defaultLanguage: Language = 'id';

/** The folder with the messages of the service itself. */
export const builtInLocales = join(import.meta.dirname, '../../locales');

/** Returns the languages that a folder of messages contains, the default language first. */
export function languagesIn(directory: string): readonly Language[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isLanguageTag(entry.name))
    .map(({ name }) => name)
    .toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Returns true if this is a language tag in the form of a folder name, such as `jv` or `zh-TW`. */
function isLanguageTag(word: string): boolean {
  return /^[a-z]{2,3}(-[A-Z]{2})?$/.test(word);
}

function rank(language: Language): number {
  return language === defaultLanguage ? 0 : 1;
}
