import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Measurement } from '../bench.ts';
import { spreadOf } from '../rows.ts';
import { residentBytes } from '../support/cpu-usage.ts';
import { serviceKey, onStop } from '../support/server.ts';
import { startServiceProcess } from '../../test/support/server/started.ts';

const idleMs = 5_000;

/**
 * Measures `npm start` with installed packages and existing data: the time until the service is
 * ready, and its memory when idle.
 */
export const startUp: Measurement = {
  name: 'start',
  title: 'Start and idle memory',
  run: async (bench) => {
    bench.progress('start: the first one, which makes the data');
    await startOnce(bench, 0);
    const starts: Sample[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      const name = `start: round ${round + 1} of ${bench.rounds}`;
      bench.progress(name);
      starts.push(await bench.round(name, () => startOnce(bench, bench.quick ? 0 : idleMs)));
    }
    const seconds = spreadOf(starts.map(({ readyAfterMs }) => readyAfterMs / 1_000));
    const memory = spreadOf(starts.map(({ idleBytes }) => (idleBytes ?? 0) / 1_000_000));
    const measurement = 'npm start, installed, existing data';
    return {
      figures: [
        { measurement, variant: 'until ready', unit: 's', value: seconds },
        { measurement, variant: 'memory of the Node process, idle', unit: 'MB', value: memory },
      ],
      rows: bench.quick
        ? []
        : [
            {
              what: 'memory of the service, idle',
              value: memory,
              goal: { max: 130 },
              unit: 'MB',
            },
            {
              what: 'npm start, installed, until ready',
              value: seconds,
              goal: { max: 2 },
              unit: 's',
            },
          ],
      failures: [],
    };
  },
};
interface Sample {
  readonly readyAfterMs: number;
  /** Undefined if unknown. */
  readonly idleBytes: number | undefined;
}

async function startOnce({ cluster }: Bench, waitMs: number): Promise<Sample> {
  const started = await startServiceProcess(onStop, {
    command: ['npm', 'start'],
    cwd: resolve(import.meta.dirname, '../..'),
    isQuiet: true,
    dataDir: join(cluster.directory, 'start'),
    variables: { LOG_LEVEL: 'info', SAMBATAN_SERVICE_KEY: serviceKey },
  });
  await sleep(waitMs);
  const service = started.family().find(({ command }) => command.includes('src/main.ts'));
  const idleBytes = service === undefined ? undefined : residentBytes(service.pid);
  started.process.kill('SIGTERM');
  await started.ended;
  return { readyAfterMs: started.readyAfterMs, idleBytes };
}
