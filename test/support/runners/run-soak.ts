// `npm run soak`: simulates many users of a service for some minutes. The resources that the
// service uses, such as memory, must not increase.
//   npm run soak -- --minutes 5 --lanes 16
import { parseArgs } from 'node:util';
import { findGrowth, soak } from '../../soak/soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    lanes: { type: 'string', default: '16' },
  },
});
const [minutes, lanes] = [Number(values.minutes), Number(values.lanes)];
if (!(minutes > 0) || !Number.isInteger(lanes) || lanes < 1) {
  process.stderr.write('soak: --minutes and --lanes take numbers\n');
  process.exit(2);
}

const ends: (() => unknown)[] = [];
try {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const samples = await soak(
    { after: (end) => void ends.push(end as () => unknown) },
    { seconds: minutes * 60, parts: 10, lanes, say },
  );
  const wrong = findGrowth(samples);
  const { requests } = samples.at(-1)!;
  say(`${requests} requests are an hour at ${Math.round(requests / 3_600)} a second`);
  for (const sentence of wrong) say(`LEAK: ${sentence}`);
  if (wrong.length > 0) process.exitCode = 1;
  else say('nothing grew');
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  for (const end of ends.toReversed()) await end();
}
