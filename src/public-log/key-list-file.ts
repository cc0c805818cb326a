import type { DatabaseDeps } from '../database/pool.ts';
import type { PagePlugin } from '../http/page-response.ts';
import { findKeys } from './keys.ts';
import { formatVerifierKey } from './note.ts';

/** A key list may be kept for a minute, so that a new key is soon known. */
const cacheControl = 'public, max-age=60';

/** Serves the list of the keys that sign the public log. docs/public-log.md has its format. */
export function keyListFile(app: DatabaseDeps): PagePlugin {
  return async (server) => {
    server.get(
      '/.well-known/sambatan-log-key',
      { schema: { hide: true } },
      async (_request, reply) => {
        const keys = await findKeys(app.db);
        reply.header('cache-control', cacheControl).type('application/json; charset=utf-8');
        return JSON.stringify({
          log_name: keys[0]?.name ?? null,
          keys: keys.map((key) => ({
            vkey: formatVerifierKey(key),
            signs_from: key.signsFrom,
            statement: key.statement,
          })),
        });
      },
    );
  };
}
