import { loadConfig } from '../config/config.ts';
import { openDatabase } from '../database/pool.ts';
import { findQuarantine, releaseQuarantine, type Quarantine } from '../quarantine/operations.ts';
import { exitCodes, type Command } from './command.ts';
import { withDatabase } from './database.ts';

/** `sambatan release-hold`: ends the quarantine of a restored database. */
export const releaseHoldCommand: Command = {
  usage: `
Usage: sambatan release-hold [--yes]

  --yes   end the quarantine; without it, the command only shows the state

A restored database is quarantined: it sends no e-mail or webhook and moves no money, so that a
copy cannot write to buyers or pay sellers a second time. End the quarantine when this database has
finally replaced the old one. Running services notice at once. The exit code is 1 when there is a
quarantine and --yes is missing.
`,
  options: { yes: { type: 'boolean' } },
  async run({ yes }) {
    return await withDatabase(loadConfig(), async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 1 });
      try {
        const hold = await findQuarantine(db);
        if (hold === undefined) {
          process.stdout.write('nothing is held: this is the real database\n');
          return exitCodes.done;
        }
        process.stdout.write(`messages and money are held: ${formatQuarantine(hold)}\n`);
        if (!yes) {
          process.stdout.write('with --yes the hold is released\n');
          return exitCodes.found;
        }
        await releaseQuarantine(db);
        process.stdout.write('released: messages and money go on\n');
        return exitCodes.done;
      } finally {
        await db.close();
      }
    });
  },
};

/** Returns a text with the reason of the quarantine and the time since which it holds. */
export function formatQuarantine({ since, reason }: Quarantine): string {
  return since === null ? reason : `${reason}, since ${since.toISOString()}`;
}
