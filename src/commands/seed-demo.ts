import { loadConfig } from '../config/config.ts';
import { openDatabase } from '../database/pool.ts';
import { refuseRealMarket, seedMarket, seedSteps, type Seeded } from '../demo/seed.ts';
import { exitCodes, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabase } from './database.ts';

/** `sambatan seed-demo`: creates the demo market if it does not exist. */
export const seedDemo: Command = {
  usage: `
Usage: sambatan seed-demo [--force]

  --force   also use a database with brands that are not the demo's

Creates invented brands, products and campaigns in every status, with participants, through the
same operations as every request: the audit logs verify and the invariants hold. Takes about ten
seconds, because ended campaigns had real deadlines. Skips what exists, so a second run changes
nothing.

For simulated buyers run: npm run demo.
`,
  options: { force: { type: 'boolean' } },
  async run({ force }) {
    return await withDatabase(loadConfig(), async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 4 });
      const progress = showProgress('steps of the demo market', seedSteps);
      try {
        if (!force) await refuseRealMarket(db);
        const seeded = await seedMarket({ db, log, onStep: (done) => progress.at(done) });
        progress.end();
        process.stdout.write(`${sentence(seeded)}\n`);
      } finally {
        await db.close();
      }
      return exitCodes.done;
    });
  },
};

function sentence({ brands, products, campaigns }: Seeded): string {
  if (brands + products + campaigns === 0) return 'the demo market is here already';
  return `made ${brands} brands, ${products} products and ${campaigns} campaigns`;
}
