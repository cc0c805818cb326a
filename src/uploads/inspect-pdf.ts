import { Worker } from 'node:worker_threads';
import { SerialQueue } from '../jobs/serial-queue.ts';

/** The result of inspecting a PDF: its number of pages, locked by a password, or broken. */
export type PdfFinding = { readonly pages: number } | 'locked' | 'unreadable';

/** Time-out: a receipt takes a fraction of a second. */
const timeoutMs = 10_000;
const maxHeapMegabytes = 256;

/** One at a time: each takes a thread and its memory. */
const queue = new SerialQueue();

/** Returns true when a file has the signature of a PDF. */
export function isPdf(bytes: Buffer): boolean {
  return bytes.subarray(0, 5).toString('latin1') === '%PDF-';
}

/**
 * Opens a PDF without a password: one that only restricts printing or copying opens, one that asks
 * for a password is `locked`. Runs on a thread with its own memory limit and time-out, because a
 * file of a few kilobytes can unpack to gigabytes; beyond them it is `unreadable`.
 */
export async function inspectPdf(bytes: Buffer): Promise<PdfFinding> {
  return await queue.run(async () => {
    const worker = new Worker(new URL('inspect-pdf-worker.ts', import.meta.url), {
      workerData: new Uint8Array(bytes),
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
      // Output of the library about an untrusted file must not reach the log.
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
