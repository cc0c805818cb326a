// `npm run chaos`: buyers continue to join while faults are injected one after the other, for the
// given number of minutes.
//   npm run chaos -- --minutes 30 --lanes 64 --seed 7
//
// Some faults fill a disk. They use small disks that only this process and its children see. If the
// disks cannot be created, the run fails at the start. With --no-disks these faults are left out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { chaos, expectConsistent, faults, formatReport } from '../../chaos/chaos.ts';
import { diskFaults } from '../../chaos/full-disk.ts';
import { smallDisks, withSmallDisks } from '../database/small-disks.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    lanes: { type: 'string', default: '64' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    'long-seconds': { type: 'string', default: '30' },
    /** The name of a fault, or the beginning of several names. The option may be repeated. */
    only: { type: 'string', multiple: true, default: [''] },
    /** Ends the run after this many faults, even if the minutes are not over. */
    faults: { type: 'string', default: 'Infinity' },
    'no-disks': { type: 'boolean', default: false },
  },
});
const [minutes, lanes, seed, longSeconds, most] = [
  values.minutes,
  values.lanes,
  values.seed,
  values['long-seconds'],
  values.faults,
].map(Number) as [number, number, number, number, number];
const only = Object.keys(faults).filter(
  (name) =>
    values.only.some((begins) => name.startsWith(begins)) &&
    !(values['no-disks'] && Object.hasOwn(diskFaults, name)),
);
if (![minutes, lanes, seed, longSeconds, most].every((value) => value > 0) || only.length === 0) {
  process.stderr.write(
    'chaos: --minutes, --lanes, --seed, --long-seconds and --faults take numbers, ' +
      `--only the beginning of one of: ${Object.keys(faults).join(', ')}\n`,
  );
  process.exit(2);
}

const say = (line: string) => void process.stdout.write(`${line}\n`);
const fillsDisks = only.some((name) => Object.hasOwn(diskFaults, name));
process.exitCode = fillsDisks && smallDisks() === undefined ? await onSmallDisks() : await run();

async function run(): Promise<number> {
  const ends: (() => unknown)[] = [];
  try {
    say(`--seed ${seed} for ${minutes} minutes`);
    const endAt = performance.now() + minutes * 60_000;
    const report = await chaos(
      { after: (end) => void ends.push(end as () => unknown) },
      {
        lanes,
        seed,
        say,
        only,
        calm: 200,
        longMs: longSeconds * 1_000,
        isEnough: ({ faults: count }) => performance.now() >= endAt || count >= most,
      },
    );
    formatReport(report).forEach(say);
    const least = Math.min(only.length, Math.ceil(minutes), most);
    expectConsistent(report, { acknowledged: 100, faults: least });
    say('nothing was lost, nothing was doubled');
    return 0;
  } catch (error) {
    process.stderr.write(`chaos: ${error instanceof Error ? error.stack : error}\n`);
    return 1;
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

/** Starts this program again as a process that has small disks. */
async function onSmallDisks(): Promise<number> {
  // One minute of joins writes about 50 MB of rows. The fault fills the rest of the disk.
  const sizes = { dataMegabytes: Math.ceil(64 + 64 * minutes), logMegabytes: 256 };
  const self = [...process.execArgv, ...process.argv.slice(1), '--seed', String(seed)];
  const found = withSmallDisks(sizes, [process.execPath, ...self]);
  if ('missing' in found) {
    process.stderr.write(
      `chaos: no disk of a few megabytes can be had here, so a full one cannot be shown ` +
        `(${found.missing}). Run it as root, or where users may make namespaces; ` +
        `--no-disks leaves full disks out.\n`,
    );
    return 2;
  }
  const [program = '', ...args] = found.command;
  const child = spawn(program, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    found.remove();
  }
}
