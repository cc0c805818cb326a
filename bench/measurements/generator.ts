import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Measurement } from '../bench.ts';
import { spreadOf, medianUsage } from '../figures.ts';
import type { LoadResult } from '../load/job.ts';
import { freePort } from '../../test/support/server/free-port.ts';
import { serviceKey } from '../support/server.ts';

const connections = 200;
const run = { warmSeconds: 1, seconds: 3 };
const quickRun = { warmSeconds: 0.1, seconds: 0.3 };

/** Measures the maximum rate of the load generator, which must be far above all other rates. */
export const generator: Measurement = {
  name: 'generator',
  title: 'What the load generator can do',
  run: async (bench) => {
    const port = await freePort();
    const bare = fork(join(import.meta.dirname, '../support/bare-server.ts'), [String(port)]);
    const url = `http://127.0.0.1:${port}`;
    while (!(await fetch(url).catch(() => undefined))) {
      if (bare.exitCode !== null) throw new Error('the bare server ended');
    }
    const rounds: LoadResult[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      bench.progress(`generator: round ${round + 1} of ${bench.rounds}`);
      rounds.push(
        await bench.generator.run({
          url,
          connections,
          mix: { kind: 'joins', campaignIds: ['no-campaign'], as: { serviceKey } },
          extent: bench.quick ? quickRun : run,
          expectedRate: 15_000,
          processes: { server: bare.pid!, postgres: undefined },
        }),
      );
    }
    const gone = once(bare, 'exit');
    bare.disconnect();
    await gone;
    return {
      figures: [
        {
          measurement: `the load generator alone, ${connections} connections`,
          variant: 'node:http with a fixed answer',
          unit: 'joins/s',
          value: spreadOf(rounds.map(({ rate }) => rate)),
          p99: spreadOf(rounds.map(({ latency }) => latency.p99)),
          usage: medianUsage(rounds.map(({ usage }) => usage)),
          note: 'no service: shows that the generator is not what limits the others',
        },
      ],
      goals: [],
      failures: [],
    };
  },
};
