import type { App } from '../../src/app/app.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { JoinBatcher } from '../../src/participations/batcher.ts';
import { joinAll, type Joined, type JoinRequest } from '../../src/participations/join.ts';
import { naiveJoin } from './naive.ts';

/** How joins travel in the servers that ours is compared with. */
export const otherWays = {
  /** Our own transaction, one for each request, as many at once as there are connections. */
  single: (app: App) => {
    const gate = new Gate(poolSize);
    const options = { attemptLimit: app.config.joins.limitPerMinute, wait: true, again: false };
    return new OtherJoins((request) =>
      gate.pass(async () => {
        const [answer] = await joinAll(app.db, [request], options);
        app.metrics.joinBatchSize.observe(1);
        if (answer === undefined || answer instanceof DomainError) throw answer;
        app.changeNotifier.notifyChanged(request.campaignId);
        return answer;
      }),
    );
  },
  /** The same, with at most one transaction of a campaign under way: nobody waits for a lock. */
  queued: undefined,
  /** What a service does that asks its database for one thing after the other. */
  naive: (app: App) => {
    const gate = new Gate(poolSize);
    return new OtherJoins((request) => gate.pass(() => naiveJoin(app.db, request)));
  },
  /** The same five in one transaction: as safe against dying on the way as ours. */
  atomic: (app: App) => {
    const gate = new Gate(poolSize);
    return new OtherJoins((request) =>
      gate.pass(() => app.db.transaction((tx) => naiveJoin(tx, request))),
    );
  },
  /** Everything but the database: as fast as this route can be. */
  floor: () =>
    new OtherJoins(async ({ participationId }) => ({
      participationId,
      joinedAt: new Date(),
      replayed: false,
    })),
} as const satisfies Record<string, ((app: App) => JoinBatcher) | undefined>;

export type OtherWay = keyof typeof otherWays;

/** Connections of a service's pool (openDatabase's default). */
export const poolSize = 20;

/** Takes joins another way than in batches. */
class OtherJoins extends JoinBatcher {
  readonly #join: (request: JoinRequest) => Promise<Joined>;

  constructor(join: (request: JoinRequest) => Promise<Joined>) {
    super({
      send: async () => [],
      maxBatch: 1,
      maxQueued: 1,
      maxQueuedPerCampaign: 1,
      concurrency: 1,
      waitingConcurrency: 1,
    });
    this.#join = join;
  }

  override join(request: JoinRequest): Promise<Joined> {
    return this.#join(request);
  }
}

/**
 * First come, first served, so many at once. Without it most of 1,000 requests would be refused
 * because the pool gives nobody a connection within two seconds: it favours the slow.
 */
class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
