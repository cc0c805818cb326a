import { Worker } from 'node:worker_threads';
import type { Cell } from './csv.ts';
import { DomainError } from '../errors/errors.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';

/** Maximum number of rows, because the spreadsheet is built in memory. */
export const maxSheetRows = 20_000;
const maxBatchRows = 500;
/**
 * Memory limit of the thread. A file with the maximum number of rows needs about 300 MB and four
 * seconds.
 */
const maxHeapMegabytes = 1_024;

export const spreadsheetType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

/** The name of the sheet and its header row. */
export interface SheetHead {
  readonly name: string;
  readonly columns: readonly { readonly head: string; readonly width: number }[];
}

/** Builds one spreadsheet at a time, because each needs a CPU and a few hundred megabytes. */
const queue = new SerialQueue();

/**
 * Returns rows as an Excel file. Text stays text, amounts are numbers, and times are dates in
 * Western Indonesian time. The file is built on another thread, because compressing twenty thousand
 * rows would block the event loop for seconds. Refuses: export_too_large.
 */
export async function spreadsheetOf(
  head: SheetHead,
  rows: AsyncIterable<readonly Cell[]>,
): Promise<Buffer> {
  return await queue.run(async () => {
    const worker = new Worker(new URL('spreadsheet-worker.ts', import.meta.url), {
      workerData: head,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
    });
    const made = new Promise<Uint8Array>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the spreadsheet thread ended with ${code}`)));
    });
    // `made` is awaited only later. This handler prevents an unhandled rejection before that.
    made.catch(() => undefined);
    try {
      let count = 0;
      for await (const batch of batches(rows)) {
        count += batch.length;
        if (count > maxSheetRows) {
          throw new DomainError('export_too_large', { maximum_rows: maxSheetRows });
        }
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage(batch);
      }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(null);
      return Buffer.from(await made);
    } finally {
      await worker.terminate();
    }
  });
}

async function* batches(rows: AsyncIterable<readonly Cell[]>): AsyncGenerator<(readonly Cell[])[]> {
  let batch: (readonly Cell[])[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length === maxBatchRows) {
      yield batch;
      batch = [];
    }
  }
  yield batch;
}
