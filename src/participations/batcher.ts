import { maxAttempts, isWorthRetrying, lastStartMs, retryWaitMs } from '../database/retry.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseError, type DatabaseFailure } from '../database/errors.ts';
import { DomainError } from '../errors/errors.ts';
import { asDomainError } from '../operation/run.ts';
import type { JoinAnswer, Joined, JoinOptions, JoinRequest } from './join.ts';

/**
 * Sends one batch of requests to the database as one transaction. Returns the answers in the order
 * of the requests.
 */
export type SendBatch = (
  requests: readonly JoinRequest[],
  options: Omit<JoinOptions, 'attemptLimit'>,
) => Promise<JoinAnswer[]>;

export interface BatcherOptions {
  readonly send: SendBatch;
  /** Maximum number of requests in one transaction. */
  readonly maxBatch: number;
  /**
   * Maximum number of requests that wait or are in progress, in total and per campaign. A request
   * above one of these limits is refused with `overloaded`.
   */
  readonly maxQueued: number;
  readonly maxQueuedPerCampaign: number;
  /** Maximum number of batches in progress, not counting batches that wait for a locked row. */
  readonly concurrency: number;
  /**
   * Maximum number of batches that wait for a row that another transaction has locked. Such a batch
   * has requests of only one campaign.
   */
  readonly waitingConcurrency: number;
  /** Called with each request when it is queued. */
  readonly onJoin?: (request: JoinRequest) => void;
  /** Called for each batch with the time that its first request waited, in milliseconds. */
  readonly onWait?: (milliseconds: number) => void;
  /** Called with the size of each answered batch. */
  readonly onBatch?: (size: number) => void;
  readonly onJoined?: (campaignId: string) => void;
}

/** A request in the queue. */
interface PendingJoin {
  readonly request: JoinRequest;
  readonly resolve: (joined: Joined) => void;
  readonly reject: (error: unknown) => void;
  /** When the request was queued: performance.now() in milliseconds. */
  readonly since: number;
  /**
   * True when the request was in a batch that may have been committed. The outcome is then known
   * only after asking the database again.
   */
  inDoubt: boolean;
}

/** The FIFO queue of one campaign. */
interface CampaignQueue {
  readonly campaignId: string;
  waiting: PendingJoin[];
  /**
   * idle: the queue has no requests. ready: the requests wait for a batch. busy: a batch with
   * requests of the campaign is in progress. blocked: another transaction has locked the campaign's
   * row, and the number of batches that wait for locks is at its maximum.
   */
  state: 'idle' | 'ready' | 'busy' | 'blocked';
}

/**
 * A batch of at least `size` requests is a burst. The batcher counts as under load until `lastsMs`
 * milliseconds after the last burst.
 */
const burst = { size: 20, lastsMs: 500 };

/**
 * Only a few batches may wait for locked rows. If the row of a campaign is locked and no such batch
 * can start within this time, the campaign's joins get the answer `campaign_busy`. The wait for the
 * lock itself is limited by lock_timeout.
 */
const maxLockWaitMs = 1_500;

/**
 * Combines concurrent joins into one transaction. While a batch is in progress, new requests are
 * collected for the next batch. When no batch is in progress, a batch starts at once, so a single
 * join does not wait. One batch can contain joins of several campaigns. A campaign has at most one
 * batch in progress, and each batch takes an equal number of joins from every campaign, so a
 * campaign with very many joins does not delay the others. A campaign whose row is locked is
 * removed from the batch and waits separately.
 *
 * No request is answered before its COMMIT. A failed batch is retried if it is certain that it
 * changed nothing. If this is not certain, it is retried with `again` set: the database then finds
 * out, by the ids of the participations, which joins were applied already.
 */
export class JoinBatcher {
  readonly #options: BatcherOptions;
  readonly #queues = new Map<string, CampaignQueue>();
  #ready: CampaignQueue[] = [];
  /** The blocked campaigns in order of arrival, each with its timer of maxLockWaitMs. */
  readonly #blocked = new Map<CampaignQueue, NodeJS.Timeout>();
  #running = 0;
  #waitingRunning = 0;
  #queued = 0;
  #dispatchIsPlanned = false;
  #underLoadUntil = 0;
  #drained: (() => void)[] = [];
  #closed = false;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Number of joins that wait for a batch or are in a batch. */
  get depth(): number {
    return this.#queued;
  }

  /**
   * True during a burst of joins and shortly after it. Background work should wait during this
   * time.
   */
  get isUnderLoad(): boolean {
    return performance.now() < this.#underLoadUntil;
  }

  /** Number of campaigns with queued joins. */
  get lines(): number {
    return this.#queues.size;
  }

  /**
   * Queues a join and resolves with its result. Joins of one campaign are answered in order of
   * arrival. Throws DomainError: a refusal of the database, `overloaded` before any write,
   * `campaign_busy`, `database_unavailable` or `outcome_unknown`.
   */
  join(request: JoinRequest): Promise<Joined> {
    const ahead = this.#queues.get(request.campaignId)?.waiting.length ?? 0;
    if (
      this.#closed ||
      this.#queued >= this.#options.maxQueued ||
      ahead >= this.#options.maxQueuedPerCampaign
    ) {
      return Promise.reject(new DomainError('overloaded', {}));
    }
    this.#options.onJoin?.(request);
    const queue = this.#queueOf(request.campaignId);
    this.#queued++;
    return new Promise((resolve, reject) => {
      queue.waiting.push({ request, resolve, reject, since: performance.now(), inDoubt: false });
      if (queue.state === 'idle') this.#makeReady(queue);
      this.#planDispatch();
    });
  }

  /** From now on, refuses new joins. Resolves when all queued joins are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#queued === 0) return;
    await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #queueOf(campaignId: string): CampaignQueue {
    let queue = this.#queues.get(campaignId);
    if (queue === undefined) {
      queue = { campaignId, waiting: [], state: 'idle' };
      this.#queues.set(campaignId, queue);
    }
    return queue;
  }

  #makeReady(queue: CampaignQueue): void {
    queue.state = 'ready';
    this.#ready.push(queue);
  }

  /**
   * Starts batches after the current iteration of the event loop, so that requests that arrive in
   * the same iteration share a batch. While nothing is in progress and there was no burst, a batch
   * starts with the current callback, so that a single join waits for nothing.
   */
  #planDispatch(): void {
    if (this.#dispatchIsPlanned || this.#ready.length === 0) return;
    if (this.#running >= this.#options.concurrency) return;
    this.#dispatchIsPlanned = true;
    const dispatch = () => {
      this.#dispatchIsPlanned = false;
      this.#dispatch();
    };
    if (this.#running === 0 && !this.isUnderLoad) queueMicrotask(dispatch);
    else setImmediate(dispatch);
  }

  /** Starts batches until the maximum number is in progress. Returns true if any started. */
  #dispatch(): boolean {
    const before = this.#running;
    while (this.#ready.length > 0 && this.#running < this.#options.concurrency) {
      void this.#run(this.#nextBatch());
    }
    return this.#running > before;
  }

  /**
   * Removes the requests of the next batch from the queues, with an equal share for each campaign
   * that is ready.
   */
  #nextBatch(): Map<CampaignQueue, PendingJoin[]> {
    const batch = new Map<CampaignQueue, PendingJoin[]>();
    let room = this.#options.maxBatch;
    const ready = this.#ready;
    let used = 0;
    while (used < ready.length && room > 0) {
      const queue = ready[used]!;
      const maxJoins = Math.max(1, Math.ceil(room / (ready.length - used)));
      const waiting = queue.waiting.splice(0, maxJoins);
      room -= waiting.length;
      batch.set(queue, waiting);
      queue.state = 'busy';
      used++;
    }
    this.#ready = ready.slice(used);
    return batch;
  }

  async #run(batch: Map<CampaignQueue, PendingJoin[]>): Promise<void> {
    this.#running++;
    const joins = [...batch.values()].flat();
    this.#options.onWait?.(performance.now() - joins[0]!.since);
    const answers = await this.#answersOf(joins, false);
    this.#running--;

    const busy = new Map<CampaignQueue, PendingJoin[]>();
    for (const [index, join] of joins.entries()) {
      if (!isBusy(answers[index])) continue;
      const queue = this.#queueOf(join.request.campaignId);
      busy.set(queue, [...(busy.get(queue) ?? []), join]);
    }
    for (const queue of batch.keys()) {
      const locked = busy.get(queue);
      if (locked === undefined) {
        this.#release(queue);
      } else {
        queue.waiting = [...locked, ...queue.waiting];
        this.#block(queue);
      }
    }
    this.#continue(() => {
      for (const [index, join] of joins.entries()) {
        if (!isBusy(answers[index])) this.#answer(join, answers[index]);
      }
      this.#notifyJoined(joins, answers);
    });
  }

  /**
   * Starts the next batch before it answers the requests of the last batch. So the database works
   * while this process sends the answers: sending a few hundred answers takes as long as executing
   * that many joins.
   */
  #continue(answer: () => void): void {
    this.#runBlocked();
    if (this.#dispatch()) setImmediate(answer);
    else answer();
  }

  #block(queue: CampaignQueue): void {
    queue.state = 'blocked';
    const giveUp = () => {
      this.#blocked.delete(queue);
      const joins = queue.waiting.splice(0);
      this.#release(queue);
      for (const join of joins) this.#answerBusy(join);
    };
    this.#blocked.set(queue, setTimeout(giveUp, maxLockWaitMs));
  }

  /**
   * Starts a batch for each blocked campaign, up to the maximum number of batches that may wait for
   * locked rows.
   */
  #runBlocked(): void {
    for (const [queue, timer] of this.#blocked) {
      if (this.#waitingRunning >= this.#options.waitingConcurrency) return;
      clearTimeout(timer);
      this.#blocked.delete(queue);
      void this.#wait(queue);
    }
  }

  async #wait(queue: CampaignQueue): Promise<void> {
    this.#waitingRunning++;
    const joins = queue.waiting.splice(0, this.#options.maxBatch);
    const answers = await this.#answersOf(joins, true);
    this.#waitingRunning--;
    // The campaign's other queued joins waited for the same row. Answer them now, so that they do
    // not wait for another lock_timeout.
    const alsoLocked = answers.some(isBusy) ? queue.waiting.splice(0) : [];
    this.#release(queue);
    this.#continue(() => {
      for (const [index, join] of joins.entries()) this.#answer(join, answers[index]);
      for (const join of alsoLocked) this.#answerBusy(join);
      this.#notifyJoined(joins, answers);
    });
  }

  #release(queue: CampaignQueue): void {
    if (queue.waiting.length > 0) {
      this.#makeReady(queue);
    } else {
      queue.state = 'idle';
      this.#queues.delete(queue.campaignId);
    }
  }

  #answer(join: PendingJoin, answer: unknown): void {
    this.#queued--;
    if (isJoined(answer)) join.resolve(answer);
    else join.reject(answer ?? new Error('a join of the batch has no answer'));
    if (this.#queued === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #answerBusy(join: PendingJoin): void {
    this.#answer(join, new DomainError(join.inDoubt ? 'outcome_unknown' : 'campaign_busy', {}));
  }

  #notifyJoined(joins: readonly PendingJoin[], answers: readonly unknown[]): void {
    const { onJoined } = this.#options;
    if (onJoined === undefined) return;
    const joined = joins.filter((_, index) => isJoined(answers[index]));
    for (const id of new Set(joined.map(({ request }) => request.campaignId))) onJoined(id);
  }

  /** Sends a batch until each request has an answer: a result or an error. Never throws. */
  async #answersOf(joins: readonly PendingJoin[], wait: boolean): Promise<unknown[]> {
    const requests = joins.map((join) => join.request);
    const startedAt = performance.now();
    for (let attempt = 1; ; attempt++) {
      const again = joins.some((join) => join.inDoubt);
      try {
        const answers = await this.#options.send(requests, { wait, again });
        if (requests.length >= burst.size) this.#underLoadUntil = performance.now() + burst.lastsMs;
        this.#options.onBatch?.(requests.length);
        return answers;
      } catch (error) {
        const failure = databaseError(error);
        if (failure.kind === 'unavailable' && !failure.safe) {
          for (const join of joins) join.inDoubt = true;
        }
        const waited = wait && failure.kind === 'busy';
        const retry = failure.kind === 'unavailable' || isWorthRetrying(error);
        // If the database is unreachable, each attempt to connect may last until its time-out, and
        // three attempts would take too long. Therefore retry only if the batch may have been
        // committed.
        const inDoubt = joins.some((join) => join.inDoubt);
        const inTime = inDoubt || performance.now() - startedAt < lastStartMs;
        if (retry && !waited && inTime && attempt < maxAttempts) {
          await sleep(retryWaitMs(attempt));
        } else if (canBeOneJoin(failure) && joins.length > 1) {
          return await this.#sendOneByOne(joins, wait);
        } else {
          return joins.map((join) =>
            join.inDoubt ? new DomainError('outcome_unknown', {}) : asDomainError(error),
          );
        }
      }
    }
  }

  /**
   * Sends each join in a separate transaction. This is done after a batch has failed because of one
   * of its joins, so that the other joins succeed.
   */
  async #sendOneByOne(joins: readonly PendingJoin[], wait: boolean): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (const join of joins) {
      answers.push(...(await this.#answersOf([join], wait)));
    }
    return answers;
  }
}

/**
 * Returns true when a single join may have caused the failure of its batch. Returns false when all
 * joins would fail, for example because the database is unreachable.
 */
function canBeOneJoin({ kind }: DatabaseFailure): boolean {
  return kind === 'constraint' || kind === 'refusal' || kind === 'unknown';
}

function isJoined(answer: unknown): answer is Joined {
  return typeof answer === 'object' && answer !== null && 'joinedAt' in answer;
}

function isBusy(answer: unknown): boolean {
  return answer instanceof DomainError && answer.code === 'campaign_busy';
}
