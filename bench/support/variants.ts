import type { App } from '../../src/app/app.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { JoinBatcher } from '../../src/participations/batcher.ts';
import { joinAll, type Joined, type JoinRequest } from '../../src/participations/join.ts';
import { naiveJoin } from './naive-join.ts';

/** The ways to run joins in the servers of the comparison. */
export const otherWays = {
  /** Our transaction for each request alone, as many at once as there are connections. */
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
  /**
   * The same with at most one transaction per campaign at a time, so that none waits for a lock.
   */
  queued: undefined,
  /** A service that queries its database step by step. */
  naive: (app: App) => {
    const gate = new Gate(poolSize);
    return new OtherJoins((request) => gate.pass(() => naiveJoin(app.db, request)));
  },
  /** The same five statements in one transaction: as crash-safe as ours. */
  atomic: (app: App) => {
    const gate = new Gate(poolSize);
    return new OtherJoins((request) =>
      gate.pass(() => app.db.transaction((tx) => naiveJoin(tx, request))),
    );
  },
  /** Everything without the database: the maximum speed of this route. */
  floor: () =>
    new OtherJoins(async ({ participationId }) => ({
      participationId,
      joinedAt: new Date(),
      replayed: false,
    })),
} as const satisfies Record<string, ((app: App) => JoinBatcher) | undefined>;

export type OtherWay = keyof typeof otherWays;

/** Pool size of a service (openDatabase's default). */
export const poolSize = 20;

/** Runs joins in another way than in batches. */
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
 * A FIFO queue with a concurrency limit. Without it most of 1,000 requests would fail, because they
 * would get no connection within two seconds: it helps the slow variants.
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
