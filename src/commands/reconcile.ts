import { loadConfig } from '../config/config.ts';
import { openDatabase } from '../database/pool.ts';
import { midtrans } from '../ledger/gateway/midtrans.ts';
import { Reconciler } from '../ledger/gateway/reconcile.ts';
import { exitCodes, type Command } from './command.ts';
import { withDatabase } from './database.ts';

/**
 * `sambatan reconcile`: asks the payment provider for the status of all open payments and refunds.
 */
export const reconcile: Command = {
  usage: `
Usage: sambatan reconcile

Runs once what the workers do every fifteen seconds: sends due refunds to the provider, and queries
the status of orders and refunds without a known outcome. Needs MIDTRANS_SERVER_KEY. The exit code
is 1 when the provider did not answer or the database is quarantined.
`,
  options: {},
  async run() {
    const config = loadConfig();
    if (config.gateway.midtrans === undefined) {
      process.stdout.write('no payment provider is configured: MIDTRANS_SERVER_KEY is unset\n');
      return exitCodes.done;
    }
    const gateway = midtrans(config.gateway.midtrans);
    return await withDatabase(config, async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 4 });
      try {
        // Pages that show a campaign notice the changes at their next poll.
        const reconciler = new Reconciler({ db, gateway }, log);
        const { sent, closed, open, stopped } = await reconciler.run();
        process.stdout.write(`${sent} refunds sent, ${closed} closed, ${open} still open\n`);
        if (stopped !== null) process.stdout.write(`ended early: ${stopped}\n`);
        return stopped === null ? exitCodes.done : exitCodes.found;
      } finally {
        await db.close();
      }
    });
  },
};
