import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface GeneratedKey {
  readonly key: string;
  /**
   * True only if this start of the service created the key. The key is then shown to the operator
   * once.
   */
  readonly created: boolean;
  readonly path: string;
}

/** Names of the keys that the service generates when it runs the embedded database. */
export type KeyName = keyof typeof keyBytes;

/** The number of random bytes of each key. The Ed25519 key of the public log has exactly 32. */
const keyBytes = { 'service-key': 36, 'secret-key': 36, 'log-key': 32 } as const;

/**
 * Reads a key from its file in the data directory. If there is no file, creates one that only its
 * owner can read. Several processes may call this at the same time: all get the same key, and only
 * one creates it. Throws when the file has fewer than 32 characters.
 */
export async function generatedKey(dataDirectory: string, name: KeyName): Promise<GeneratedKey> {
  const path = join(dataDirectory, name);
  const present = await readKey(path);
  if (present !== undefined) return { key: present, created: false, path };
  await mkdir(dataDirectory, { recursive: true });
  const created = await publish(path, randomBytes(keyBytes[name]).toString('base64url'));
  const key = await readKey(path);
  if (key === undefined) throw new Error(`${path} disappeared while it was being made`);
  return { key, created, path };
}

/**
 * Writes a temporary file and then links it to the final name. So no process can read a partial
 * key, and all processes use the key of the process that links first.
 */
async function publish(path: string, key: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readKey(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const key = text.trim();
  if (key.length >= 32) return key;
  throw new Error(`${path} holds no key of at least 32 characters; delete it to get a new one`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
