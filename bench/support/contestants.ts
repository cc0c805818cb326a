import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../test/support/server/free-port.ts';
import type { Bench, Content } from '../bench.ts';
import type { LoadResult, Job } from '../load/job.ts';
import { checkInvariants, checkStored, waitForNotifications, waitForPublicLog } from './checks.ts';
import { residentBytes } from './cpu-usage.ts';
import { openCampaigns } from './open-campaigns.ts';
import { serviceKey, startServer, type Server, type Way } from './server.ts';

/** A server that takes joins: a way to run joins on a database, or a server without a service. */
export type Variant =
  | { readonly name: string; readonly way: Way; readonly content: Content }
  | { readonly name: string; readonly way: 'bare'; readonly answer: 'fixed' | 'json' };

export type JoinLoad = Pick<Job, 'connections' | 'extent'> & { readonly campaigns: number };

/** The result of a load of joins. */
export interface JoinSample extends LoadResult {
  /** Memory of the server at the end of the load, in bytes; undefined if unknown. */
  readonly memoryBytes: number | undefined;
}

/** One variant of a measurement. Its server runs during all rounds. */
export interface Contestant {
  readonly variant: Variant;
  readonly failures: string[];
  /** Sends one load of joins to new campaigns. */
  join(load: JoinLoad): Promise<JoinSample>;
  /** Stops the server, and checks what it has stored. */
  leave(): Promise<void>;
}

export async function enter(bench: Bench, variant: Variant, database: string): Promise<Contestant> {
  return variant.way === 'bare'
    ? await BareServer.start(bench, variant)
    : await VariantServer.start(bench, variant, database);
}

const firstGuess = 6_000;

/** A server of the service with a separate database. */
class VariantServer implements Contestant {
  readonly variant: Variant & { readonly way: Way };
  readonly failures: string[] = [];
  readonly #bench: Bench;
  readonly #server: Server;
  #rate = firstGuess;

  private constructor(bench: Bench, variant: Variant & { readonly way: Way }, server: Server) {
    this.#bench = bench;
    this.variant = variant;
    this.#server = server;
  }

  static async start(
    bench: Bench,
    variant: Variant & { readonly way: Way; readonly content: Content },
    database: string,
  ): Promise<VariantServer> {
    const databaseUrl = await bench.createDatabase(database, variant.content);
    return new VariantServer(bench, variant, await startServer({ way: variant.way, databaseUrl }));
  }

  /** Sends one load of joins to new campaigns, and compares the stored rows with the answers. */
  async join({ campaigns, ...load }: JoinLoad): Promise<JoinSample> {
    const { cluster, generator } = this.#bench;
    const { databaseUrl, pid, url } = this.#server;
    const campaignIds = await openCampaigns(url, campaigns);
    await cluster.checkpoint();
    const answered = await generator.run({
      ...load,
      url,
      mix: { kind: 'joins', campaignIds, serviceKey },
      expectedRate: this.#rate * 1.3,
      processes: { server: pid, postgres: cluster.postmaster },
    });
    const memoryBytes = residentBytes(pid);
    const isSambatan = sambatanWays.has(this.variant.way);
    if (isSambatan) await waitForNotifications(cluster, databaseUrl, campaignIds);
    if (this.variant.way === 'ours') await waitForPublicLog(cluster, databaseUrl);
    this.#rate = Math.max(answered.rate, 500);
    const { errors, statuses } = answered;
    const joins = this.variant.way === 'floor' ? 0 : (statuses['201'] ?? 0);
    this.#note(await checkStored(cluster, databaseUrl, campaignIds, { joins, errors }));
    // An overloaded server may answer 503. This is not an error.
    const wrong = Object.keys(statuses).filter((status) => status !== '201' && status !== '503');
    if (wrong.length > 0) this.#note([`answers with status ${wrong.join(', ')}`]);
    return { ...answered, memoryBytes };
  }

  async leave(): Promise<void> {
    await this.#server.stop();
    const { databaseUrl } = this.#server;
    const { variant } = this;
    // The invariants of all seeded rows take long, so only one variant checks them there.
    if (!('content' in variant) || variant.content === 'empty' || variant.way === 'ours')
      this.#note(await checkInvariants(databaseUrl, variant.way));
    await this.#bench.cluster.dropDatabase(new URL(databaseUrl).pathname.slice(1));
  }

  #note(wrong: readonly string[]): void {
    this.failures.push(...wrong.map((sentence) => `${this.variant.name}: ${sentence}`));
  }
}

/** The ways that write notifications, as the service does. */
const sambatanWays: ReadonlySet<Way> = new Set<Way>(['ours', 'withoutLogWriter']);

/** A server of node:http, without the service: the cheapest possible answer. */
class BareServer implements Contestant {
  readonly variant: Variant;
  readonly failures: string[] = [];
  readonly #bench: Bench;
  readonly #process: ReturnType<typeof fork>;
  readonly #url: string;

  private constructor(
    bench: Bench,
    variant: Variant,
    process: ReturnType<typeof fork>,
    url: string,
  ) {
    this.#bench = bench;
    this.variant = variant;
    this.#process = process;
    this.#url = url;
  }

  static async start(
    bench: Bench,
    variant: Variant & { readonly way: 'bare' },
  ): Promise<BareServer> {
    const port = await freePort();
    const program = join(import.meta.dirname, 'bare-server.ts');
    const server = fork(program, [String(port), variant.answer]);
    const url = `http://127.0.0.1:${port}`;
    while (!(await fetch(url).catch(() => undefined))) {
      if (server.exitCode !== null) throw new Error('the bare server ended');
    }
    return new BareServer(bench, variant, server, url);
  }

  async join(load: JoinLoad): Promise<JoinSample> {
    const server = this.#process.pid!;
    const answered = await this.#bench.generator.run({
      connections: load.connections,
      extent: load.extent,
      url: this.#url,
      mix: { kind: 'joins', campaignIds: ['no-campaign'], serviceKey },
      expectedRate: 15_000,
      processes: { server, postgres: undefined },
    });
    return { ...answered, memoryBytes: residentBytes(server) };
  }

  async leave(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }
}
