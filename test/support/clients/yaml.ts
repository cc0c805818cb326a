import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = join(import.meta.dirname, '../../..');
// Uses the YAML parser that is a dependency of the OpenAPI library.
const { parse } = createRequire(fileURLToPath(import.meta.resolve('@fastify/swagger')))('yaml') as {
  parse: (text: string, options: { merge: boolean }) => unknown;
};

/** Parses a YAML file of the project, including merge keys. */
export function yamlFile<T>(path: string): T {
  return parse(readFileSync(join(project, path), 'utf8'), { merge: true }) as T;
}
