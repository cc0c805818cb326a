import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Measurement } from '../bench.ts';
import { ratioOf, spreadOf, type Figure, type Row } from '../rows.ts';
import { checkInvariants, checkStored, waitForPublicLog } from '../support/checks.ts';
import { startApplication } from '../support/lifecycle.ts';
import { closingEndings, rawClosing, type Ending } from '../support/naive-lifecycle.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import { activeCampaigns, createMarket, seed, setDeadlines } from '../support/seed.ts';
import { serviceKey, startServer } from '../support/server.ts';

const template = 'bench_closing';
/** Connections of the buyers who join another campaign while a large one is closed. */
const connections = 20;
const joinSeconds = 3;

/** Measures how one campaign with very many participants is closed. */
export const closing: Measurement = {
  name: 'closing',
  title: 'Closing one campaign with 100,000 participants',
  run: async (bench) => {
    const participants = bench.quick ? 5_000 : 100_000;
    const figures: Figure[] = [];
    const rows: Row[] = [];
    const failures: string[] = [];
    for (const ending of closingEndings) {
      const { ours, raw } = await closeRounds(bench, ending, participants, failures);
      const measurement = `closing ${participants.toLocaleString('en')} participants: ${ending.name}`;
      const value = failures.length > 0 ? undefined : spreadOf(ours);
      figures.push(
        { measurement, variant: 'Sambatan', unit: 'ms', value, note: 'several transactions' },
        {
          measurement,
          variant: 'raw SQL',
          unit: 'ms',
          value: spreadOf(raw),
          note: 'one transaction, set-based UPDATE and INSERT',
        },
      );
      const what = `closing 100,000 participants (${ending.name}) ÷ raw SQL`;
      rows.push({ what, value: ratioOf(ours, raw), goal: { max: 1.3 } });
    }
    const elsewhere = await joinsElsewhere(bench, participants, failures);
    figures.push(...elsewhere.figures);
    rows.push(elsewhere.row);
    return { figures, rows: bench.quick ? [] : rows, failures };
  },
};

async function closeRounds(
  bench: Bench,
  { name, successEvery }: Ending,
  participants: number,
  failures: string[],
): Promise<{ ours: number[]; raw: number[] }> {
  const market = await createMarket(bench.cluster, template);
  const batch = { campaigns: 1, participants, successEvery, deadlineInSeconds: -1 };
  await seed(bench.cluster, market, batch);
  const [ours, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < bench.rounds; round++) {
    const title = `closing: ${name}, round ${round + 1} of ${bench.rounds}`;
    bench.progress(title);
    const found = await bench.round(title, async () => ({
      raw: await timed(bench, (url) => bench.cluster.sql(url, rawClosing(successEvery > 0))),
      // The invariants of so many rows take long, so they are checked once.
      ours: await timed(bench, closeOurs, round === 0 ? failures : undefined),
    }));
    raw.push(found.raw);
    ours.push(found.ours);
  }
  await bench.cluster.dropDatabase(template);
  return { ours, raw };
}

async function closeOurs(url: string): Promise<void> {
  const app = startApplication(url);
  await app.scheduler.sweep();
  await app.close();
}

/**
 * Runs `work` on a new copy of the database and returns its duration in milliseconds. With
 * `failures`, it also checks the result and adds what is wrong.
 */
async function timed(
  { cluster }: Bench,
  work: (url: string) => Promise<unknown>,
  failures?: string[],
): Promise<number> {
  const name = `${template}_copy`;
  const url = await cluster.createDatabase(name, template);
  await cluster.checkpoint();
  const begin = performance.now();
  await work(url);
  const milliseconds = performance.now() - begin;
  if (failures !== undefined) {
    failures.push(...(await checkInvariants(url, 'ours')));
    const open = await cluster.sql(url, stillOpen);
    if (open.length > 0) failures.push('a campaign with very many participants was not closed');
  }
  await cluster.dropDatabase(name);
  return milliseconds;
}

const stillOpen = `select campaign_id from sambatan.campaigns
  where status = 'active' and deadline < now()`;

/** The p99 of joins of another campaign while a large one is closed, and before. */
async function joinsElsewhere(
  bench: Bench,
  participants: number,
  failures: string[],
): Promise<{ figures: Figure[]; row: Row }> {
  const [before, during]: [number[], number[]] = [[], []];
  for (let round = 0; round < bench.rounds; round++) {
    const name = `closing: joins elsewhere, round ${round + 1} of ${bench.rounds}`;
    bench.progress(name);
    const found = await bench.round(name, () => joinWhileClosing(bench, participants, failures));
    before.push(found.before);
    during.push(found.during);
  }
  const measurement = `joins of another campaign, ${connections} connections`;
  const figure = (variant: string, values: readonly number[]): Figure => {
    return { measurement, variant, unit: 'ms, p99', value: spreadOf(values) };
  };
  return {
    figures: [figure('nothing is closed', before), figure('while 100,000 are closed', during)],
    row: {
      what: 'p99 of joins elsewhere while 100,000 participants are closed ÷ before',
      value: ratioOf(during, before),
      goal: { max: 2 },
    },
  };
}

async function joinWhileClosing(
  bench: Bench,
  participants: number,
  failures: string[],
): Promise<{ before: number; during: number }> {
  const { cluster, generator, quick } = bench;
  const databaseUrl = await createMarket(cluster, template);
  const server = await startServer({ way: 'ours', databaseUrl });
  const campaignIds = await openCampaigns(server.url, 1);
  let joins = 0;
  let errors = 0;
  const load = async (seconds: number) => {
    const answered = await generator.run({
      url: server.url,
      connections,
      mix: { kind: 'joins', campaignIds, serviceKey },
      extent: { warmSeconds: 0, seconds: quick ? 0.5 : seconds },
      expectedRate: 6_000,
      processes: { server: server.pid, postgres: cluster.postmaster },
    });
    joins += answered.statuses['201'] ?? 0;
    errors += answered.errors;
    return answered.latency.p99;
  };
  await seed(cluster, databaseUrl, { campaigns: 1, participants });
  const large = (await activeCampaigns(cluster, databaseUrl)).filter((id) => id !== campaignIds[0]);
  await waitForPublicLog(cluster, databaseUrl);
  await load(3);
  const before = await load(joinSeconds);
  await setDeadlines(cluster, databaseUrl, large, {});
  await untilClosing(bench, databaseUrl);
  const during = await load(joinSeconds);
  await untilNone(bench, databaseUrl);
  failures.push(...(await checkStored(cluster, databaseUrl, campaignIds, { joins, errors })));
  await server.stop();
  await cluster.dropDatabase(template);
  return { before, during };
}

const closingBegan = `select campaign_id from sambatan.campaign_states
  where closing_outcome is not null or status <> 'active'`;

async function untilClosing({ cluster }: Bench, url: string): Promise<void> {
  const client = await cluster.connect(url);
  while ((await client.query(closingBegan)).rows.length === 0) await sleep(5);
  await client.end();
}

async function untilNone({ cluster }: Bench, url: string): Promise<void> {
  while ((await cluster.sql(url, stillOpen)).length > 0) await sleep(50);
}
