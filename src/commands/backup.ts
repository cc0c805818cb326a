import { resolve } from 'node:path';
import { loadConfig } from '../config.ts';
import { openDatabase } from '../database/pool.ts';
import { backUp } from '../installation/backup.ts';
import { exitCodes, WrongUse, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabaseAsItIs } from './service.ts';

/** `sambatan backup`: one file with everything that is ours in the database. */
export const backup: Command = {
  usage: `
Usage: sambatan backup --to <file> [--overwrite]

  --to <file>   where to; in pg_dump's custom format
  --overwrite   replace a file that is there

Takes a consistent snapshot with pg_dump while services run, reads the file back from end to end,
and records when that was done: the alert BackupTooOld looks at it. Needs pg_dump, pg_restore and
psql of the server's major version. The file holds personal data: keep it encrypted, and elsewhere.
It does not change the schema, so it can be taken before an upgrade.
`,
  options: { to: { type: 'string' }, overwrite: { type: 'boolean' } },
  async run({ to, overwrite }) {
    if (typeof to !== 'string' || to === '') throw new WrongUse('say where to: --to <file>');
    const file = resolve(to);
    return await withDatabaseAsItIs(loadConfig(), async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 1 });
      const progress = showProgress('tables written', undefined);
      try {
        const onTable = (tables: number) => progress.at(tables);
        const made = await backUp({ url, db, file, overwrite: overwrite === true, onTable });
        progress.end();
        process.stdout.write(
          `wrote ${file}: ${made.tables} tables, ${made.bytes} bytes, verified\n` +
            `sha256 ${made.sha256}\n`,
        );
        return exitCodes.done;
      } finally {
        await db.close();
      }
    });
  },
};
