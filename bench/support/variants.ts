import pg from 'pg';
import type { App } from '../../src/app/app.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { ConcurrencyLimiter } from '../../src/overload/concurrency-limit.ts';
import { JoinBatcher } from '../../src/participations/batcher.ts';
import { joinAll, type Joined, type JoinRequest } from '../../src/participations/join.ts';
import { naiveJoin, noHash } from './naive-join.ts';

/** The ways to run joins with which Sambatan is compared. */
export const otherWays = {
  /** Sambatan's transaction, for each request alone; as many at once as there are connections. */
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
  /** Five separate statements for each join, each of them a transaction. */
  naive: (app: App) => {
    const gate = new Gate(poolSize);
    return new OtherJoins((request) =>
      gate.pass(() => retryBusy(() => naiveJoin(app.db, request))),
    );
  },
  /** The same five statements in one transaction: a crash loses as little as with Sambatan. */
  atomic: (app: App) => {
    const gate = new Gate(poolSize);
    return new OtherJoins((request) =>
      gate.pass(() => retryBusy(() => app.db.transaction((tx) => naiveJoin(tx, request)))),
    );
  },
  /** The same route without the database, which shows the maximum speed of the route. */
  floor: () =>
    new OtherJoins(async ({ participationId }) => ({
      participationId,
      joinedAt: new Date(),
      replayed: false,
      log: { index: 0, leafHash: noHash, salt: noHash },
    })),
  /** Sambatan without the background job that builds trees and signs checkpoints of the log. */
  withoutLogWriter: undefined,
} as const satisfies Record<string, ((app: App) => JoinBatcher) | undefined>;

export type OtherWay = keyof typeof otherWays;

/** Number of database connections in the pool of a service: the default of `openDatabase`. */
export const poolSize = 20;

/** With this limit, no request of a baseline is refused: it waits in the queue. */
export class NoLimit extends ConcurrencyLimiter {
  override hasRoom(): boolean {
    return true;
  }
}

const maxTries = 20;

/**
 * Repeats work that waited too long for the lock of the campaign's row, which happens on a slow
 * disk. Nothing is stored before the first lock, so a repetition stores nothing twice.
 */
async function retryBusy<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isBusy = error instanceof pg.DatabaseError && error.code === '55P03';
      if (!isBusy || tries === maxTries) throw error;
    }
  }
}

/** Replaces the batcher with another way to run joins. */
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
 * A FIFO queue with a concurrency limit. It helps the slow variants: without this queue, most of
 * 1,000 requests would fail, because they would get no database connection within two seconds.
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
