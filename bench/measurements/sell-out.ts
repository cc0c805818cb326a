import type { Bench, Measurement } from '../bench.ts';
import { spreadOf, medianUsage, type Figure } from '../rows.ts';
import type { LoadResult } from '../load/job.ts';
import { checkInvariants, checkStored } from '../support/checks.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import { serviceKey, startServer, type Server } from '../support/server.ts';

const slots = 300;
const requests = 1_000;
const connections = 50;
const repetitions = 5;

/** Sends far more joins than there are slots. In every round exactly all slots must be sold. */
export const sellOut: Measurement = {
  name: 'sell-out',
  title: `${requests} requests for ${slots} slots`,
  run: async (bench) => {
    const databaseUrl = await bench.cluster.createDatabase('bench_sell_out');
    const server = await startServer({ way: 'ours', databaseUrl });
    const figures: Figure[] = [];
    const failures: string[] = [];
    for (const same of [false, true]) {
      const who = same ? 'all requests identical' : 'each request from another buyer';
      const rounds: LoadResult[] = [];
      for (let turn = 1; turn <= (bench.quick ? 2 : repetitions); turn++) {
        bench.progress(`sell-out: ${who}, ${turn}`);
        const { answered, wrong } = await sellOnce(bench, server, same);
        rounds.push(answered);
        failures.push(...wrong.map((sentence) => `sell-out ${turn}, ${who}: ${sentence}`));
      }
      figures.push(figureOf(who, rounds, failures.length > 0));
    }
    await server.stop();
    failures.push(...(await checkInvariants(databaseUrl, 'ours')));
    return { figures, rows: [], failures };
  },
};

async function sellOnce(
  { cluster, generator }: Bench,
  { url, pid, databaseUrl }: Server,
  same: boolean,
): Promise<{ answered: LoadResult; wrong: string[] }> {
  const campaignIds = await openCampaigns(url, 1, { total_slots: slots });
  const answered = await generator.run({
    url,
    connections,
    mix: { kind: 'joins', campaignIds, serviceKey, same },
    extent: { total: requests },
    expectedRate: requests,
    processes: { server: pid, postgres: cluster.postmaster },
  });
  const { statuses, errors } = answered;
  const joins = statuses['201'] ?? 0;
  const wrong = await checkStored(cluster, databaseUrl, campaignIds, { joins, errors });
  const found = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  const exact = joins === slots && statuses['409'] === requests - slots && found.length === 2;
  if (!exact) wrong.push(`${found.join(', ')} instead of 300 × 201, 700 × 409`);
  return { answered, wrong };
}

function figureOf(who: string, rounds: readonly LoadResult[], isWrong: boolean): Figure {
  return {
    measurement: `sell-out: ${requests} requests, concurrency ${connections}, ${slots} slots`,
    variant: `Sambatan, ${who}`,
    unit: 'ms',
    value: isWrong ? undefined : spreadOf(rounds.map(({ rate }) => (1_000 * requests) / rate)),
    p99: spreadOf(rounds.map(({ latency }) => latency.p99)),
    usage: medianUsage(rounds.map(({ usage }) => usage)),
    note: isWrong ? undefined : `300 × 201, 700 × 409, ${rounds.length} times`,
  };
}
