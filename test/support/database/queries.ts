import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const source = join(import.meta.dirname, '../../../src');

/** The source files in src that declare SQL statements, with their text. */
export function queryModules(): { readonly path: string; readonly text: string }[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== join('database', 'query.ts'))
    .map((file) => join(source, file))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
    .filter(({ text }) =>
      /import \{[^}]*\bquery\b[^}]*\} from '[./]*(?:database\/)?query\.ts'/.test(text),
    );
}

/**
 * Imports every source file that declares SQL statements, so that `allQueries` returns all of them.
 */
export async function loadEveryQuery(): Promise<void> {
  for (const { path } of queryModules()) await import(path);
}
