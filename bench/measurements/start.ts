import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Measurement } from '../bench.ts';
import { spreadOf } from '../figures.ts';
import { residentBytes } from '../rig/processor.ts';
import { freePort, serviceKey } from '../rig/server.ts';

const root = resolve(import.meta.dirname, '../..');
const idleMs = 5_000;
const giveUpMs = 120_000;

/** `npm start` with everything installed and data from before, until it is ready. */
export const start: Measurement = {
  name: 'start',
  title: 'Start and idle memory',
  run: async (bench) => {
    bench.progress('start: the first one, which makes the data');
    await startOnce(bench, 0);
    const starts: Started[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      bench.progress(`start: round ${round + 1} of ${bench.rounds}`);
      starts.push(await startOnce(bench, bench.quick ? 0 : idleMs));
    }
    const seconds = spreadOf(starts.map(({ readyAfterMs }) => readyAfterMs / 1_000));
    const memory = spreadOf(starts.map(({ idleBytes }) => (idleBytes ?? 0) / 1_000_000));
    const measurement = 'npm start, installed, existing data';
    return {
      figures: [
        { measurement, variant: 'until ready', unit: 's', value: seconds },
        { measurement, variant: 'memory of the Node process, idle', unit: 'MB', value: memory },
      ],
      goals: bench.quick
        ? []
        : [
            { measurement, what: 'until ready', value: seconds, toReach: { most: 5 }, unit: 's' },
            { measurement, what: 'idle memory', value: memory, toReach: { most: 150 }, unit: 'MB' },
          ],
      failures: [],
    };
  },
};

interface Started {
  readonly readyAfterMs: number;
  /** Undefined where it cannot be told. */
  readonly idleBytes: number | undefined;
}

async function startOnce({ cluster }: Bench, waitMs: number): Promise<Started> {
  const port = await freePort();
  const begin = performance.now();
  const npm = spawn('npm', ['start'], {
    cwd: root,
    stdio: 'ignore',
    env: {
      ...process.env,
      PORT: String(port),
      SAMBATAN_DATA_DIR: join(cluster.directory, 'start'),
      SAMBATAN_SERVICE_KEY: serviceKey,
    },
  });
  const gone = once(npm, 'exit');
  while (!(await isReady(port))) {
    if (performance.now() - begin > giveUpMs) throw new Error('npm start was never ready');
    await sleep(10);
  }
  const readyAfterMs = performance.now() - begin;
  await sleep(waitMs);
  const service = descendants(npm.pid!).find((pid) => commandOf(pid).includes('src/main.ts'));
  const idleBytes = service === undefined ? undefined : residentBytes(service);
  npm.kill('SIGTERM');
  await gone;
  return { readyAfterMs, idleBytes };
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
  return answer?.ok === true;
}

/** Processes below this one, by Linux's list of them; elsewhere none is found. */
function descendants(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return children.flatMap((child) => [Number(child), ...descendants(Number(child))]);
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
