// `npm run overload`: sends ten times as many requests as the service can answer, and checks the
// answers. Prints a table and writes it to bench/results/overload.*.
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../environment.ts';
import { checkInvariants, checkStored, waitForNotifications } from '../support/checks.ts';
import { startCluster, type Cluster } from '../support/database.ts';
import { cores, readCpuUsage, residentBytes, usageBetween } from '../support/cpu-usage.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import { serviceKey, startServer, stopServers, type Server } from '../support/server.ts';
import { sessionToken, type LoadResult, type Job, type Kind } from './job.ts';
import { loadNames, publish, table } from './report.ts';
import type { LoadName, Measured, Result } from './report.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '5000' },
    obedient: { type: 'string', default: '80' },
    only: { type: 'string', multiple: true, default: [] },
    publish: { type: 'boolean', default: false },
  },
});
const times = Number(values.times);
const seconds = Number(values.seconds);
const connections = Number(values.connections);
const obedient = Number(values.obedient) / 100;

/** Numbers of connections with which the capacity is measured; the best result counts. */
const crowds = [100, 400, 1_000];

/** Time in which the clients of the overload open their connections. */
const rampSeconds = 10;

/** Number of clients that send joins beside the pages. */
const joinClients = 1_000;

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
  return `one process over loopback, ${place}; ${connections} clients, each with one connection; ${values.obedient} % of them obey Retry-After`;
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

/** The kinds of requests. Only `own` and `form` are sent by signed-in users. */
function kindsOf(
  id: string,
): Readonly<Record<'join' | 'page' | 'own' | 'form' | 'progress', Kind>> {
  const browser = 'User-Agent: Mozilla/5.0 (Linux; Android 14)\r\nAccept: text/html\r\n';
  const page: Kind = {
    name: 'page',
    weight: 1,
    head: `GET /sambatan/${id} HTTP/1.1\r\nHost: x\r\n${browser}Accept-Encoding: gzip, br\r\n`,
    good: 200,
  };
  return {
    page,
    own: { ...page, people },
    join: {
      name: 'join',
      weight: 1,
      head: `POST /api/sambatan/campaigns/${id}/join HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${serviceKey}\r\nContent-Type: application/json\r\n`,
      body: [
        '{"user_id":"',
        '","quantity":1,"shipping_address":"Jalan Kenanga 12, Bandung 40123"}',
      ],
      good: 201,
    },
    form: {
      name: 'form',
      weight: 1,
      head: `POST /sambatan/${id}/ikut HTTP/1.1\r\nHost: x\r\n${browser}Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n`,
      body: ['key=', '&quantity=1&shipping_address=Jalan+Kenanga+12%2C+Bandung+40123'],
      people,
      good: 303,
    },
    progress: {
      name: 'progress',
      weight: 1,
      head: `GET /api/sambatan/campaigns/${id}/progress HTTP/1.1\r\nHost: x\r\n`,
      good: 200,
    },
  };
}

type Load = Pick<Job, 'kinds' | 'load'>;

/** Returns functions that send loads to a service and collect all results. */
function createRunner(crowd: ChildProcess, { postmaster }: Cluster, { pid, url }: Server) {
  const processes = { server: pid, postgres: postmaster };
  const port = Number(new URL(url).port);
  const all: LoadResult[] = [];
  const run = async (loads: readonly Load[], lasting: number, ramp = 1): Promise<Measured[]> => {
    const common = { port, obedient, seconds: lasting, rampSeconds: ramp };
    const jobs = loads.map((load) => ({ ...load, ...common }));
    const answered = send(crowd, jobs);
    await sleep(ramp * 1_000);
    const before = readCpuUsage(processes);
    await sleep(lasting * 1_000);
    const usage = usageBetween(before, readCpuUsage(processes));
    const usedCores = (usage.server ?? 0) + (usage.postgres ?? 0);
    const results = await answered;
    all.push(...results);
    return results.map((result) => ({ ...result, usedCores }));
  };
  const measure = async (kinds: readonly Kind[]): Promise<Measured> => {
    let best: Measured | undefined;
    for (const many of crowds) {
      const [result] = await run([{ kinds, load: { connections: many } }], 4);
      if (result!.goodput > (best?.goodput ?? 0)) best = result;
    }
    return best!;
  };
  return { all, run, measure };
}

/**
 * Runs one scenario: measures the capacity, sends more than it, and then half of it. The scenario
 * `beside` measures the capacity for joins and for pages separately. It then sends as many joins as
 * the service can answer, and many more pages.
 */
async function overload(on: Cluster, crowd: ChildProcess, name: LoadName): Promise<Result> {
  const databaseUrl = await on.createDatabase(`overload_${name}`);
  const server = await startServer({ way: 'ours', databaseUrl });
  pinToCores(crowd, [server.pid, on.postmaster]);
  const [id = ''] = await openCampaigns(server.url, 1);
  await signIn(on, databaseUrl);
  const { join: joining, page, own, form, progress } = kindsOf(id);
  const main = name === 'people' ? [own, form, progress] : [joining];
  const { all, run, measure } = createRunner(crowd, on, server);
  await run([{ kinds: main, load: { connections: 100 } }], 4);
  const alone = await measure(main);
  const capacity = alone.goodput;
  const open = (kinds: readonly Kind[], rate: number, mostConnections = connections): Load => ({
    kinds,
    load: { rate, mostConnections },
  });
  const loads =
    name === 'beside'
      ? [open(main, capacity, joinClients), open([page], (await measure([page])).goodput * times)]
      : [open(main, capacity * times)];
  const watching = sampleHealth(server);
  const [during, others] = await run(loads, seconds, rampSeconds);
  const seen = await watching.end();
  const [after] = await run([open(main, capacity / 2)], 6, 0);
  await waitForNotifications(on, databaseUrl, [id]);
  const outcome = await checkJoins(on, databaseUrl, id, all);
  const { failures, unknown } = outcome;
  await server.stop();
  failures.push(...(await checkInvariants(databaseUrl, 'ours')));
  const kinds = [joining, page, own, form, progress];
  for (const { answers } of all) failures.push(...findProblems(kinds, answers));
  failures.push(...findFaults(all, seen));
  return {
    name,
    times,
    seconds: seconds + rampSeconds,
    alone,
    seen,
    unknown,
    failures,
    during: during!,
    others,
    after: after!,
  };
}

function findFaults(all: readonly LoadResult[], { unwell }: { readonly unwell: number }): string[] {
  const sum = (of: (result: LoadResult) => number) => all.reduce((n, one) => n + of(one), 0);
  const faults: string[] = [];
  const note = (count: number, what: string) => {
    if (count > 0) faults.push(`${count} ${what}`);
  };
  note(unwell, 'times health was not answered');
  note(
    sum(({ stray }) => stray),
    'times data arrived that nobody had asked for',
  );
  note(
    sum((one) => one.withoutRetryAfter),
    'requests were rejected without Retry-After',
  );
  return faults;
}

/**
 * Compares the answers with the database: acknowledged joins are stored, and joins whose answer was
 * “not stored” are not.
 */
async function checkJoins(
  on: Cluster,
  databaseUrl: string,
  id: string,
  all: readonly LoadResult[],
): Promise<{ readonly failures: string[]; readonly unknown: number }> {
  const count = (what: string) => all.reduce((sum, { answers }) => sum + (answers[what] ?? 0), 0);
  const joins = count('join 201') + count('form 303');
  const errors = all.reduce((sum, { unanswered }) => sum + unanswered, 0);
  // The service answered these requests without knowing whether their joins were stored.
  const unknown = count('join 503 outcome_unknown') + count('form 503 page');
  const failures =
    unknown === 0
      ? await checkStored(on, databaseUrl, [id], { joins, errors })
      : await checkBetween(on, databaseUrl, id, [joins, joins + unknown + errors]);
  const rejectedIds = all.flatMap((one) => one.rejectedIds);
  const [row] = await on.sql<{ stored: number }>(
    databaseUrl,
    'select count(*)::integer as stored from sambatan.participants where user_id = any ($1::uuid[])',
    [rejectedIds],
  );
  if (row!.stored > 0) failures.push(`${row!.stored} joins are stored but were reported as not`);
  return { failures, unknown };
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

async function send(crowd: ChildProcess, jobs: readonly Job[]): Promise<LoadResult[]> {
  crowd.send(jobs);
  const [message] = (await once(crowd, 'message')) as [{ heard: LoadResult[] } | { error: string }];
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
