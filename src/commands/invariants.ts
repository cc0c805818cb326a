import { loadConfig } from '../config/config.ts';
import { findViolations, invariantCount } from '../database/invariants.ts';
import { exitCodes, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabase } from './database.ts';

/** `sambatan invariants`: searches the database for rows that break a rule of the domain. */
export const invariants: Command = {
  usage: `
Usage: sambatan invariants

Runs each query of sql/invariants; a query that returns a row found a violation. Prints at most ten
rows per query. The exit code is 1 when there is a violation.
`,
  options: {},
  async run() {
    return await withDatabase(loadConfig(), async (url) => {
      const progress = showProgress('invariants checked', invariantCount());
      const violated = await findViolations(url, (checked) => progress.at(checked));
      progress.end();
      for (const { name, rows } of violated) {
        process.stdout.write(`VIOLATED ${name}: ${rows.length} rows\n`);
        for (const row of rows.slice(0, 10)) process.stdout.write(`  ${formatRow(row)}\n`);
      }
      process.stdout.write(`${invariantCount()} invariants checked, ${violated.length} violated\n`);
      return violated.length === 0 ? exitCodes.done : exitCodes.found;
    });
  },
};

function formatRow(row: object): string {
  return JSON.stringify(row, (_name, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
}
