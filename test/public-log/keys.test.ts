import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openCheckpoint, formatCheckpoint } from '../../src/public-log/checkpoint.ts';
import { keysTrustedFrom, parseKeyList } from '../../src/public-log/key-list.ts';
import { keySource, type KeySource } from '../../src/public-log/key-source.ts';
import { findKeys, rotateKey, verifyStatement } from '../../src/public-log/keys.ts';
import { formatVerifierKey } from '../../src/public-log/note.ts';
import { findCheckpoint } from '../../src/public-log/stored-log.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Database } from '../../src/database/pool.ts';
import { createLogWriter } from '../support/builders/public-log.ts';
import {
  createBrandAndProduct,
  createTestCampaign,
  joinRequest,
  joinSuccessfully,
} from '../support/builders/market.ts';
import { testDatabase } from '../support/database/database.ts';
import { runCommand } from '../support/server/command.ts';
import { directory } from '../support/server/service.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const fixed = (seed: Buffer): KeySource => ({
  kind: 'setting',
  path: undefined,
  read: () => Promise.resolve(seed),
});

async function openLog() {
  const database = await testDatabase();
  after(() => database.close());
  const { db } = database;
  const id = await createTestCampaign(db, await createBrandAndProduct(db), { totalSlots: 100 });
  const sign = async (source: KeySource) => {
    await joinSuccessfully(db, joinRequest(id));
    const made = createLogWriter(db, { keySource: source });
    await made.writer.drain();
    return made;
  };
  return { ...database, id, sign };
}

/** The key that signed the newest checkpoint, as the key list numbers it. */
async function signerOf(db: Database, id: string): Promise<number> {
  const keys = await findKeys(db);
  const checkpoint = (await findCheckpoint(db, id))!;
  openCheckpoint(formatCheckpoint(checkpoint), keys);
  return keys.find(({ keyId }) => keyId.equals(checkpoint.keyId))!.number;
}

test('the old key announces the new one, and signs until a process has the new one', async () => {
  const { db, id, sign } = await openLog();
  const [old, next] = [randomBytes(32), randomBytes(32)];
  await sign(fixed(old));
  await db.transaction((tx) => rotateKey(tx, { seed: old, newSeed: next, name: 'sambatan.test' }));
  await sign(fixed(old));
  assert.equal(await signerOf(db, id), 1);
  await sign(fixed(next));
  assert.equal(await signerOf(db, id), 2);
  const [newest, first] = await findKeys(db);
  assert.ok(verifyStatement(newest!, first!));
  assert.ok(newest!.signsFrom! > first!.signsFrom!);
  // From then on the old key signs nothing.
  await assert.rejects(sign(fixed(old)), /was replaced/);
  await sign(fixed(next));
});

test('a process with a foreign key signs nothing', async () => {
  const { db, sign } = await openLog();
  await sign(fixed(randomBytes(32)));
  const foreign = fixed(randomBytes(32));
  await assert.rejects(sign(foreign), /not in the key list/);
  const rotation = { seed: randomBytes(32), newSeed: randomBytes(32), name: 'sambatan.test' };
  await assert.rejects(
    db.transaction((tx) => rotateKey(tx, rotation)),
    /not the key in use/,
  );
});

test('a lost key is replaced without a statement, and everybody can see that', async () => {
  const { db, url, sign } = await openLog();
  await sign(fixed(randomBytes(32)));
  const seed = randomBytes(32);
  const environment = {
    DATABASE_URL: url,
    SAMBATAN_SERVICE_KEY: serviceKey,
    SAMBATAN_LOG_KEY: seed.toString('base64'),
  };
  const wrong = await runCommand(['log-key'], environment);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /SAMBATAN_LOG_KEY; it is NOT the key in use/);
  assert.equal((await runCommand(['log-key', 'rotate'], environment)).code, 3);
  assert.equal((await runCommand(['log-key', 'rotate', '--lost'], environment)).code, 0);
  await sign(fixed(seed));
  const shown = await runCommand(['log-key'], environment);
  assert.equal(shown.code, 1);
  assert.match(shown.out, /NOT announced by the key before it/);
  assert.equal((await findKeys(db))[0]!.statement, null);
});

test('the command prints a new key once, and a later start puts it into use', async () => {
  const { db, url, id, sign } = await openLog();
  const old = randomBytes(32);
  await sign(fixed(old));
  const environment = { DATABASE_URL: url, SAMBATAN_SERVICE_KEY: serviceKey };
  const configured = { ...environment, SAMBATAN_LOG_KEY: old.toString('base64') };
  const rotated = await runCommand(['log-key', 'rotate', '--rename'], {
    ...configured,
    SAMBATAN_LOG_NAME: 'baru.example',
  });
  assert.equal(rotated.code, 0, rotated.err);
  const [, printed = ''] = /SAMBATAN_LOG_KEY=(\S+)/.exec(rotated.out) ?? [];
  await sign(fixed(Buffer.from(printed, 'base64url')));
  assert.equal(await signerOf(db, id), 2);
  assert.equal((await findCheckpoint(db, id))!.origin, `baru.example/${id}`);
  const shown = await runCommand(['log-key'], { ...environment, SAMBATAN_LOG_KEY: printed });
  assert.equal(shown.code, 0, shown.out);
});

test('with the embedded database the key is in a file that only its owner can read', async () => {
  const { db, id, sign } = await openLog();
  const data = directory();
  const source = keySource(readConfig({ SAMBATAN_DATA_DIR: data }));
  const { writer } = await sign(source);
  const file = join(data, 'log-key');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url').length, 32);
  // A running writer reads the file again when another key was announced.
  const seed = await source.read();
  const newSeed = randomBytes(32);
  const { stageKeyFile } = await import('../../src/public-log/key-source.ts');
  const staged = await stageKeyFile(file, newSeed);
  await db.transaction((tx) => rotateKey(tx, { seed, newSeed, name: 'sambatan.test' }));
  await joinSuccessfully(db, joinRequest(id));
  await writer.drain();
  assert.equal(await signerOf(db, id), 1);
  await staged.replace();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await joinSuccessfully(db, joinRequest(id));
  await writer.drain();
  assert.equal(await signerOf(db, id), 2);
});

test('the key list leads from every older key to the newest one', async () => {
  const { db, sign } = await openLog();
  let seed = randomBytes(32);
  await sign(fixed(seed));
  for (let n = 0; n < 3; n++) {
    const newSeed = randomBytes(32);
    await db.transaction((tx) => rotateKey(tx, { seed, newSeed, name: 'sambatan.test' }));
    seed = newSeed;
    await sign(fixed(seed));
  }
  const keys = await findKeys(db);
  const list = parseKeyList(
    JSON.stringify({
      keys: keys.map((key) => ({ vkey: formatVerifierKey(key), statement: key.statement })),
    }),
  );
  assert.equal(keysTrustedFrom(list, list.keys.at(-1)!).length, 4);
});
