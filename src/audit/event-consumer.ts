import { setTimeout as sleep } from 'node:timers/promises';
import { isWithoutConnection } from '../database/errors.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import type { Tx } from '../database/transaction.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';
import type { ChangeNotifier } from './change-notifier.ts';
import * as sql from './queries.ts';

/** What is done with a campaign's next events, in the transaction that moves its cursor. */
export type EventHandler = (
  tx: Tx,
  campaignId: string,
  events: readonly sql.AuditRow[],
) => Promise<void>;

export interface EventConsumerOptions {
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Log;
  readonly handle: EventHandler;
  /** After each committed batch. */
  readonly onHandled?: () => void;
  /** What has to be done first. */
  readonly load?: LoadSignal;
}

/** A crowd that keeps this process busy: what it does is fed when it has gone, if it goes soon. */
export interface LoadSignal {
  isOverloaded(): boolean;
  /** It is waited for so long, in milliseconds; after that every other moment is the feed's. */
  readonly maxDelayMs: number;
}

/** Events in one transaction: enough to share a commit, few enough to hold in memory. */
const eventsAtOnce = 500;
/** Campaigns fed at the same time. */
const lanes = 2;
/** More poked campaigns than this are not remembered one by one: a walk finds them. */
const mostRemembered = 10_000;
/** Pokes come in crowds during a flash crowd. */
const wakeDelayMs = 50;
/** Another worker feeds it, or it failed: looked at again after this long. */
const heldWaitMs = 250;
/** Campaigns in one step of the walk that finds what no poke told of. */
const walkAtOnce = 5_000;
/** A lost poke costs this long at most; more often where the database tells nobody. */
const walkEveryMs = { told: 30_000, untold: 3_000 };
const retryMs = [1_000, 1_000] as const;
const crowdedWaitMs = 250;

/**
 * Feeds every audit event, once and in order within its campaign, to one consumer. Each campaign
 * has a cursor of its own: a single one over all rows would skip a row that commits late. The
 * cursor moves in the transaction of what the consumer writes, so that both happen or neither.
 * Any number of processes may feed: a cursor is locked by one of them.
 */
export class EventConsumer implements Job {
  readonly #options: EventConsumerOptions;
  readonly #loop: Loop;
  /** A drain ends after what the life of the feed has under way, too. */
  readonly #turns = new SerialQueue();
  #waiting = new Set<string>();
  #walkDueAt = 0;
  #crowdedSince: number | undefined;
  #forget: (() => void) | undefined;

  constructor(options: EventConsumerOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) => this.#failed(error),
      retryMs,
    });
  }

  /** Why it does not get on, if it does not. */
  get failure(): string | null {
    return this.#loop.failure;
  }

  start(): void {
    if (this.#loop.isStarted) return;
    this.#walkDueAt = 0;
    this.#forget = this.#options.changeNotifier.onChange((campaignId) => this.#poked(campaignId));
    this.#loop.markRunning();
    this.#loop.start();
  }

  /** Ends after the transactions under way. */
  async stop(): Promise<void> {
    this.#forget?.();
    await this.#loop.stop();
  }

  /** Feeds all that there is now, by hand: for tests and commands. Throws what failed. */
  async drain(): Promise<void> {
    await this.#turns.take(async () => {
      await this.#walk();
      while (this.#waiting.size > 0) {
        const held = await this.#feedWaiting();
        // The rest is for the life of the feed.
        if (held && this.#waiting.size > 0) await sleep(heldWaitMs);
      }
    });
  }

  #poked(campaignId: string | null): void {
    if (campaignId === null || this.#waiting.size >= mostRemembered) this.#walkDueAt = 0;
    else this.#waiting.add(campaignId);
    this.#loop.wake(wakeDelayMs);
  }

  async #pass(): Promise<number> {
    if (await this.#letCrowdPass()) return 0;
    const walkEvery = this.#options.db.canListen ? walkEveryMs.told : walkEveryMs.untold;
    const begin = performance.now();
    const held = await this.#turns.take(async () => {
      if (performance.now() >= this.#walkDueAt) {
        this.#walkDueAt = performance.now() + walkEvery;
        await this.#walk();
      }
      return await this.#feedWaiting();
    });
    if (this.#crowdedSince !== undefined) await sleep(performance.now() - begin);
    if (this.#waiting.size > 0) return held ? heldWaitMs : 0;
    return Math.max(0, this.#walkDueAt - performance.now());
  }

  #failed(error: unknown): void {
    this.#options.log.warn({ err: error }, 'events could not be turned into messages; retrying');
    this.#walkDueAt = 0;
  }

  /** Rests a moment, and gives true, while there is a crowd that may soon be gone. */
  async #letCrowdPass(): Promise<boolean> {
    const { load: crowd } = this.#options;
    if (crowd === undefined || !crowd.isOverloaded()) {
      this.#crowdedSince = undefined;
      return false;
    }
    this.#crowdedSince ??= performance.now();
    if (performance.now() - this.#crowdedSince > crowd.maxDelayMs) return false;
    await sleep(crowdedWaitMs);
    return true;
  }

  /** Looks at every campaign, a step at a time. */
  async #walk(): Promise<void> {
    for (let after: string | null = null; ;) {
      const step: { last: string | null; walked: number; behind: string[] } =
        await this.#options.db.one(sql.lagging, after, walkAtOnce);
      for (const campaignId of step.behind) this.#waiting.add(campaignId);
      if (step.walked < walkAtOnce || this.#loop.isStopping) return;
      if (this.#waiting.size >= mostRemembered) await this.#feedWaiting();
      after = step.last;
    }
  }

  /**
   * One batch of each waiting campaign; true when some are held by another worker. One whose events
   * cannot be fed does not keep the others from it: what went wrong with it is thrown at the end,
   * unless the database is away, and it comes again with the next walk.
   */
  async #feedWaiting(): Promise<boolean> {
    const round = this.#waiting;
    this.#waiting = new Set();
    const next = round.values();
    let held = false;
    const failures: unknown[] = [];
    const lane = async (): Promise<void> => {
      for (const campaignId of next) {
        if (this.#loop.isStopping) return;
        try {
          const fed = await this.#feed(campaignId);
          if (fed !== 'all') this.#waiting.add(campaignId);
          if (fed === 'held') held = true;
        } catch (error) {
          if (isWithoutConnection(error)) throw error;
          failures.push(error);
        }
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    if (failures.length > 0) throw failures[0];
    return held;
  }

  /** One campaign's next batch. */
  async #feed(campaignId: string): Promise<'all' | 'some' | 'held'> {
    const { db, handle: feeding, onHandled: onFed } = this.#options;
    const fed = await db.transaction(async (tx) => {
      const cursor = await this.#cursorOf(tx, campaignId);
      if (cursor === undefined) return 'held';
      const events = await tx.rows(sql.auditAfter, campaignId, cursor, eventsAtOnce);
      const last = events.at(-1);
      if (last === undefined) return 'all';
      await feeding(tx, campaignId, events);
      await tx.rows(sql.moveCursor, campaignId, last.seq);
      return events.length < eventsAtOnce ? 'all' : 'some';
    });
    if (fed !== 'held') onFed?.();
    return fed;
  }

  async #cursorOf(tx: Tx, campaignId: string): Promise<bigint | undefined> {
    const found = await tx.maybe(sql.lockCursor, campaignId);
    if (found !== undefined) return found.seq;
    // Waits for another worker that makes it just now: that takes no longer than a batch.
    await tx.rows(sql.makeCursor, campaignId);
    return (await tx.maybe(sql.lockCursor, campaignId))?.seq;
  }
}
