import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { newId } from '../../src/identity/ids.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { joinAll, type JoinRequest } from '../../src/participations/join.ts';
import type { App } from '../../src/app/app.ts';
import type { Bench, Content, Measurement } from '../bench.ts';
import { ratioOf, spreadOf, type Figure, type Row } from '../rows.ts';
import { checkInvariants } from '../support/checks.ts';
import { cpuSecondsOfTree } from '../support/cpu-usage.ts';
import { startApplication } from '../support/lifecycle.ts';
import { createMarket, seed } from '../support/seed.ts';

const batchSize = 100;
/** Batches after a checkpoint, for the bytes of write-ahead log. */
const walBatches = 20;
/** Batches for the CPU time, which Linux counts in hundredths of a second. */
const cpuBatches = 200;

/** The cost of one way to store joins, in one round. */
interface Cost {
  /** CPU time of PostgreSQL per join, in microseconds. */
  readonly microseconds: number;
  /** Write-ahead log per join after a checkpoint, in bytes. */
  readonly walBytes: number;
}

/** A way to store a batch of joins: the database function of the service, or two bare rows. */
interface Way {
  readonly name: string;
  readonly store: (requests: readonly JoinRequest[]) => Promise<void>;
  readonly costs: Cost[];
}

interface Place {
  readonly content: Content;
  readonly databaseUrl: string;
  readonly campaignId: string;
  readonly app: App;
  readonly client: pg.Client;
  readonly ours: Way;
  readonly bare: Way;
}

/**
 * Measures what PostgreSQL does for a join in batches of 100, without HTTP, compared with two rows
 * in tables that have only a primary key.
 */
export const joinCost: Measurement = {
  name: 'join-cost',
  title: 'The cost of a join in PostgreSQL',
  run: async (bench) => {
    const places = [await prepare(bench, 'empty'), await prepare(bench, 'full')];
    for (let round = 0; round < bench.rounds; round++) {
      const name = `join cost: round ${round + 1} of ${bench.rounds}`;
      bench.progress(name);
      const turn = places.flatMap((place) =>
        [place.ours, place.bare].map((way) => ({ place, way })),
      );
      turn.push(...turn.splice(0, round % turn.length));
      const found = await bench.round(name, async () => {
        const costs: [Way, Cost][] = [];
        for (const { place, way } of turn) costs.push([way, await measure(bench, place, way)]);
        return costs;
      });
      for (const [way, cost] of found) way.costs.push(cost);
    }
    const failures: string[] = [];
    for (const { app, client, databaseUrl, content } of places) {
      await app.close();
      await client.end();
      if (content === 'empty') failures.push(...(await checkInvariants(databaseUrl, 'ours')));
      await bench.cluster.dropDatabase(new URL(databaseUrl).pathname.slice(1));
    }
    return {
      figures: places.flatMap(figuresOf),
      rows: bench.quick ? [] : places.flatMap(rowsOf),
      failures,
    };
  },
};

async function prepare(bench: Bench, content: Content): Promise<Place> {
  const { cluster } = bench;
  bench.progress(`join cost: preparing the ${content} database`);
  const name = `bench_join_cost_${content}`;
  const databaseUrl =
    content === 'empty'
      ? await createMarket(cluster, name)
      : await bench.createDatabase(name, content);
  if (content === 'full') await cluster.sql(databaseUrl, 'select bench.fill_bare_tables()');
  await seed(cluster, databaseUrl, { campaigns: 1, slots: 1_000_000 });
  const [campaign] = await cluster.sql<{ campaign_id: string }>(
    databaseUrl,
    'select campaign_id from sambatan.campaigns where total_slots = 1000000',
  );
  const app = startApplication(databaseUrl);
  const client = await cluster.connect(databaseUrl);
  const campaignId = campaign!.campaign_id;
  return {
    content,
    databaseUrl,
    campaignId,
    app,
    client,
    ours: { name: 'join_campaigns', store: (requests) => storeJoins(app, requests), costs: [] },
    bare: { name: 'two bare rows', store: bareWriter(client, campaignId), costs: [] },
  };
}

async function storeJoins({ db }: App, requests: readonly JoinRequest[]): Promise<void> {
  const answers = await joinAll(db, requests, { attemptLimit: 0, wait: true, again: false });
  const refusal = answers.find((answer) => answer instanceof DomainError);
  if (refusal !== undefined) throw refusal;
}

const insertBareRows = `
  with logged as (
    insert into bench.bare_logs
    select $1, $2 + n, now(), participation_id, 32, user_id, 1, hash
    from unnest($3::uuid[], $4::uuid[], $8::bytea[]) with ordinality
      as q (participation_id, user_id, hash, n)
  )
  insert into bench.bare_participants
  select $1, participation_id, user_id, quantity, now(), address, note, salt
  from unnest($3::uuid[], $4::uuid[], $5::integer[], $6::text[], $7::text[], $9::bytea[])
    as q (participation_id, user_id, quantity, address, note, salt)`;

function bareWriter(client: pg.Client, campaignId: string): Way['store'] {
  let seq = 0;
  return async (requests) => {
    const hashes = requests.map(({ participationId }) =>
      createHash('sha256').update(participationId).digest(),
    );
    await client.query({
      name: 'bare_rows',
      text: insertBareRows,
      values: [
        campaignId,
        seq,
        requests.map(({ participationId }) => participationId),
        requests.map(({ userId }) => userId),
        requests.map(({ quantity }) => quantity),
        requests.map(({ shippingAddress }) => shippingAddress),
        requests.map(({ note }) => note),
        hashes,
        requests.map(() => randomBytes(32)),
      ],
    });
    seq += requests.length;
  };
}

async function measure({ cluster, quick }: Bench, place: Place, way: Way): Promise<Cost> {
  const walBefore = async () => {
    const [row] = await cluster.sql<{ bytes: number }>(
      place.databaseUrl,
      `select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes`,
    );
    return row!.bytes;
  };
  const cpu = () => cpuSecondsOfTree([cluster.postmaster]) ?? 0;
  const store = async (batches: number) => {
    for (let batch = 0; batch < batches; batch++) await way.store(requestsFor(place.campaignId));
  };
  await store(2);
  await cluster.checkpoint();
  const lsn = await walBefore();
  await store(quick ? 2 : walBatches);
  const walBytes = ((await walBefore()) - lsn) / ((quick ? 2 : walBatches) * batchSize);
  const batches = quick ? 2 : cpuBatches;
  const before = cpu();
  await store(batches);
  const microseconds = ((cpu() - before) * 1e6) / (batches * batchSize);
  return { microseconds, walBytes };
}

function requestsFor(campaignId: string): JoinRequest[] {
  return Array.from({ length: batchSize }, () => {
    const userId = randomUUID();
    return {
      campaignId,
      participationId: newId(),
      userId,
      quantity: 1,
      shippingAddress: 'Jalan Kenanga 12, RT 03/RW 05, Kelurahan Sukamaju, Bandung 40123',
      note: null,
      key: null,
      actor: `user:${userId}`,
    };
  });
}

const where = { empty: 'empty', full: '500,000 participations' } as const;

function figuresOf({ content, ours, bare }: Place): Figure[] {
  return [ours, bare].flatMap(({ name, costs }) => [
    {
      measurement: `batches of ${batchSize} joins, ${where[content]}`,
      variant: `${name}: CPU of PostgreSQL`,
      unit: 'µs a join',
      value: spreadOf(costs.map(({ microseconds }) => microseconds)),
    },
    {
      measurement: `batches of ${batchSize} joins, ${where[content]}`,
      variant: `${name}: write-ahead log after a checkpoint`,
      unit: 'bytes a join',
      value: spreadOf(costs.map(({ walBytes }) => walBytes)),
      note: `${walBatches * batchSize} joins`,
    },
  ]);
}

function rowsOf({ content, ours, bare }: Place): Row[] {
  const ratio = (part: keyof Cost) =>
    ratioOf(
      ours.costs.map((cost) => cost[part]),
      bare.costs.map((cost) => cost[part]),
    );
  return [
    {
      what: 'CPU of PostgreSQL per join, batches of 100 ÷ two bare rows',
      content,
      value: ratio('microseconds'),
      goal: { max: 2 },
    },
    {
      what: 'write-ahead log per join after a checkpoint ÷ two bare rows',
      content,
      value: ratio('walBytes'),
      goal: content === 'full' ? { max: 1.7 } : undefined,
    },
  ];
}
