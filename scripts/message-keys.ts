// Writes src/i18n/message-keys.ts from the messages of all languages. That file has the types of
// all message keys and of the values that the messages need. A test fails while it differs.
//   npm run messages
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  placeholdersOf,
  readCatalogues,
  type Catalogue,
  type PlaceholderKind,
} from '../src/i18n/catalogue.ts';
import { defaultLanguage, type Language } from '../src/i18n/language.ts';

export const target = join(import.meta.dirname, '../src/i18n/message-keys.ts');

/** Returns the content of src/i18n/message-keys.ts. */
export function messageKeys(): string {
  const catalogues = readCatalogues();
  const keys = [...catalogues.get(defaultLanguage)!.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  const lines = keys.map((key) => `  '${key}': ${valuesType(key, catalogues)};`);
  return `// Written by \`npm run messages\` from the folder locales. Do not edit.
import type { Value } from './messages.ts';

/** All message keys. The type of a key lists the values that its placeholders need. */
export interface Messages {
${lines.join('\n')}
}

export type MessageKey = keyof Messages;
`;
}

/** The type of the values that a message needs in at least one language. */
function valuesType(key: string, catalogues: ReadonlyMap<Language, Catalogue>): string {
  const placeholders = new Map<string, PlaceholderKind>();
  for (const [language, catalogue] of catalogues) {
    const found = placeholdersOf(catalogue.get(key) ?? '', `${language}: ${key}`);
    for (const [name, kind] of found) {
      if (kind === 'number' || !placeholders.has(name)) placeholders.set(name, kind);
    }
  }
  if (placeholders.size === 0) return 'undefined';
  const fields = [...placeholders].map(
    ([name, kind]) => `${name}: ${kind === 'number' ? 'number | bigint' : 'Value'}`,
  );
  return `{ ${fields.join('; ')} }`;
}

if (import.meta.main) writeFileSync(target, messageKeys());
