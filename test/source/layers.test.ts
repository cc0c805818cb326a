import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

/*
 * src/layers.json lists every folder of src in rows, with the highest row first. A file may import
 * from its folder and from folders in lower rows. Folders in the same row may not import from each
 * other.
 */

const source = join(import.meta.dirname, '../../src');
const layers = JSON.parse(readFileSync(join(source, 'layers.json'), 'utf8')) as {
  readonly layer: string;
  readonly folders: readonly (readonly string[])[];
}[];
const rows = layers.flatMap(({ folders }) => folders);

/** The height of each folder. Folders in the lowest row have height 0. */
const heights = new Map(
  rows.toReversed().flatMap((row, height) => row.map((folder) => [folder, height] as const)),
);

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

/** The imports of other files in src: static imports, dynamic imports and imports of types. */
function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)]
    .map(([, path = '']) => ({
      from: file,
      to: relative(source, join(source, dirname(file), path)),
    }))
    .filter(({ to }) => to.endsWith('.ts'));
}

const all = files.flatMap((file) => importsOf(file, readFileSync(join(source, file), 'utf8')));

/** Whether an import leads to a lower folder or stays in the same folder. */
function goesDown({ from, to }: Import): boolean {
  const [above, below] = [dirname(from), dirname(to)];
  return above === below || heights.get(above)! > heights.get(below)!;
}

test('every folder of src is in the table of layers exactly once', () => {
  const folders = new Set(files.map((file) => dirname(file)));
  assert.deepEqual(rows.flat().toSorted(), [...folders].toSorted());
});

test('imports go down the layers', () => {
  assert.ok(all.length > 1_000, `${all.length} imports were found`);
  const upwards = all.filter((one) => !goesDown(one));
  assert.deepEqual(
    upwards.map(({ from, to }) => `${from} imports ${to}`),
    [],
  );
});

test('no two folders import each other', () => {
  const pairs = new Set(all.map(({ from, to }) => `${dirname(from)} ${dirname(to)}`));
  const mutual = [...pairs].filter((pair) => {
    const [from, to] = pair.split(' ');
    return from !== to && pairs.has(`${to} ${from}`);
  });
  assert.deepEqual(mutual, []);
});

/**
 * Imports that must be found to be wrong: some are from an earlier structure, some are likely
 * mistakes.
 */
const probes = [
  ['http/problem.ts', "import { isFinal } from '../campaigns/status.ts';"],
  ['http/forms.ts', "import type { App } from '../app/app.ts';"],
  ['database/pool.ts', "import { problemDocument } from '../http/problem.ts';"],
  ['campaigns/operations.ts', "import { planner } from '../notifications/handle-events.ts';"],
  ['accounts/sessions.ts', "const site = await import('../server/site/site.ts');"],
  ['overload/listen.ts', "import type { Joined } from '../participations/join.ts';"],
  ['catalogue/brand-routes.ts', "export { sellerPages } from '../pages/seller/index.ts';"],
] as const;
for (const [file, line] of probes) {
  test(`control: src/${file} may not ${line}`, () => {
    assert.deepEqual(importsOf(file, line).map(goesDown), [false]);
  });
}
