import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { generatedKey } from '../../src/identity/generated-keys.ts';

const root = await mkdtemp(join(tmpdir(), 'service-key-'));
after(() => rm(root, { recursive: true }));

test('twenty concurrent starts generate one key, which one of them shows', async () => {
  const directory = join(root, 'twenty');
  const all = await Promise.all(
    Array.from({ length: 20 }, () => generatedKey(directory, 'service-key')),
  );
  assert.equal(new Set(all.map(({ key }) => key)).size, 1);
  assert.equal(all.filter(({ created }) => created).length, 1);
  assert.ok((all[0]?.key.length ?? 0) >= 32);
  assert.deepEqual(await readdir(directory), ['service-key']);
});

test('only its owner can read the key file, and a later start finds it', async () => {
  const directory = join(root, 'later');
  const first = await generatedKey(directory, 'service-key');
  assert.equal((await stat(first.path)).mode & 0o777, 0o600);
  assert.deepEqual(await generatedKey(directory, 'service-key'), { ...first, created: false });
  assert.equal((await readFile(first.path, 'utf8')).trim(), first.key);
});

test('an empty key file stops the start with a reason', async () => {
  const directory = join(root, 'emptied');
  const { path } = await generatedKey(directory, 'service-key');
  await writeFile(path, '');
  await assert.rejects(generatedKey(directory, 'service-key'), /delete it to get a new one/);
});
