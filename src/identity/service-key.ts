import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ServiceKey {
  readonly key: string;
  /** True once: on the start that made the key, which shows it to the operator. */
  readonly created: boolean;
  readonly path: string;
}

/**
 * The service key that lies in the data directory; made there, readable by its owner only, when
 * there is none. Several processes may ask at once: all get the same key, one created it.
 */
export async function serviceKeyIn(dataDirectory: string): Promise<ServiceKey> {
  const path = join(dataDirectory, 'service-key');
  const present = await readKey(path);
  if (present !== undefined) return { key: present, created: false, path };
  await mkdir(dataDirectory, { recursive: true });
  const created = await publish(path, randomBytes(36).toString('base64url'));
  const key = await readKey(path);
  if (key === undefined) throw new Error(`${path} disappeared while it was being made`);
  return { key, created, path };
}

/** Writes beside and links: nobody reads a half-written key, and the first writer wins. */
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
