import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root });
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

test('every file and directory that the documents name exists', () => {
  let named = 0;
  // The changelog may name files that no longer exist.
  for (const document of documents.filter((one) => one !== 'CHANGELOG.md')) {
    const roots = /`((?:src|test|sql|docs|ops|bench|scripts|supabase)\/[\w./-]*)`/g;
    for (const [, path] of read(document).matchAll(roots)) {
      if (path!.includes('YYYYMMDD')) continue;
      named++;
      assert.ok(existsSync(join(root, path!)), `${path} of ${document} is not there`);
    }
  }
  assert.ok(named > 80, `${named}`);
});

test('every npm script that the documents name exists', () => {
  let named = 0;
  for (const document of documents) {
    for (const [, script] of read(document).matchAll(
      /npm run (?:--silent )?([a-z][a-z:]*[a-z])/g,
    )) {
      named++;
      assert.ok(Object.hasOwn(scripts, script!), `npm run ${script} of ${document} is not there`);
    }
  }
  assert.ok(named > 10, `${named}`);
});
