import type { ChangeNotifier } from '../audit/change-notifier.ts';
import { isWithoutConnection } from '../database/errors.ts';
import type { Log } from '../database/log.ts';
import type { Database } from '../database/pool.ts';
import type { Tx } from '../database/transaction.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';
import type { Metrics } from '../observability/metrics.ts';
import { noteRestoreByHand } from '../quarantine/queries.ts';
import { buildTrees, type Step } from './build-trees.ts';
import type { KeySource } from './key-source.ts';
import { enrolSigner, LogKeyError, type LogSigner } from './keys.ts';
import * as sql from './writer-queries.ts';

export interface LogWriterOptions {
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'checkpoints' | 'checkpointDelay' | 'logWriterRunning'>;
  readonly keySource: KeySource;
  /** The name of the log if it has no key yet. */
  readonly logName: string;
}

/** Maximum numbers of campaigns and of records in one transaction. */
const maxCampaigns = 500;
const maxRecords = 20_000;
/** Maximum number of changed campaigns that are remembered. The sweep finds the others. */
const maxPending = 20_000;
/** Milliseconds from a notification to the next pass, because notifications arrive in bursts. */
const wakeDelayMs = 50;
/** Minimum milliseconds between the starts of two passes, so that many joins share a checkpoint. */
const minIntervalMs = 600;
/** Milliseconds before the next attempt while another worker builds. */
const lockedWaitMs = 250;
/** The number of campaigns that one query of a sweep checks. */
const sweepBatchSize = 5_000;
/**
 * Minimum milliseconds between two sweeps, which find the campaigns whose notification was lost. A
 * sweep over many campaigns takes long, so the next one waits at least 20 times its duration.
 */
const sweepIntervalMs = { withListen: 10_000, withoutListen: 500 };
const sweepShare = 20;
/** Maximum milliseconds between two records of the writer's state in the database. */
const heartbeatMs = 5_000;
/** How long a campaign whose log contradicts its tree is left out, in milliseconds. */
const brokenWaitMs = 60_000;
const retryMs = [1_000, 30_000] as const;

interface BrokenCampaign {
  readonly reason: string;
  readonly since: Date;
  /** When it is tried again; by performance.now(). */
  readonly retryAt: number;
}

/**
 * Builds the trees of the public log and signs their checkpoints. Every worker has a writer. A pass
 * locks the writer's row until its commit, so only one process builds at a time; if it dies, the
 * next pass of another process continues. Between passes no lock and no state is needed, so this
 * also works through a transaction pooler.
 */
export class LogWriter implements Job {
  readonly #options: LogWriterOptions;
  readonly #loop: Loop;
  /** Mutex of drain() and the background loop. */
  readonly #mutex = new SerialQueue();
  #pending = new Set<string>();
  readonly #broken = new Map<string, BrokenCampaign>();
  #signer: { readonly signer: LogSigner; readonly newest: number | null } | undefined;
  #lastPassAt = -Infinity;
  #sweepDueAt = 0;
  #heartbeatDueAt = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#mutex.run(() => this.#pass()),
      onError: (error) => this.#onFailure(error),
      retryMs,
    });
  }

  /** The reason why the writer is not working, or null. */
  get failure(): string | null {
    return this.#loop.failure;
  }

  start(): void {
    if (this.#loop.isStarted) return;
    this.#sweepDueAt = 0;
    this.#unsubscribe = this.#options.changeNotifier.onChange((id) => this.#onChanged(id));
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#loop.stop();
    this.#options.metrics.logWriterRunning.set(0);
  }

  /** Builds everything that exists now; for tests and commands. Throws the first failure. */
  async drain(): Promise<void> {
    await this.#mutex.run(async () => {
      // The first pass notices a restore of the database, after which the sweep finds every campaign.
      await this.#buildPending();
      await this.#sweep();
      while (this.#pending.size > 0) await this.#buildPending();
    });
  }

  #onChanged(campaignId: string | null): void {
    if (campaignId === null || this.#pending.size >= maxPending) this.#sweepDueAt = 0;
    else this.#pending.add(campaignId);
    this.#loop.wake(this.#waitMs());
  }

  /** Milliseconds until the next pass may start. */
  #waitMs(): number {
    return Math.max(wakeDelayMs, this.#lastPassAt + minIntervalMs - performance.now());
  }

  async #pass(): Promise<number> {
    const now = performance.now();
    if (now >= this.#sweepDueAt) await this.#sweep();
    if (this.#pending.size === 0 && now < this.#heartbeatDueAt) return this.#idleMs();
    this.#lastPassAt = performance.now();
    const result = await this.#buildPending();
    this.#options.metrics.logWriterRunning.set(1);
    if (result === 'locked') return this.#pending.size > 0 ? lockedWaitMs : this.#idleMs();
    if (result === 'unfinished') return 0;
    return this.#pending.size > 0 ? this.#waitMs() : this.#idleMs();
  }

  #idleMs(): number {
    const next = Math.min(this.#sweepDueAt, this.#heartbeatDueAt);
    return Math.max(wakeDelayMs, next - performance.now());
  }

  #onFailure(error: unknown): void {
    const { log, metrics } = this.#options;
    metrics.logWriterRunning.set(0);
    const level = error instanceof LogKeyError ? 'error' : 'warn';
    log[level]({ err: error }, 'THE PUBLIC LOG GETS NO CHECKPOINTS; it will retry');
    this.#sweepDueAt = 0;
  }

  /** Searches all campaigns for events without a checkpoint, a limited number per query. */
  async #sweep(): Promise<void> {
    const { db } = this.#options;
    const begin = performance.now();
    for (let after: string | null = null; !this.#loop.isStopping;) {
      const step: { last: string | null; checked: number; behind: string[] } = await db.one(
        sql.uncoveredCampaigns,
        after,
        sweepBatchSize,
      );
      for (const id of step.behind) this.#pending.add(id);
      if (step.checked < sweepBatchSize || this.#pending.size >= maxPending) break;
      after = step.last;
    }
    const took = performance.now() - begin;
    const interval = db.canListen ? sweepIntervalMs.withListen : sweepIntervalMs.withoutListen;
    // If there are too many campaigns to remember, the next sweep finds the others.
    this.#sweepDueAt =
      this.#pending.size >= maxPending ? 0 : begin + Math.max(interval, sweepShare * took);
  }

  /** Builds the trees of the first pending campaigns. */
  async #buildPending(): Promise<'locked' | 'unfinished' | 'done'> {
    const now = performance.now();
    const ids: string[] = [];
    for (const id of this.#pending) {
      if (ids.length === maxCampaigns) break;
      this.#pending.delete(id);
      if ((this.#broken.get(id)?.retryAt ?? 0) <= now) ids.push(id);
    }
    const isFull = ids.length === maxCampaigns;
    try {
      const result = await this.#build(ids);
      if (result === 'locked') for (const id of ids) this.#pending.add(id);
      return result === 'done' && isFull ? 'unfinished' : result;
    } catch (error) {
      for (const id of ids) this.#pending.add(id);
      throw error;
    }
  }

  /**
   * Builds trees in one transaction. If it fails, halves the campaigns until only those fail that
   * cause the failure. Throws when the database is unavailable, or the key is wrong.
   */
  async #build(ids: readonly string[]): Promise<'locked' | 'unfinished' | 'done'> {
    try {
      return await this.#buildTogether(ids);
    } catch (error) {
      // The transaction may have added the key to the key list.
      this.#signer = undefined;
      if (isWithoutConnection(error) || error instanceof LogKeyError) throw error;
      const [only, second] = ids;
      if (only === undefined) throw error;
      if (second === undefined) {
        this.#setBroken(only, error instanceof Error ? error.message : String(error));
        return 'done';
      }
      const middle = Math.ceil(ids.length / 2);
      const results = [
        await this.#build(ids.slice(0, middle)),
        await this.#build(ids.slice(middle)),
      ];
      return (['locked', 'unfinished'] as const).find((one) => results.includes(one)) ?? 'done';
    }
  }

  async #buildTogether(ids: readonly string[]): Promise<'locked' | 'unfinished' | 'done'> {
    const { db, metrics } = this.#options;
    const step = await db.transaction(async (tx) => {
      const writer = await tx.maybe(sql.tryLockWriter);
      if (writer === undefined) return 'locked';
      const isRestored = !writer.is_installed && (await tx.one(noteRestoreByHand)).noted;
      if (isRestored) this.#sweepDueAt = 0;
      const signer = await this.#signerFor(tx, writer);
      const restores = ids.length === 0 ? [] : await tx.rows(sql.listRestores);
      const { next_number: nextNumber, now } = writer;
      const built = await buildTrees(tx, ids, { signer, restores, nextNumber, now, maxRecords });
      for (const id of ids) if (!built.broken.has(id)) this.#broken.delete(id);
      for (const [id, reason] of built.broken) this.#setBroken(id, reason);
      const since = this.#oldestPending(built);
      await tx.rows(sql.endPass, nextNumber + BigInt(built.checkpoints), since, this.#broken.size);
      return built;
    });
    if (step === 'locked') return 'locked';
    this.#heartbeatDueAt = performance.now() + heartbeatMs;
    metrics.checkpoints.inc(step.checkpoints);
    for (const age of step.ages) metrics.checkpointDelay.observe(Math.max(0, age));
    for (const id of step.unfinished) this.#pending.add(id);
    return step.unfinished.length > 0 ? 'unfinished' : 'done';
  }

  /** The time since which an event has had no checkpoint, as far as this process knows. */
  #oldestPending({ unfinishedSince }: Step): Date | null {
    const times = [...this.#broken.values()].map(({ since }) => since);
    if (unfinishedSince !== null) times.push(unfinishedSince);
    return times.length === 0 ? null : new Date(Math.min(...times.map((time) => time.getTime())));
  }

  #setBroken(id: string, reason: string): void {
    const before = this.#broken.get(id);
    if (before?.reason !== reason) {
      this.#options.log.error(
        { campaign: id, reason },
        'the audit log of a campaign contradicts its public log; it gets no checkpoint',
      );
    }
    const retryAt = performance.now() + brokenWaitMs;
    this.#broken.set(id, { reason, since: before?.since ?? new Date(), retryAt });
  }

  /**
   * Returns the signer. Reads the private key again when the key list has changed, and while a key
   * is announced that this process does not have yet.
   */
  async #signerFor(tx: Tx, writer: sql.WriterRow): Promise<LogSigner> {
    const known = this.#signer;
    if (known?.newest === writer.newest_key && known?.signer.number === known?.newest) {
      return known.signer;
    }
    const { keySource, logName } = this.#options;
    const signer = await enrolSigner(tx, await keySource.read(), logName);
    this.#signer = { signer, newest: writer.newest_key ?? signer.number };
    return signer;
  }
}
