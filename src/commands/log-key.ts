import { randomBytes } from 'node:crypto';
import { loadConfig, type Config } from '../config/config.ts';
import { openDatabase, type Database } from '../database/pool.ts';
import {
  configuredLogName,
  formatSeed,
  keySource,
  stageKeyFile,
  type KeySource,
} from '../public-log/key-source.ts';
import { findKeys, rotateKey, verifyStatement, type LogKey } from '../public-log/keys.ts';
import { createSigner, formatVerifierKey } from '../public-log/note.ts';
import { exitCodes, type Command } from './command.ts';
import { withDatabase } from './database.ts';

/** `sambatan log-key`: shows the keys of the public log. */
export const logKeyCommand: Command = {
  usage: `
Usage: sambatan log-key

Shows the keys that sign the public log, newest first, and whether this installation has the
private key in use. The exit code is 1 when it does not, or when a key is not announced by the key
before it. GET /.well-known/sambatan-log-key lists the same keys.
`,
  options: {},
  async run() {
    return await withLog(async (db, config) => {
      const keys = await findKeys(db);
      if (keys.length === 0) {
        process.stdout.write(
          'the public log has no key yet: the first start of a worker adds it\n',
        );
        return exitCodes.done;
      }
      const current = keys.find(({ signsFrom }) => signsFrom !== null);
      const source = keySource(config);
      const hasKey = current !== undefined && (await isPrivateKeyOf(source, current));
      for (const [index, key] of keys.entries()) {
        process.stdout.write(`${formatKey(key, keys[index + 1])}\n`);
      }
      process.stdout.write(
        `private key: ${describeSource(source)}${hasKey ? '' : '; it is NOT the key in use'}\n`,
      );
      const gaps = keys.some((key, index) => isUnannounced(key, keys[index + 1]));
      return hasKey && !gaps ? exitCodes.done : exitCodes.found;
    });
  },
};

/** `sambatan log-key rotate`: replaces the key that signs the public log. */
export const logKeyRotate: Command = {
  usage: `
Usage: sambatan log-key rotate [--rename] [--lost]

  --rename  give the log the name of SAMBATAN_LOG_NAME, or else of SAMBATAN_PUBLIC_URL
  --lost    the private key in use was lost: take the present one without its announcement

Replaces the key that signs the public log. The key in use announces the new key, so receipts that
it signed stay verifiable. With the embedded database the new key replaces SAMBATAN_DATA_DIR/log-key
and running services use it at once. Otherwise the command prints the new key once: set
SAMBATAN_LOG_KEY to it and restart the workers; until then the old key signs. After --lost, holders
of older receipts see that the key was replaced without an announcement.
`,
  options: { rename: { type: 'boolean' }, lost: { type: 'boolean' } },
  async run({ rename, lost }) {
    return await withLog(async (db, config) => {
      const source = keySource(config);
      const [current] = await findKeys(db);
      const name = rename || current === undefined ? configuredLogName(config) : current.name;
      return lost ? await replaceLost(db, source, name) : await rotate(db, source, name);
    });
  },
};

async function rotate(db: Database, source: KeySource, name: string): Promise<number> {
  const seed = await source.read();
  const newSeed = randomBytes(32);
  const staged = source.path === undefined ? undefined : await stageKeyFile(source.path, newSeed);
  try {
    const key = await db.transaction((tx) => rotateKey(tx, { seed, newSeed, name }));
    await staged?.replace();
    process.stdout.write(`announced: ${formatVerifierKey(key)}\n`);
  } catch (error) {
    await staged?.discard();
    throw error;
  }
  process.stdout.write(
    source.path === undefined
      ? `set this and restart the workers; it is shown only once:\nSAMBATAN_LOG_KEY=${formatSeed(newSeed)}\n`
      : `the private key lies in ${source.path}; running services use it now\n`,
  );
  return exitCodes.done;
}

async function replaceLost(db: Database, source: KeySource, name: string): Promise<number> {
  const newSeed = await source.read();
  const key = await db.transaction((tx) => rotateKey(tx, { seed: undefined, newSeed, name }));
  process.stdout.write(`in use, without an announcement: ${formatVerifierKey(key)}\n`);
  return exitCodes.done;
}

async function withLog(run: (db: Database, config: Config) => Promise<number>): Promise<number> {
  const config = loadConfig();
  return await withDatabase(config, async (url, log) => {
    const db = openDatabase({ url, log, maxConnections: 1 });
    try {
      return await run(db, config);
    } finally {
      await db.close();
    }
  });
}

async function isPrivateKeyOf(source: KeySource, key: LogKey): Promise<boolean> {
  return createSigner(key.name, await source.read()).publicKey.equals(key.publicKey);
}

/** Returns true when a key is not the first one and no valid statement announces it. */
const isUnannounced = (key: LogKey, before: LogKey | undefined): boolean =>
  before !== undefined && !verifyStatement(key, before);

function formatKey(key: LogKey, before: LogKey | undefined): string {
  const state = key.signsFrom === null ? 'announced' : `signs from ${key.signsFrom.toISOString()}`;
  const gap = isUnannounced(key, before) ? ', NOT announced by the key before it' : '';
  return `${formatVerifierKey(key)}\n  ${state}${gap}`;
}

function describeSource({ kind, path }: KeySource): string {
  if (path !== undefined) return path;
  return kind === 'setting' ? 'SAMBATAN_LOG_KEY' : 'derived from the secret key';
}
