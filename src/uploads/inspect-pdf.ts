import { Worker } from 'node:worker_threads';
import { SerialQueue } from '../jobs/serial-queue.ts';

/** What a PDF is: how many pages it has, locked by a password, or broken. */
export type PdfFinding = { readonly pages: number } | 'locked' | 'unreadable';

/** A receipt is read in a fraction of a second; whatever takes longer is no receipt. */
const timeoutMs = 10_000;
const maxHeapMegabytes = 256;

/** One at a time: each takes a thread and its memory. */
const queue = new SerialQueue();

/** Whether a file says of itself that it is a PDF. */
export function isPdf(bytes: Buffer): boolean {
  return bytes.subarray(0, 5).toString('latin1') === '%PDF-';
}

/**
 * Opens a PDF as its reader would, without a password: one that only restricts printing or copying
 * opens, one that asks for a password is `locked`. It runs on a thread with bounds of its own,
 * since a file of a few kilobytes can unpack to gigabytes; beyond them it is `unreadable`.
 */
export async function inspectPdf(bytes: Buffer): Promise<PdfFinding> {
  return await queue.run(async () => {
    const worker = new Worker(new URL('inspect-pdf-worker.ts', import.meta.url), {
      workerData: new Uint8Array(bytes),
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
      // What a library prints about a stranger's file is not for our log.
      stdout: true,
      stderr: true,
    });
    const { promise, resolve } = Promise.withResolvers<PdfFinding>();
    const timer = setTimeout(() => resolve('unreadable'), timeoutMs);
    worker.once('message', resolve);
    worker.once('error', () => resolve('unreadable'));
    worker.once('exit', () => resolve('unreadable'));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      await worker.terminate();
    }
  });
}
