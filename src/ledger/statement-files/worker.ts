import { parentPort, workerData } from 'node:worker_threads';
import { readHere } from './read.ts';
import { StatementRefused, type Place } from './values/refused.ts';
import type { ParsedStatement, ReadOptions, StatementReason } from './values/types.ts';

/**
 * The code of the worker thread that parses one large bank statement. parse.ts starts this thread.
 */

export interface WorkerInput {
  readonly bytes: Uint8Array;
  readonly options: ReadOptions;
}

export type WorkerAnswer =
  | { readonly parsed: ParsedStatement }
  | { readonly refused: Place & { readonly reason: StatementReason } };

async function answer({ bytes, options }: WorkerInput): Promise<WorkerAnswer> {
  try {
    return { parsed: await readHere(Buffer.from(bytes), options) };
  } catch (error) {
    if (error instanceof StatementRefused) return { refused: { ...error.params } };
    throw error;
  }
}

if (parentPort) parentPort.postMessage(await answer(workerData as WorkerInput), []);
