// `npm run drill`: takes a backup of a service under load, restores it into a new cluster, and runs
// a service on the restored database.
//   npm run drill -- --joins 20000
import { parseArgs } from 'node:util';
import { drill } from '../server/drill.ts';

const { values } = parseArgs({ options: { joins: { type: 'string', default: '5000' } } });
const joins = Number(values.joins);
if (!Number.isInteger(joins) || joins < 1) {
  process.stderr.write('drill: --joins takes a whole number from 1 on\n');
  process.exit(2);
}

const ends: (() => unknown)[] = [];
try {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  await drill({ after: (end) => void ends.push(end as () => unknown) }, { joins, say });
  say('the drill succeeded');
} catch (error) {
  process.stderr.write(`drill: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  for (const end of ends.toReversed()) await end();
}
