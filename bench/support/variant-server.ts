import type { Bench } from '../bench.ts';
import type { LoadResult, Job, JoinMix } from '../load/job.ts';
import { jwtSecret } from '../../test/support/clients/client.ts';
import { checkInvariants, checkStored, waitForNotifications } from './checks.ts';
import { openCampaigns } from './open-campaigns.ts';
import { serviceKey, startServer, type Server, type Way } from './server.ts';

/** A variant of a measurement of joins. */
export interface Variant {
  readonly name: string;
  readonly way: Way;
  /** The value of SAMBATAN_JOIN_RATE_LIMIT: joins per minute and user. Default 0: no limit. */
  readonly limit?: number;
  /** True if each request has a different Idempotency-Key. */
  readonly keys?: boolean;
  /** True if each user has a different token, which the server has to verify for the first time. */
  readonly tokens?: boolean;
}

/** The results of a load, and the time until all of its notifications were written. */
export interface VariantResult extends LoadResult {
  /** Seconds from the end of the load; undefined if the variant writes no notifications. */
  readonly toldAfter: number | undefined;
}

/** Long enough for V8 to optimize the code. */
const warmUp = { connections: 100, extent: { warmSeconds: 0, seconds: 5 } } as const;
const firstGuess = 6_000;

/** The server of one variant with a separate database. It runs during all rounds. */
export class VariantServer {
  readonly entry: Variant;
  readonly server: Server;
  readonly failures: string[] = [];
  readonly #bench: Bench;
  #rate = firstGuess;

  private constructor(bench: Bench, entry: Variant, server: Server) {
    this.#bench = bench;
    this.entry = entry;
    this.server = server;
  }

  static async enter(bench: Bench, entry: Variant, database: string): Promise<VariantServer> {
    const databaseUrl = await bench.cluster.createDatabase(database);
    const environment = { SAMBATAN_JOIN_RATE_LIMIT: String(entry.limit ?? 0) };
    const server = await startServer({ way: entry.way, databaseUrl, environment });
    return new VariantServer(bench, entry, server);
  }

  async warmUp(campaigns: number): Promise<void> {
    const seconds = this.#bench.quick ? 0.3 : warmUp.extent.seconds;
    await this.join(campaigns, { ...warmUp, extent: { warmSeconds: 0, seconds } });
  }

  /** Sends one load of joins to new campaigns, and compares the stored rows with the answers. */
  async join(campaigns: number, load: Pick<Job, 'connections' | 'extent'>): Promise<VariantResult> {
    const { cluster, generator } = this.#bench;
    const { databaseUrl, pid, url } = this.server;
    const campaignIds = await openCampaigns(url, campaigns);
    await cluster.checkpoint();
    const answered = await generator.run({
      ...load,
      url,
      mix: this.#mix(campaignIds),
      expectedRate: this.#rate * 1.3,
      processes: { server: pid, postgres: cluster.postmaster },
    });
    const toldAfter =
      this.entry.way === 'ours'
        ? await waitForNotifications(cluster, databaseUrl, campaignIds)
        : undefined;
    this.#rate = Math.max(answered.rate, 500);
    const { errors, repeated, statuses } = answered;
    // A request that is repeated with its key is answered again, but its join is stored once.
    const acknowledged = (statuses['201'] ?? 0) - (this.entry.keys === true ? repeated : 0);
    const stored = { joins: this.entry.way === 'floor' ? 0 : acknowledged, errors };
    this.#note(await checkStored(cluster, databaseUrl, campaignIds, stored));
    const others = Object.keys(answered.statuses).filter((status) => status !== '201');
    if (others.length > 0) this.#note([`answers with status ${others.join(', ')}`]);
    return { ...answered, toldAfter };
  }

  /** Stops the server and checks the invariants of its data. */
  async leave(): Promise<void> {
    await this.server.stop();
    this.#note(await checkInvariants(this.server.databaseUrl, this.entry.way));
    const name = new URL(this.server.databaseUrl).pathname.slice(1);
    await this.#bench.cluster.dropDatabase(name);
  }

  #mix(campaignIds: readonly string[]): JoinMix {
    const { keys, tokens = false } = this.entry;
    const as = tokens ? { tokenSecret: jwtSecret } : { serviceKey };
    return { kind: 'joins', campaignIds, as, ...(keys === undefined ? {} : { keys }) };
  }

  #note(wrong: readonly string[]): void {
    this.failures.push(...wrong.map((sentence) => `${this.entry.name}: ${sentence}`));
  }
}
