import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface GeneratedKey {
  readonly key: string;
  /** True only on the start that created the key, which shows it to the operator. */
  readonly created: boolean;
  readonly path: string;
}

/** Keys that an installation with the embedded database generates. */
export type KeyName = 'service-key' | 'secret-key';

/**
 * Reads a key from its file in the data directory. Creates the file, readable by its owner only,
 * if there is none. Several processes may call this at once: all get the same key, and one of them
 * creates it. Throws when the file holds fewer than 32 characters.
 */
export async function generatedKey(dataDirectory: string, name: KeyName): Promise<GeneratedKey> {
  const path = join(dataDirectory, name);
  const present = await readKey(path);
  if (present !== undefined) return { key: present, created: false, path };
  await mkdir(dataDirectory, { recursive: true });
  const created = await publish(path, randomBytes(36).toString('base64url'));
  const key = await readKey(path);
  if (key === undefined) throw new Error(`${path} disappeared while it was being made`);
  return { key, created, path };
}

/**
 * Writes a temporary file and links it: no process reads a partial key, and the first writer wins.
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
