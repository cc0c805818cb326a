import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Log } from '../database/log.ts';
import type { Database } from '../database/pool.ts';
import { GuardedClient } from '../http-client/guarded-client.ts';
import type { AddressRules } from '../http-client/public-addresses.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import type { Metrics } from '../observability/metrics.ts';
import { isQuarantined } from '../quarantine/queries.ts';
import { formatCheckpoint } from './checkpoint.ts';
import { checkpointsFrom } from './queries.ts';
import { withKeys } from './stored-log.ts';
import * as sql from './witness-queries.ts';

export interface WitnessDeps {
  readonly db: Database;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'witnessFailures'>;
  readonly witnessUrls: readonly string[];
  readonly witnessFile: string | undefined;
  readonly rules: AddressRules;
}

/** A receiver of checkpoints. */
interface Witness {
  /** The name under which its cursor is stored. */
  readonly name: string;
  /** What logs and metrics call it: the host of its address, because a path may be a secret. */
  readonly label: string;
  /** Hands over checkpoints as signed notes. Throws if the witness has not acknowledged them. */
  send(notes: readonly string[]): Promise<void>;
}

/** Maximum number of checkpoints in one request. */
const batchSize = 100;
/** Milliseconds between two looks for new checkpoints, and while a witness is behind. */
const pollMs = 1_000;
/** The first and the longest wait after a failed attempt, in seconds. It doubles each time. */
const retrySeconds = [5, 600] as const;
/**
 * How long a worker may send to a witness before another one tries, in seconds. It is longer than the
 * time-out of a request.
 */
const claimSeconds = 30;
const loopRetryMs = [1_000, 30_000] as const;

/**
 * Sends every checkpoint to the witnesses: in order, and at least once. Each witness has a cursor in
 * the database, which moves when it has acknowledged. Any number of workers may run this; only one
 * at a time sends to a witness.
 */
export class WitnessSender implements Job {
  readonly #deps: WitnessDeps;
  readonly #client: GuardedClient;
  readonly #witnesses: readonly Witness[];
  readonly #loop: Loop;
  #areKnown = false;

  constructor(deps: WitnessDeps) {
    this.#deps = deps;
    this.#client = new GuardedClient(deps.rules);
    this.#witnesses = [
      ...deps.witnessUrls.map((url) => urlWitness(url, this.#client)),
      ...(deps.witnessFile === undefined ? [] : [fileWitness(deps.witnessFile)]),
    ];
    this.#loop = new Loop({
      pass: async () => {
        await this.sendNew();
        return pollMs;
      },
      onError: (error) =>
        deps.log.warn({ err: error }, 'checkpoints could not be read for the witnesses'),
      retryMs: loopRetryMs,
    });
  }

  start(): void {
    if (this.#witnesses.length > 0) this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#client.close();
  }

  /** Sends to each witness what it has not acknowledged. Throws only failures of the database. */
  async sendNew(): Promise<void> {
    const { db } = this.#deps;
    if (!this.#areKnown) {
      for (const { name } of this.#witnesses) await db.rows(sql.addWitness, name);
      this.#areKnown = true;
    }
    // A copy of the database must not write to the witnesses of the original.
    if ((await db.one(isQuarantined)).quarantined) return;
    await Promise.all(
      this.#witnesses.map(async (witness) => {
        while (!this.#loop.isStopping && (await this.#sendBatch(witness)));
      }),
    );
  }

  /** Sends the next checkpoints to one witness. Returns whether there may be more. */
  async #sendBatch(witness: Witness): Promise<boolean> {
    const { db } = this.#deps;
    const cursor = await db.maybe(sql.claimWitness, witness.name, claimSeconds);
    if (cursor === undefined) return false;
    const rows = await db.rows(checkpointsFrom, cursor.next_number, batchSize);
    const last = rows.at(-1);
    if (last === undefined) return false;
    try {
      await witness.send((await withKeys(db, rows)).map(formatCheckpoint));
    } catch (error) {
      await this.#noteFailure(witness, cursor.failures, error);
      return false;
    }
    await db.rows(sql.moveWitness, witness.name, cursor.next_number, last.number + 1n);
    return rows.length === batchSize;
  }

  async #noteFailure(witness: Witness, failures: number, error: unknown): Promise<void> {
    const { db, log, metrics } = this.#deps;
    const [first, max] = retrySeconds;
    const seconds = Math.min(max, first * 2 ** Math.min(failures, 20));
    await db.rows(sql.delayWitness, witness.name, seconds);
    metrics.witnessFailures.inc({ witness: witness.label });
    log.warn(
      { witness: witness.label, reason: error instanceof Error ? error.message : error },
      'a witness of the public log did not take checkpoints; it will be tried again',
    );
  }
}

/** The text that witnesses receive and that verifiers read: an empty line follows each checkpoint. */
const textOf = (notes: readonly string[]): string => notes.map((note) => `${note}\n`).join('');

function urlWitness(url: string, client: GuardedClient): Witness {
  return {
    name: url,
    label: new URL(url).host,
    send: async (notes) => {
      const result = await client.post(url, textOf(notes), {
        'content-type': 'text/plain; charset=utf-8',
        'user-agent': 'Sambatan-Log/1',
      });
      if (result.kind !== 'answered') throw new Error(result.reason);
      if (result.status < 200 || result.status > 299) throw new Error(`status ${result.status}`);
    },
  };
}

/** Each machine writes a file of its own, so each has a cursor of its own. */
function fileWitness(path: string): Witness {
  return {
    name: `file://${hostname()}${path}`,
    label: path,
    send: async (notes) => {
      const file = await open(path, 'a', 0o644);
      try {
        await file.appendFile(textOf(notes));
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}
