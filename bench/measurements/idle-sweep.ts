import type { Measurement } from '../bench.ts';
import { ratioOf, spreadOf } from '../figures.ts';
import { startApplication } from '../support/lifecycle.ts';

const sweeps = 100;

/**
 * Measures a sweep that finds no due campaign. Its cost must not depend on the number of campaigns.
 */
export const idleSweep: Measurement = {
  name: 'idle-sweep',
  title: 'A sweep with nothing to do',
  run: async (bench) => {
    const sizes = bench.quick ? [100, 1_000] : [1_000, 1_000_000];
    const contestants = [];
    for (const campaigns of sizes) {
      const app = startApplication(await bench.market(campaigns));
      contestants.push({ campaigns, app, rounds: [] as number[] });
    }
    const failures: string[] = [];
    // The first round warms up all variants.
    for (let round = 0; round <= bench.rounds; round++) {
      bench.progress(`idle sweep: round ${round} of ${bench.rounds}`);
      for (const { app, campaigns, rounds } of contestants) {
        const begin = performance.now();
        for (let turn = 0; turn < sweeps; turn++) {
          const { transitions } = await app.scheduler.sweep();
          if (transitions.length > 0) failures.push(`a sweep of ${campaigns} found work`);
        }
        if (round > 0) rounds.push((performance.now() - begin) / sweeps);
      }
    }
    for (const { app } of contestants) await app.close();
    const [few, many] = contestants;
    const measurement = 'sweep without a due campaign';
    return {
      figures: contestants.map(({ campaigns, rounds }) => ({
        measurement,
        variant: `${campaigns.toLocaleString('en')} active campaigns`,
        unit: 'ms',
        value: spreadOf(rounds),
      })),
      goals: bench.quick
        ? []
        : [
            {
              measurement,
              what: 'duration ÷ with 1,000 campaigns',
              value: ratioOf(many!.rounds, few!.rounds),
              target: { max: 1.5 },
            },
          ],
      failures,
    };
  },
};
