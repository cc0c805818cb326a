import { hkdfSync } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { seed as parseSeed } from '../config/variables/values.ts';
import { generatedKey } from '../identity/generated-keys.ts';

/** Where the private key of the public log is kept. */
export interface KeySource {
  readonly kind: 'setting' | 'file' | 'derived';
  /** The path of the file; undefined unless `kind` is `file`. */
  readonly path: string | undefined;
  /** Returns the seed of the key: 32 bytes. With a file, generates it if there is none. */
  read(): Promise<Buffer>;
}

/**
 * Chooses where the private key is: in the setting, in a file of the data directory (embedded
 * database), or derived from the secret key (other databases).
 */
export function keySource({ publicLog, database, identity }: Config): KeySource {
  const { key } = publicLog;
  if (key !== undefined) {
    return { kind: 'setting', path: undefined, read: () => Promise.resolve(key) };
  }
  if (database.url === undefined) return fileKey(database.dataDirectory);
  return derivedKey(identity.secretKey ?? identity.serviceKey ?? '');
}

/** Returns the configured name of the log, or else the host name of the public address. */
export function configuredLogName({ publicLog, http }: Config): string {
  if (publicLog.name !== undefined) return publicLog.name;
  return http.publicUrl === undefined ? 'localhost' : new URL(http.publicUrl).hostname;
}

/** Returns the key that is derived from the secret key, so that all processes have the same one. */
export function derivedKey(secretKey: string): KeySource {
  const derived = Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan public log key', 32));
  return { kind: 'derived', path: undefined, read: () => Promise.resolve(derived) };
}

function fileKey(dataDirectory: string): KeySource {
  return {
    kind: 'file',
    path: join(dataDirectory, 'log-key'),
    read: async () => {
      const { key, path } = await generatedKey(dataDirectory, 'log-key');
      const bytes = parseSeed(key);
      if (bytes === undefined) throw new Error(`${path} holds no key of the public log`);
      return bytes;
    },
  };
}

/** Returns a seed as text, for the setting and the file. */
export const formatSeed = (bytes: Buffer): string => bytes.toString('base64url');

/**
 * Writes a new key beside the key file. Returns the functions that replace the key file by it, and
 * that delete it.
 */
export async function stageKeyFile(path: string, bytes: Buffer) {
  const staged = `${path}.next`;
  await rm(staged, { force: true });
  await writeFile(staged, `${formatSeed(bytes)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return {
    replace: () => rename(staged, path),
    discard: () => rm(staged, { force: true }),
  };
}
