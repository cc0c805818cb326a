import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the public log is read from: a service, or a folder with a copy of its answers. */
export interface LogSource {
  /** The list of keys. Undefined when there is none. */
  keys(): Promise<string | undefined>;
  /**
   * The answer of a campaign's log route, for example `checkpoint`. Undefined when there is none.
   * Throws a `LogSourceError` when the service does not answer.
   */
  read(campaignId: string, path: string): Promise<Buffer | undefined>;
}

/** The service or the folder cannot be read, so nothing can be said about the log. */
export class LogSourceError extends Error {}

/** The name of the list of keys in the folder of a copy. */
export const keyListName = 'sambatan-log-key';

const timeoutMs = 30_000;

/** Reads the log from a service. `url` is the address of its site. */
export function serviceSource(url: string): LogSource {
  const base = url.replace(/\/+$/, '');
  return {
    keys: async () => (await get(`${base}/.well-known/sambatan-log-key`))?.toString('utf8'),
    read: (campaignId, path) => get(`${base}/api/sambatan/campaigns/${campaignId}/log/${path}`),
  };
}

async function get(url: string): Promise<Buffer | undefined> {
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (answer.ok) return Buffer.from(await answer.arrayBuffer());
  } catch (error) {
    throw new LogSourceError(`${url} does not answer`, { cause: error });
  }
  if (answer.status === 404) return undefined;
  throw new LogSourceError(`${url} answers ${answer.status}`);
}

/** Reads the log from a folder that `sambatan log export` has written. */
export function folderSource(folder: string): LogSource {
  return {
    keys: async () => (await readIfThere(join(folder, keyListName)))?.toString('utf8'),
    read: (campaignId, path) => readIfThere(join(folder, campaignId, path)),
  };
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LogSourceError(`${path} cannot be read`, { cause: error });
  }
}
