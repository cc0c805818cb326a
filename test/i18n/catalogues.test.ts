import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { messageKeys, target } from '../../scripts/message-keys.ts';
import { placeholdersOf, readCatalogues } from '../../src/i18n/catalogue.ts';
import {
  notificationKey,
  notificationKinds,
  type MessageKind,
} from '../../src/notifications/messages/kinds.ts';

const root = join(import.meta.dirname, '../..');
const catalogues = readCatalogues();
const keys = [...catalogues.get('id')!.keys()];

test('the types of the messages are those of the catalogues', () => {
  assert.equal(readFileSync(target, 'utf8'), messageKeys(), 'run: npm run messages');
});

test('Indonesian and English have the same messages, none of them empty', () => {
  assert.deepEqual([...catalogues.get('en')!.keys()].toSorted(), keys.toSorted());
  for (const [language, catalogue] of catalogues) {
    for (const [key, template] of catalogue) {
      assert.ok(template.trim() === template && template !== '', `${language} ${key}`);
      placeholdersOf(template, `${language} ${key}`);
    }
  }
});

/**
 * The message keys that the source uses: as a literal, or composed of the kind of a notification
 * and its part.
 */
function usedKeys(): Set<string> {
  const known = new Set(keys);
  const files = globSync('src/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('message-keys.ts'),
  );
  const literals = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/'([a-z]+\.[\w.-]+)'/g)].map(
      ([, key]) => key!,
    ),
  );
  const ofNotifications = Object.entries(notificationKinds).flatMap(([kind, { parts }]) =>
    (['title', ...parts] as const).map((part) => notificationKey(kind as MessageKind, part)),
  );
  return new Set([...literals, ...ofNotifications].filter((key) => known.has(key)));
}

test('every message is used', () => {
  const used = usedKeys();
  assert.ok(used.size > 1_000);
  assert.deepEqual(
    keys.filter((key) => !used.has(key)),
    [],
  );
});

test('the source has keys, and no sentences in Indonesian', () => {
  const words = /\b(?:kamu|yang|sudah|belum|untuk|dengan)\b/i;
  const files = globSync('src/**/*.ts', { cwd: root }).filter(
    (file) => !/message-keys\.ts$|^src\/(?:demo|ledger\/statement-files)\//.test(file),
  );
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter((line) => words.test(line) && !/^\s*(?:\/\/|\*|\/\*)/.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  assert.deepEqual(found, []);
});
