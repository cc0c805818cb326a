import { loadConfig } from '../config/config.ts';
import { openDatabase } from '../database/pool.ts';
import { findQuarantine, releaseQuarantine, type Quarantine } from '../quarantine/operations.ts';
import { exitCodes, type Command } from './command.ts';
import { withDatabase } from './service.ts';

/** `sambatan release-hold`: ends the quarantine of a restored database. */
export const releaseHoldCommand: Command = {
  usage: `
Usage: sambatan release-hold [--yes]

  --yes   release it; without it, only what is held is said

After a restore no message is sent and no money moves, so that a copy of the database cannot write
to buyers or pay sellers a second time. When the old database is gone for good and this one takes
its place, release the hold. Every running service follows at once. Exit code 1 when there is a hold
and --yes was not given.
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

/** Returns the reason and start of the quarantine as text. */
export function formatQuarantine({ since, reason }: Quarantine): string {
  return since === null ? reason : `${reason}, since ${since.toISOString()}`;
}
