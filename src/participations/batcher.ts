import { setTimeout as sleep } from 'node:timers/promises';
import { databaseError, type DatabaseFailure } from '../database/errors.ts';
import { DomainError } from '../errors/errors.ts';
import {
  asDomainError,
  maxAttempts,
  isWorthRetrying,
  lastStartMs,
  retryWaitMs,
} from '../operation/run.ts';
import type { JoinAnswer, Joined, JoinOptions, JoinRequest } from './join.ts';

/** Sends one batch as one transaction and gives each request's own answer, in order. */
export type SendBatch = (
  requests: readonly JoinRequest[],
  options: Omit<JoinOptions, 'attemptLimit'>,
) => Promise<JoinAnswer[]>;

export interface BatcherOptions {
  readonly send: SendBatch;
  /** Most requests in one transaction. */
  readonly maxBatch: number;
  /** Most requests that wait or are under way, in all and of one campaign; above: `overloaded`. */
  readonly maxQueued: number;
  readonly maxQueuedPerCampaign: number;
  /** Batches under way at the same time, beside those that wait for a taken row. */
  readonly lanes: number;
  /** Batches that may wait for a row that somebody else holds, each of one campaign. */
  readonly waitingLanes: number;
  /** Told of each request as it takes its seat. */
  readonly onJoin?: (request: JoinRequest) => void;
  /** Told how long the first request of a batch has waited for it, in milliseconds. */
  readonly onWait?: (milliseconds: number) => void;
  /** Told of each batch that was answered, and of each campaign that was joined in it. */
  readonly onBatch?: (size: number) => void;
  readonly onJoined?: (campaignId: string) => void;
}

/** What a seat in the queue looks like. */
interface Waiting {
  readonly request: JoinRequest;
  readonly resolve: (joined: Joined) => void;
  readonly reject: (error: unknown) => void;
  /** Of performance.now(). */
  readonly since: number;
  /** It was in a batch that may have been committed: the database has to be asked what it did. */
  inDoubt: boolean;
}

/** One campaign's line: first come, first served. */
interface Line {
  readonly campaignId: string;
  waiting: Waiting[];
  /** idle: nothing to do; ready: in the round; busy: a batch with its requests is under way;
   * blocked: its row is held by somebody else and it waits for a waiting lane. */
  state: 'idle' | 'ready' | 'busy' | 'blocked';
}

/** So many in one batch are a crowd, and for so long after it one is thought to be there. */
const crowd = { size: 20, lastsMs: 500 };

/** Who has not come to wait for a taken row by then is told; waiting takes lock_timeout at most. */
const patienceMs = 1_500;

/**
 * Puts joins that arrive together into one transaction. While a batch is under way the next one
 * gathers; when nothing is under way a request leaves at once, so that a lone join takes no longer
 * than one transaction. A campaign has at most one batch under way, and the campaigns take turns,
 * so that a hot one does not starve the others. Several campaigns travel in one batch; one whose
 * row is held by somebody else is set aside to wait in a lane of its own.
 *
 * Nothing is answered before its COMMIT. A failed batch is sent again only when nothing can have
 * been applied or, with `again`, when the database can tell by the participations' ids what was.
 */
export class JoinBatcher {
  readonly #options: BatcherOptions;
  readonly #lines = new Map<string, Line>();
  #round: Line[] = [];
  /** In order of arrival, each with the timer that ends its patience. */
  readonly #blocked = new Map<Line, NodeJS.Timeout>();
  #lanesInUse = 0;
  #waitingLanesInUse = 0;
  #queued = 0;
  #dispatchIsPlanned = false;
  #crowdedUntil = 0;
  #drained: (() => void)[] = [];
  #closed = false;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Joins that wait for their batch or are in one. */
  get depth(): number {
    return this.#queued;
  }

  /** Whether joins come in crowds just now: whatever can wait does better to. */
  get isCrowded(): boolean {
    return performance.now() < this.#crowdedUntil;
  }

  /** Campaigns that have joins in it. */
  get lines(): number {
    return this.#lines.size;
  }

  /**
   * Joins, in order of arrival. Throws DomainError: what the database refused, `overloaded` before
   * anything was written, `campaign_busy`, `database_unavailable` or `outcome_unknown`.
   */
  join(request: JoinRequest): Promise<Joined> {
    const ahead = this.#lines.get(request.campaignId)?.waiting.length ?? 0;
    if (
      this.#closed ||
      this.#queued >= this.#options.maxQueued ||
      ahead >= this.#options.maxQueuedPerCampaign
    ) {
      return Promise.reject(new DomainError('overloaded', {}));
    }
    this.#options.onJoin?.(request);
    const line = this.#lineOf(request.campaignId);
    this.#queued++;
    return new Promise((resolve, reject) => {
      line.waiting.push({ request, resolve, reject, since: performance.now(), inDoubt: false });
      if (line.state === 'idle') this.#makeReady(line);
      this.#planDispatch();
    });
  }

  /** Takes no more joins and waits until those it has taken are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#queued === 0) return;
    await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #lineOf(campaignId: string): Line {
    let line = this.#lines.get(campaignId);
    if (line === undefined) {
      line = { campaignId, waiting: [], state: 'idle' };
      this.#lines.set(campaignId, line);
    }
    return line;
  }

  #makeReady(line: Line): void {
    line.state = 'ready';
    this.#round.push(line);
  }

  /** What arrives in the same turn of the event loop leaves together. */
  #planDispatch(): void {
    if (this.#dispatchIsPlanned || this.#round.length === 0) return;
    if (this.#lanesInUse >= this.#options.lanes) return;
    this.#dispatchIsPlanned = true;
    setImmediate(() => {
      this.#dispatchIsPlanned = false;
      this.#dispatch();
    });
  }

  /** Fills the free lanes; gives whether a batch has left. */
  #dispatch(): boolean {
    const before = this.#lanesInUse;
    while (this.#round.length > 0 && this.#lanesInUse < this.#options.lanes) {
      void this.#run(this.#gather());
    }
    return this.#lanesInUse > before;
  }

  /** The next batch: an even share of every campaign that has somebody waiting. */
  #gather(): Map<Line, Waiting[]> {
    const batch = new Map<Line, Waiting[]>();
    let room = this.#options.maxBatch;
    const round = this.#round;
    let taken = 0;
    while (taken < round.length && room > 0) {
      const line = round[taken]!;
      const share = Math.max(1, Math.ceil(room / (round.length - taken)));
      const waiting = line.waiting.splice(0, share);
      room -= waiting.length;
      batch.set(line, waiting);
      line.state = 'busy';
      taken++;
    }
    this.#round = round.slice(taken);
    return batch;
  }

  async #run(batch: Map<Line, Waiting[]>): Promise<void> {
    this.#lanesInUse++;
    const seats = [...batch.values()].flat();
    this.#options.onWait?.(performance.now() - seats[0]!.since);
    const answers = await this.#answersOf(seats, false);
    this.#lanesInUse--;

    const busy = new Map<Line, Waiting[]>();
    for (const [index, seat] of seats.entries()) {
      if (!isBusy(answers[index])) continue;
      const line = this.#lineOf(seat.request.campaignId);
      busy.set(line, [...(busy.get(line) ?? []), seat]);
    }
    for (const line of batch.keys()) {
      const held = busy.get(line);
      if (held === undefined) {
        this.#rest(line);
      } else {
        line.waiting = [...held, ...line.waiting];
        this.#block(line);
      }
    }
    this.#goOn(() => {
      for (const [index, seat] of seats.entries()) {
        if (!isBusy(answers[index])) this.#answer(seat, answers[index]);
      }
      this.#tell(seats, answers);
    });
  }

  /**
   * The next batch first, so that the database works while this process answers the last one:
   * answering a few hundred requests takes as long as joining them.
   */
  #goOn(answer: () => void): void {
    this.#runBlocked();
    if (this.#dispatch()) setImmediate(answer);
    else answer();
  }

  #block(line: Line): void {
    line.state = 'blocked';
    const giveUp = () => {
      this.#blocked.delete(line);
      const seats = line.waiting.splice(0);
      this.#rest(line);
      for (const seat of seats) this.#answerBusy(seat);
    };
    this.#blocked.set(line, setTimeout(giveUp, patienceMs));
  }

  /** Each blocked campaign waits for its row alone, in a lane of which there are few. */
  #runBlocked(): void {
    for (const [line, patience] of this.#blocked) {
      if (this.#waitingLanesInUse >= this.#options.waitingLanes) return;
      clearTimeout(patience);
      this.#blocked.delete(line);
      void this.#wait(line);
    }
  }

  async #wait(line: Line): Promise<void> {
    this.#waitingLanesInUse++;
    const seats = line.waiting.splice(0, this.#options.maxBatch);
    const answers = await this.#answersOf(seats, true);
    this.#waitingLanesInUse--;
    // Who queued behind them has waited for the same row; they are told now, not after as long
    // again.
    const alsoHeld = answers.some(isBusy) ? line.waiting.splice(0) : [];
    this.#rest(line);
    this.#goOn(() => {
      for (const [index, seat] of seats.entries()) this.#answer(seat, answers[index]);
      for (const seat of alsoHeld) this.#answerBusy(seat);
      this.#tell(seats, answers);
    });
  }

  #rest(line: Line): void {
    if (line.waiting.length > 0) {
      this.#makeReady(line);
    } else {
      line.state = 'idle';
      this.#lines.delete(line.campaignId);
    }
  }

  #answer(seat: Waiting, answer: unknown): void {
    this.#queued--;
    if (isJoined(answer)) seat.resolve(answer);
    else seat.reject(answer ?? new Error('a join of the batch has no answer'));
    if (this.#queued === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #answerBusy(seat: Waiting): void {
    this.#answer(seat, new DomainError(seat.inDoubt ? 'outcome_unknown' : 'campaign_busy', {}));
  }

  #tell(seats: readonly Waiting[], answers: readonly unknown[]): void {
    const { onJoined } = this.#options;
    if (onJoined === undefined) return;
    const joined = seats.filter((_, index) => isJoined(answers[index]));
    for (const id of new Set(joined.map(({ request }) => request.campaignId))) onJoined(id);
  }

  /** Sends a batch until it has an answer for each; never throws. */
  async #answersOf(seats: readonly Waiting[], wait: boolean): Promise<unknown[]> {
    const requests = seats.map((seat) => seat.request);
    const startedAt = performance.now();
    for (let attempt = 1; ; attempt++) {
      const again = seats.some((seat) => seat.inDoubt);
      try {
        const answers = await this.#options.send(requests, { wait, again });
        if (requests.length >= crowd.size) this.#crowdedUntil = performance.now() + crowd.lastsMs;
        this.#options.onBatch?.(requests.length);
        return answers;
      } catch (error) {
        const failure = databaseError(error);
        if (failure.kind === 'unavailable' && !failure.safe) {
          for (const seat of seats) seat.inDoubt = true;
        }
        const waited = wait && failure.kind === 'busy';
        const retry = failure.kind === 'unavailable' || isWorthRetrying(error);
        // Where connecting takes its whole time-out, three of them would be too long to wait for an
        // answer; only whoever may have been taken waits for certainty.
        const inDoubt = seats.some((seat) => seat.inDoubt);
        const inTime = inDoubt || performance.now() - startedAt < lastStartMs;
        if (retry && !waited && inTime && attempt < maxAttempts) {
          await sleep(retryWaitMs(attempt));
        } else if (isOfOneMember(failure) && seats.length > 1) {
          return await this.#oneByOne(seats, wait);
        } else {
          return seats.map((seat) =>
            seat.inDoubt ? new DomainError('outcome_unknown', {}) : asDomainError(error),
          );
        }
      }
    }
  }

  /** A batch failed for what one of its members holds: the others are not to suffer for it. */
  async #oneByOne(seats: readonly Waiting[], wait: boolean): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (const seat of seats) {
      answers.push(...(await this.#answersOf([seat], wait)));
    }
    return answers;
  }
}

/** Whether what one member holds can be the cause; a pool without connections fails them all. */
function isOfOneMember({ kind }: DatabaseFailure): boolean {
  return kind === 'constraint' || kind === 'refusal' || kind === 'unknown';
}

function isJoined(answer: unknown): answer is Joined {
  return typeof answer === 'object' && answer !== null && 'joinedAt' in answer;
}

function isBusy(answer: unknown): boolean {
  return answer instanceof DomainError && answer.code === 'campaign_busy';
}
