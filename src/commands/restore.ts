import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig } from '../config/config.ts';
import { migrate } from '../database/migrate.ts';
import { openDatabase } from '../database/pool.ts';
import { restore } from '../backup/restore.ts';
import { exitCodes, UsageError, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabaseAsItIs } from './database.ts';

/** `sambatan restore`: replaces the data by a backup and then quarantines the database. */
export const restoreCommand: Command = {
  usage: `
Usage: sambatan restore --from <file> [--overwrite]

  --from <file>  a file that "sambatan backup" wrote
  --overwrite    replace (and lose) the existing market in the database

Restores in one transaction: if anything fails, the database stays as before. Then applies the
migrations that are newer than the backup. Stop all services first. Files that pg_dump wrote for
version 0.1.0 need pg_restore and psql of the server's major version. The restored database is
quarantined: the service sends no e-mail or webhook and moves no money until you run
"sambatan release-hold --yes".
`,
  options: { from: { type: 'string' }, overwrite: { type: 'boolean' } },
  async run({ from, overwrite }) {
    if (typeof from !== 'string' || from === '') throw new UsageError('say which: --from <file>');
    const file = resolve(from);
    if (!existsSync(file)) throw new UsageError(`there is no ${file}`);
    return await withDatabaseAsItIs(loadConfig(), async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 1 });
      const progress = showProgress('tables read', undefined);
      try {
        const onTable = (tables: number) => progress.at(tables);
        const { begunAt } = await restore({
          url,
          db,
          file,
          overwrite: overwrite === true,
          onTable,
        });
        progress.end();
        const { applied } = await migrate(url, { log });
        process.stdout.write(
          `restored what the database had at ${begunAt.toISOString()}` +
            `${applied.length === 0 ? '' : `, and applied ${applied.join(', ')}`}\n` +
            'messages and money are held: when this is the real database, say so with\n' +
            '  sambatan release-hold --yes\n',
        );
        return exitCodes.done;
      } finally {
        await db.close();
      }
    });
  },
};
