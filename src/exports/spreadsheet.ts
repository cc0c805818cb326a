import { Worker } from 'node:worker_threads';
import type { Cell } from './csv.ts';
import { DomainError } from '../errors/errors.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';

/** The most rows of a spreadsheet: it is made in memory. */
export const maxSheetRows = 20_000;
const maxBatchRows = 500;
/** A file of the most rows takes some four seconds and 300 MB. */
const maxHeapMegabytes = 1_024;

export const spreadsheetType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

/** What a spreadsheet has beside its rows. */
export interface SheetHead {
  readonly name: string;
  readonly columns: readonly { readonly head: string; readonly width: number }[];
}

/** One at a time: each takes a processor and a few hundred megabytes while it is made. */
const turns = new SerialQueue();

/**
 * Rows as an Excel file: text is text, whatever it looks like, sums are numbers and moments are
 * dates, in Western Indonesian time. It is made on a thread of its own, because packing twenty
 * thousand rows would hold the event loop for seconds. Refuses: export_too_large.
 */
export async function spreadsheetOf(
  head: SheetHead,
  rows: AsyncIterable<readonly Cell[]>,
): Promise<Buffer> {
  return await turns.run(async () => {
    const worker = new Worker(new URL('spreadsheet-worker.ts', import.meta.url), {
      workerData: head,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
    });
    const made = new Promise<Uint8Array>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the spreadsheet thread ended with ${code}`)));
    });
    // A failure is seen where `made` is awaited, also when it comes before that.
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
