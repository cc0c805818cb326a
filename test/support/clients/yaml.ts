import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = join(import.meta.dirname, '../../..');
// The parser that comes with the OpenAPI document's library.
const { parse } = createRequire(fileURLToPath(import.meta.resolve('@fastify/swagger')))('yaml') as {
  parse: (text: string, options: { merge: boolean }) => unknown;
};

/** Parses a YAML file of the project, including merge keys. */
export function yamlFile<T>(path: string): T {
  return parse(readFileSync(join(project, path), 'utf8'), { merge: true }) as T;
}
