import type { AuditRow } from '../audit/queries.ts';
import { isWithoutConnection } from '../database/errors.ts';
import type { Log } from '../database/log.ts';
import type { Database } from '../database/pool.ts';
import type { Tx } from '../database/transaction.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { originOf } from './checkpoint.ts';
import { lockWriter } from './key-queries.ts';
import type { KeySource } from './key-source.ts';
import { enrolSigner } from './keys.ts';
import { signNote } from './note.ts';
import * as sql from './sum-queries.ts';
import { SumTree, type SumNode } from './sum-tree.ts';
import { leavesOf } from './sum-trees.ts';

export interface SumPublisherOptions {
  readonly db: Database;
  readonly log: Log;
  readonly keySource: KeySource;
  /** The name of the log if it has no key yet. */
  readonly logName: string;
}

/** Events that change no money. Their batches are by far the most. */
const withoutMoney = new Set(['participant_joined', 'campaign_full', 'waiting_joined']);
/** Interval in milliseconds at which sums are published. */
const publishEveryMs = 1_000;
/** Number of campaigns whose sums one pass publishes. */
const maxPerPass = 100;

/**
 * Marks the campaign of these events for the sum publisher, if its money may have changed. Runs in
 * the transaction that handles the events, so no change is missed.
 */
export async function markChangedSums(
  tx: Tx,
  campaignId: string,
  events: readonly AuditRow[],
): Promise<void> {
  const last = events.findLast(({ event }) => !withoutMoney.has(event));
  if (last !== undefined) await tx.rows(sql.markSumsDue, campaignId, last.seq);
}

/**
 * Publishes the sum checkpoints of campaigns whose payout was released. Several processes may run
 * it: a campaign is locked while its sums are computed. If the process ends, another one continues.
 */
export class SumPublisher implements Job {
  readonly #options: SumPublisherOptions;
  readonly #loop: Loop;

  constructor(options: SumPublisherOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: async () => ((await this.publishDue()) < maxPerPass ? publishEveryMs : 0),
      onError: (error) =>
        options.log.warn({ err: error }, 'publishing sum checkpoints failed; it is retried'),
      retryMs: [publishEveryMs, 30_000],
    });
  }

  start(): void {
    this.#loop.markRunning();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /**
   * Publishes the sums of campaigns that are marked; returns the number of campaigns that it tried.
   * A campaign that fails does not stop the others; its error is thrown at the end.
   */
  async publishDue(): Promise<number> {
    const { db, log } = this.#options;
    const due = await db.rows(sql.listSumsDue, maxPerPass);
    const failures: unknown[] = [];
    for (const { campaign_id: campaignId } of due) {
      if (this.#loop.isStopping) break;
      try {
        await db.transaction((tx) => publishSums(tx, campaignId, this.#options));
      } catch (error) {
        if (isWithoutConnection(error)) throw error;
        log.error({ err: error, campaign_id: campaignId }, 'a sum checkpoint failed');
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return due.length;
  }
}

/** Publishes the sums of a campaign if they changed since its newest sum checkpoint. */
async function publishSums(
  tx: Tx,
  campaignId: string,
  { keySource, logName }: Pick<SumPublisherOptions, 'keySource' | 'logName'>,
): Promise<void> {
  if ((await tx.maybe(sql.lockSumsDue, campaignId)) === undefined) return;
  const sums = await tx.one(sql.readSums, campaignId);
  const newest = await tx.maybe(sql.newestSums, campaignId);
  const { root } = await SumTree.build(leavesOf(sums));
  // The last event of closing marks the campaign again.
  if (!sums.is_closing && !isPublished(newest, root, sums)) {
    const version = (newest?.version ?? 0) + 1;
    // The lock of the writer ends with this transaction, so the key is used for one signature only.
    await tx.one(lockWriter);
    const signer = await enrolSigner(tx, await keySource.read(), logName);
    const origin = `${originOf(signer.name, campaignId)}/sums`;
    const checkpoint = await signNote(checkpointText(origin, version, root, sums), signer);
    await insertSums(tx, campaignId, { version, root, checkpoint, sums });
  }
  await tx.rows(sql.removeSumsDue, campaignId);
}

function isPublished(
  newest: sql.PublishedSums | undefined,
  root: SumNode,
  sums: sql.Sums,
): boolean {
  return (
    newest !== undefined &&
    newest.root_hash.equals(root.hash) &&
    sumLines(newest).every((line, n) => line === sumLines(sums)[n])
  );
}

/** The lines of a sum checkpoint that show its amounts. */
function sumLines(sums: sql.Sums): string[] {
  const names = ['paid', 'receivable', 'payout', 'fee', 'refunds', 'kept'] as const;
  return names.map((name) => `${name} ${sums[name]}`);
}

/** Returns the text of a sum checkpoint without its signature; each line ends with a line feed. */
function checkpointText(origin: string, version: number, root: SumNode, sums: sql.Sums): string {
  if (root.sum !== sums.paid) throw new Error('the leaves of the sum tree do not add up');
  const lines = [origin, version, root.hash.toString('base64'), ...sumLines(sums)];
  return lines.map((line) => `${line}\n`).join('');
}

async function insertSums(
  tx: Tx,
  campaignId: string,
  next: {
    readonly version: number;
    readonly root: SumNode;
    readonly checkpoint: string;
    readonly sums: sql.SumSnapshot;
  },
): Promise<void> {
  const { version, root, checkpoint, sums } = next;
  const { paid, receivable, payout, fee, refunds, kept } = sums;
  await tx.rows(
    sql.insertSums,
    campaignId,
    version,
    sums.seq,
    root.hash,
    paid,
    receivable,
    payout,
    fee,
    refunds,
    kept,
    checkpoint,
  );
  const changed = <T>(values: readonly T[]): T[] => values.filter((_, n) => sums.changes[n]);
  await tx.rows(
    sql.insertSumLeaves,
    campaignId,
    version,
    changed(sums.orders),
    changed(sums.hashes),
    changed(sums.amounts),
  );
}
