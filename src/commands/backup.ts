import { resolve } from 'node:path';
import { loadConfig } from '../config/config.ts';
import { openDatabase } from '../database/pool.ts';
import { backUp } from '../backup/backup.ts';
import { exitCodes, UsageError, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabaseAsItIs } from './database.ts';

/** `sambatan backup`: writes all data of the service to one file. */
export const backup: Command = {
  usage: `
Usage: sambatan backup --to <file> [--overwrite]

  --to <file>   the file to write
  --overwrite   replace an existing file

Takes a consistent snapshot while services run, verifies the whole file, and records the time for
the alert BackupTooOld. It needs no other program, and PostgreSQL 15 to 18 can restore the file,
whichever version wrote it. The file contains personal data: keep it encrypted, and on another
machine. The command does not change the schema, so you can run it before an upgrade.
`,
  options: { to: { type: 'string' }, overwrite: { type: 'boolean' } },
  async run({ to, overwrite }) {
    if (typeof to !== 'string' || to === '') throw new UsageError('say where to: --to <file>');
    const file = resolve(to);
    return await withDatabaseAsItIs(loadConfig(), async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 1 });
      const progress = showProgress('tables written', undefined);
      try {
        const onTable = (tables: number) => progress.at(tables);
        const made = await backUp({ url, db, file, overwrite: overwrite === true, onTable });
        progress.end();
        process.stdout.write(
          `wrote ${file}: ${made.tables} tables, ${made.rows} rows, ${made.bytes} bytes, verified\n` +
            `sha256 ${made.sha256}\n`,
        );
        return exitCodes.done;
      } finally {
        await db.close();
      }
    });
  },
};
