// `npm run chaos`: joins go on while one thing after the other breaks, for as long as wanted.
//   npm run chaos -- --minutes 30 --lanes 64 --seed 7
import { parseArgs } from 'node:util';
import { chaos, expectSound, told } from '../chaos/chaos.ts';
import { faults } from '../chaos/faults.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    lanes: { type: 'string', default: '64' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    'lock-seconds': { type: 'string', default: '30' },
  },
});
const [minutes, lanes, seed, lockSeconds] = [
  values.minutes,
  values.lanes,
  values.seed,
  values['lock-seconds'],
].map(Number) as [number, number, number, number];
if (![minutes, lanes, seed, lockSeconds].every((value) => value > 0)) {
  process.stderr.write('chaos: --minutes, --lanes, --seed and --lock-seconds take numbers\n');
  process.exit(2);
}

const ends: (() => unknown)[] = [];
const say = (line: string) => void process.stdout.write(`${line}\n`);
try {
  say(`--seed ${seed} for ${minutes} minutes`);
  const endAt = performance.now() + minutes * 60_000;
  const every = Object.keys(faults).length;
  const report = await chaos(
    { after: (end) => void ends.push(end as () => unknown) },
    {
      lanes,
      seed,
      say,
      calm: 200,
      lockMs: lockSeconds * 1_000,
      isEnough: () => performance.now() >= endAt,
    },
  );
  told(report).forEach(say);
  expectSound(report, { acknowledged: 100, faults: Math.min(every, Math.ceil(minutes)) });
  say('nothing was lost, nothing was doubled');
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  for (const end of ends.toReversed()) await end();
}
