// `npm run drill`: a backup is taken under load, restored into a fresh cluster, and served from.
//   npm run drill -- --joins 20000
import { parseArgs } from 'node:util';
import { postgresWithTools } from './debian.ts';
import { drill } from './drill.ts';

const { values } = parseArgs({ options: { joins: { type: 'string', default: '5000' } } });
const joins = Number(values.joins);
const found = postgresWithTools();
if ('missing' in found || !Number.isInteger(joins) || joins < 1) {
  const problem = 'missing' in found ? found.missing : '--joins takes a whole number from 1 on';
  process.stderr.write(`drill: ${problem}\n`);
  process.exit(2);
}

const ends: (() => unknown)[] = [];
try {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  await drill(
    { after: (end) => void ends.push(end as () => unknown) },
    { bin: found.directory, joins, say },
  );
  say('the drill succeeded');
} catch (error) {
  process.stderr.write(`drill: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  for (const end of ends.toReversed()) await end();
}
