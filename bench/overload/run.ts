// `npm run overload`: sends ten times as many requests as the service can answer (open loop), and
// checks the answers. Prints a table and writes it to bench/results/overload.*.
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../environment.ts';
import { checkInvariants, checkStored, waitForNotifications } from '../support/checks.ts';
import { startCluster, type Cluster } from '../support/database.ts';
import { cores, residentBytes } from '../support/cpu-usage.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import { serviceKey, startServer, stopServers, type Server } from '../support/server.ts';
import { sessionToken, type LoadResult, type Job, type Kind } from './job.ts';
import { loadNames, publish, table, type LoadName, type Result } from './report.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '5000' },
    only: { type: 'string', multiple: true, default: [] },
    publish: { type: 'boolean', default: false },
  },
});
const [times, seconds, connections] = [values.times, values.seconds, values.connections].map(
  Number,
) as [number, number, number];

/** Numbers of connections with which the capacity is measured; the best result counts. */
const crowds = [100, 400, 1_000];

/** More users than joins in a run, so that few join twice. */
const people = 100_000;

const cluster = await startCluster();
const generator = fork(join(import.meta.dirname, 'generator.ts'), { stdio: 'inherit' });
const stop = async () => {
  generator.disconnect();
  await stopServers();
  await cluster.stop();
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void stop().finally(() => process.exit(130)));
}
try {
  const known = await readEnvironment(cluster, { rounds: 1, quick: false });
  const results: Result[] = [];
  for (const name of loadNames) {
    if (values.only.length > 0 && !values.only.includes(name)) continue;
    results.push(await overload(cluster, generator, name));
  }
  const about = { ...known, load: summarize() };
  process.stdout.write(table(about, results));
  if (values.publish) publish(about, results);
  if (results.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
} finally {
  await stop();
}

function summarize(): string {
  const place =
    cores > 1 ? 'on the last core (service and PostgreSQL use the others)' : 'on the same core';
  return `one process over loopback, ${place}; at most ${connections} connections, each with at most one request in flight`;
}

/** Creates the sessions of the signed-in users. */
async function signIn({ sql }: Cluster, databaseUrl: string): Promise<void> {
  await sql(
    databaseUrl,
    `insert into sambatan_auth.sessions (session_id, token_hash, user_id, expires_at)
    select gen_random_uuid(), sha256(convert_to(lpad(person::text, $1, 's'), 'UTF8')),
      gen_random_uuid(), now() + interval '1 day'
    from generate_series(0, $2) as person`,
    [sessionToken(0).length, people - 1],
  );
}

/**
 * The kinds of requests of a load. `people`: signed-in users who read the page and join with the
 * form. `site`: pages for visitors, and joins with the service key. `joins`: only joins with the
 * service key, the cheapest writes.
 */
function kindsOf(name: LoadName, id: string): Kind[] {
  const joining: Kind = {
    name: 'join',
    weight: 1,
    head: `POST /api/sambatan/campaigns/${id}/join HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${serviceKey}\r\nContent-Type: application/json\r\n`,
    body: ['{"user_id":"', '","quantity":1,"shipping_address":"Jalan Kenanga 12, Bandung 40123"}'],
    good: 201,
  };
  if (name === 'joins') return [joining];
  const page: Kind = {
    name: 'page',
    weight: 1,
    head: `GET /sambatan/${id} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nAccept-Encoding: gzip, br\r\n`,
    good: 200,
  };
  const progress: Kind = {
    name: 'progress',
    weight: 1,
    head: `GET /api/sambatan/campaigns/${id}/progress HTTP/1.1\r\nHost: x\r\n`,
    good: 200,
  };
  if (name === 'site') return [page, joining, progress];
  const own = { ...page, people };
  const form: Kind = {
    name: 'form',
    weight: 1,
    head: `POST /sambatan/${id}/ikut HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n`,
    body: ['key=', '&quantity=1&shipping_address=Jalan+Kenanga+12%2C+Bandung+40123'],
    people,
    good: 303,
  };
  return [own, form, progress];
}

async function overload(on: Cluster, crowd: ChildProcess, name: LoadName): Promise<Result> {
  const databaseUrl = await on.createDatabase(`overload_${name}`);
  const server = await startServer({ way: 'ours', databaseUrl });
  pinToCores(crowd, [server.pid, on.postmaster]);
  const [id = ''] = await openCampaigns(server.url, 1);
  await signIn(on, databaseUrl);
  const kinds = kindsOf(name, id);
  const port = Number(new URL(server.url).port);
  const all: LoadResult[] = [];
  const run = async (load: Job['load'], lasting: number) => {
    const heard = await send(crowd, { port, kinds, seconds: lasting, load });
    all.push(heard);
    return heard;
  };
  await run({ connections: 100 }, 4);
  let capacity = 0;
  for (const many of crowds) {
    capacity = Math.max(capacity, (await run({ connections: many }, 5)).goodput);
  }
  const watching = sampleHealth(server);
  const during = await run({ rate: capacity * times, mostConnections: connections }, seconds);
  const seen = await watching.end();
  const after = await run({ rate: capacity / 2, mostConnections: connections }, 6);
  await waitForNotifications(on, databaseUrl, [id]);
  const count = (what: string) => all.reduce((sum, { answers }) => sum + (answers[what] ?? 0), 0);
  const joins = count('join 201') + count('form 303');
  const errors = all.reduce((sum, { unanswered }) => sum + unanswered, 0);
  // The service answered these requests without knowing whether their joins were stored.
  const unknown = count('join 503 outcome_unknown') + count('form 503 page');
  const failures =
    unknown === 0
      ? await checkStored(on, databaseUrl, [id], { joins, errors })
      : await checkBetween(on, databaseUrl, id, [joins, joins + unknown + errors]);
  await server.stop();
  failures.push(...(await checkInvariants(databaseUrl, 'ours')));
  for (const { answers } of all) failures.push(...findProblems(kinds, answers));
  if (seen.unwell > 0) failures.push(`health was not answered ${seen.unwell} times`);
  const stray = all.reduce((sum, heard) => sum + heard.stray, 0);
  if (stray > 0) failures.push(`${stray} times something was heard that nobody had asked for`);
  if (during.rude > 0) failures.push(`${during.rude} were shed without Retry-After`);
  return { name, times, seconds, capacity, during, after, seen, unknown, failures };
}

/** Checks that the number of stored joins is within these bounds; returns a sentence if not. */
async function checkBetween(
  { sql }: Cluster,
  databaseUrl: string,
  id: string,
  [least, most]: readonly [number, number],
): Promise<string[]> {
  const [row] = await sql<{ count: number }>(
    databaseUrl,
    'select count(*)::integer as count from sambatan.participants where campaign_id = $1',
    [id],
  );
  const { count } = row!;
  return count >= least && count <= most ? [] : [`${count} stored, not ${least} to ${most}`];
}

function findProblems(kinds: readonly Kind[], answers: LoadResult['answers']): string[] {
  return Object.keys(answers)
    .filter((what) => !/ 503 (overloaded|outcome_unknown|page)$/.test(what))
    .filter((what) => !kinds.some(({ name, good }) => what === `${name} ${good}`))
    .map((what) => `answered: ${what}`);
}

/** Lets the generator run on another core than service and PostgreSQL, as on another machine. */
function pinToCores(crowd: ChildProcess, served: readonly number[]): void {
  if (cores < 2) return;
  const last = cores - 1;
  const pin = (list: string, pid: number) => spawnSync('taskset', ['-a', '-cp', list, String(pid)]);
  for (const pid of served) pin(`0-${last - 1}`, pid);
  pin(String(last), crowd.pid!);
}

async function send(crowd: ChildProcess, job: Job): Promise<LoadResult> {
  crowd.send(job);
  const [message] = (await once(crowd, 'message')) as [{ heard: LoadResult } | { error: string }];
  if ('error' in message) throw new Error(message.error);
  return message.heard;
}

/** Requests `/livez` during the load, and records the waits and the memory of the service. */
function sampleHealth(server: Server) {
  const over = new AbortController();
  let unwell = 0;
  let memory = 0;
  const waits: number[] = [];
  const ask = async (): Promise<void> => {
    while (!over.signal.aborted) {
      memory = Math.max(memory, residentBytes(server.pid) ?? 0);
      const began = performance.now();
      const answer = await fetch(`${server.url}/livez`).catch(() => undefined);
      waits.push(performance.now() - began);
      if (answer?.status !== 200) unwell++;
      await answer?.text();
      await sleep(100);
    }
  };
  const asking = ask();
  return {
    end: async () => {
      over.abort();
      await asking;
      return { unwell, memory, longestHealthMs: Math.max(...waits) };
    },
  };
}
