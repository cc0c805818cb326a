import type { Log } from '../../database/log.ts';
import type { Database } from '../../database/pool.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError } from '../../errors/errors.ts';
import { newId } from '../../identity/ids.ts';
import { Loop, type Job } from '../../jobs/loop.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { runInTransaction } from '../../operation/run.ts';
import type { ParsedStatement } from '../statement-files/parse.ts';
import * as sql from './import-queries.ts';
import { type Identified, identifyLines } from './line-identity.ts';
import { dayInJakarta, readByMapping, storedMappingOf } from './mapping.ts';
import * as lines from './queries.ts';
import { noteThrough } from './covered-days.ts';

/** How often workers look for unfinished imports. */
const everyMs = 5_000;
/** Maximum number of lines that one transaction stores. */
const maxStored = 1_000;
/**
 * Maximum number of lines that one transaction matches. It is low because matching locks rows of
 * campaigns.
 */
const maxMatched = 50;
/** Maximum number of open lines that one SQL statement compares with payments. */
const maxCompared = 1_000;
/** Maximum number of skipped rows that are stored. */
export const maxSkippedKept = 5_000;

interface ImporterDeps {
  readonly db: Database;
  readonly log: Log;
}

/** Thrown if this worker does not have the lease any more, or the import is finished. */
class LeaseLost extends Error {}

/**
 * Imports statements that were started: stores their lines and matches them with payments in short
 * transactions. Each transaction stores the progress. If a worker is killed, another one continues
 * after 30 seconds. Every line is stored and counted exactly once.
 */
export class StatementImporter implements Job {
  readonly #deps: ImporterDeps;
  readonly #driven = new Set<Promise<unknown>>();
  readonly #loop: Loop;
  #isStopping = false;

  constructor(deps: ImporterDeps) {
    this.#deps = deps;
    this.#loop = new Loop({
      pass: async () => {
        await this.run();
        return everyMs;
      },
      onError: (error) =>
        deps.log.warn({ err: error }, 'statements could not be imported; retrying'),
      retryMs: [everyMs, everyMs],
    });
  }

  /** Looks for unfinished imports at once and then every few seconds. Never throws. */
  start(): void {
    this.#isStopping = false;
    this.#loop.start();
  }

  /** Stops after the current transaction. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([this.#loop.stop(), ...this.#driven]);
  }

  /** Processes all unfinished imports once. Returns the number of finished imports. */
  async run(): Promise<number> {
    let finished = 0;
    for (;;) {
      if (this.#isStopping) return finished;
      const result = await this.#takeOne(null);
      if (result === 'none') break;
      if (result === 'failed') return finished;
      finished++;
    }
    await this.#deps.db.rows(sql.forgetUploads);
    return finished;
  }

  /**
   * Runs one import in this process. Resolves when the import is finished, or after `maxWaitMs`;
   * then the import continues in the background. `read` is the parsed file, if the caller has
   * parsed it already. Never throws.
   */
  async drive(importId: string, maxWaitMs: number, read?: ParsedStatement): Promise<void> {
    const work = this.#takeOne(importId, read);
    this.#driven.add(work);
    void work.finally(() => this.#driven.delete(work));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, maxWaitMs);
    });
    await Promise.race([work, patience]);
    clearTimeout(timer);
  }

  /** Takes one import and processes it. Never throws. */
  async #takeOne(
    importId: string | null,
    read?: ParsedStatement,
  ): Promise<'done' | 'none' | 'failed'> {
    const { db, log } = this.#deps;
    const token = newId();
    try {
      const taken = await runInTransaction(db, (tx) => tx.maybe(sql.takeImport, token, importId));
      if (taken === undefined) return 'none';
      try {
        await this.#import(taken, token, read);
        return 'done';
      } catch (error) {
        await db.rows(sql.releaseImport, taken.import_id, token).catch(() => undefined);
        throw error;
      }
    } catch (error) {
      if (!(error instanceof LeaseLost)) {
        log.warn(
          { err: error, import_id: importId },
          'a statement import stopped; a worker will continue it',
        );
      }
      return 'failed';
    }
  }

  async #import(
    taken: sql.TakenImportRow,
    token: string,
    read: ParsedStatement | undefined,
  ): Promise<void> {
    const { db, log } = this.#deps;
    const parsed = read ?? (await this.#read(taken));
    if (parsed === undefined) return;
    if (taken.state === 'storing') await this.#store(taken, token, parsed);
    await this.#match(taken, token);
    const done = await runInTransaction(db, async (tx) => {
      await lockImport(tx, taken.import_id, token);
      const row = await tx.one(sql.finishImport, taken.import_id);
      await noteThrough(tx, row, parsed);
      return row;
    });
    const { added_lines: added, matched_lines: matched } = done;
    log.info({ import_id: taken.import_id, added, matched }, 'a statement was imported');
  }

  /**
   * Parses the file again. If the current version of the service cannot read the file any more, the
   * import is refused permanently.
   */
  async #read(taken: sql.TakenImportRow): Promise<ParsedStatement | undefined> {
    const mapping = storedMappingOf(taken.mapping);
    try {
      return await readByMapping(taken.content, mapping, dayInJakarta(taken.created_at));
    } catch (error) {
      if (!(error instanceof DomainError) || taken.stored_lines > 0) throw error;
      const { code, params } = error;
      await runInTransaction(this.#deps.db, (tx) =>
        tx.rows(sql.refuseImport, taken.import_id, JSON.stringify({ code, params })),
      );
      return undefined;
    }
  }

  async #store(
    taken: sql.TakenImportRow,
    token: string,
    { lines: read }: ParsedStatement,
  ): Promise<void> {
    const { db } = this.#deps;
    const { import_id: importId, account_id: accountId } = taken;
    const found = await identifyLines(db, taken, read);
    for (let from = taken.stored_lines; ; from += maxStored) {
      const to = Math.min(from + maxStored, found.length);
      const fresh = found
        .slice(from, to)
        .flatMap((one, index) => (one.isKnown ? [] : [{ ...one, position: from + index }]));
      await this.#batch(importId, token, async (tx, job) => {
        if (job.state !== 'storing' || job.stored_lines !== from) throw new LeaseLost();
        if (fresh.length > 0) {
          await tx.rows(
            sql.insertLines,
            accountId,
            importId,
            taken.started_by!,
            ...columnsOf(fresh),
          );
        }
        const doubtful = fresh.filter(({ duplicateOf }) => duplicateOf !== null).length;
        const state = to === found.length ? 'matching' : 'storing';
        await tx.rows(sql.noteStored, importId, to, fresh.length, doubtful, state);
      });
      if (to === found.length) return;
    }
  }

  /**
   * Matches every open line of the account that now fits a payment, including lines of earlier
   * imports. If a batch needs a campaign that another transaction has locked, the batch is retried
   * after the other batches.
   */
  async #match(taken: sql.TakenImportRow, token: string): Promise<void> {
    const { import_id: importId, account_id: accountId } = taken;
    const by = taken.started_by!;
    let waiting = await linesToMatch(this.#deps.db, accountId);
    await this.#batch(importId, token, (tx) =>
      tx.rows(sql.noteMatched, importId, 0, waiting.length + taken.matched_lines),
    );
    for (let round = 0; waiting.length > 0; round++) {
      const busy: string[] = [];
      for (let from = 0; from < waiting.length; from += maxMatched) {
        const ids = waiting.slice(from, from + maxMatched);
        try {
          await this.#batch(importId, token, async (tx) => {
            await assertNotQuarantined(tx);
            const rows = await tx.rows(lines.matchLines, ids, by);
            await tx.rows(sql.noteMatched, importId, rows.length, 0);
          });
        } catch (error) {
          const isBusy = error instanceof DomainError && error.code === 'campaign_busy';
          if (!isBusy || round >= 5) throw error;
          busy.push(...ids);
        }
      }
      waiting = busy;
    }
  }

  /**
   * Runs one transaction for an import. Throws LeaseLost if this worker no longer holds the lease.
   */
  async #batch<T>(
    importId: string,
    token: string,
    work: (tx: Tx, job: LockedImport) => Promise<T>,
  ): Promise<T> {
    if (this.#isStopping) throw new LeaseLost();
    return await runInTransaction(this.#deps.db, async (tx) =>
      work(tx, await lockImport(tx, importId, token)),
    );
  }
}

type LockedImport = Pick<sql.ImportRow, 'state' | 'stored_lines' | 'matched_lines'>;

async function lockImport(tx: Tx, importId: string, token: string): Promise<LockedImport> {
  const job = await tx.maybe(sql.lockImport, importId, token);
  if (job === undefined) throw new LeaseLost();
  return job;
}

function columnsOf(fresh: readonly (Identified & { readonly position: number })[]) {
  const each = <T>(what: (one: Identified['line']) => T) => fresh.map(({ line }) => what(line));
  return [
    fresh.map(() => newId()).toSorted(),
    fresh.map(({ position }) => position),
    fresh.map(({ fingerprint }) => fingerprint),
    each(({ day }) => day),
    each(({ time }) => time ?? null),
    each(({ amount }) => amount),
    each(({ description }) => description),
    each(({ reference }) => reference ?? null),
    each(({ balanceSen }) => balanceSen ?? null),
    fresh.map(({ duplicateOf }) => duplicateOf),
  ] as const;
}

/**
 * Returns the ids of open lines whose status matching may change, oldest first. The order matters
 * because the first of two transfers of the same sum pays the payment. Lines for which several
 * payments fitted before come last.
 */
async function linesToMatch(db: Database, accountId: string): Promise<readonly string[]> {
  const found: lines.OpenLineRow[] = [];
  let before: lines.OpenLineRow | undefined;
  for (;;) {
    const [day, id] = [before?.booked_on ?? null, before?.line_id ?? null];
    const rows = await db.rows(lines.openLinesOf, accountId, day, id, maxCompared);
    found.push(...rows.filter(({ fits, status }) => fits || status === 'ambiguous'));
    before = rows.at(-1);
    if (rows.length < maxCompared) break;
  }
  const inOrder = found.toReversed();
  const withStatus = (status: lines.StatementLineStatus) =>
    inOrder.filter((line) => line.status === status).map(({ line_id }) => line_id);
  return [...withStatus('unmatched'), ...withStatus('ambiguous')];
}
