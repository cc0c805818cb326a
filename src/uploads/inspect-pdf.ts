import { Worker } from 'node:worker_threads';
import { SerialQueue } from '../jobs/serial-queue.ts';

/**
 * The result of inspecting a PDF: the number of its pages, or that it needs a password, or that it
 * cannot be read.
 */
export type PdfFinding = { readonly pages: number } | 'locked' | 'unreadable';

/** Time-out in milliseconds. A normal receipt takes a fraction of a second. */
const timeoutMs = 10_000;
const maxHeapMegabytes = 256;

/** Inspects one PDF at a time, because each needs a thread with its own memory. */
const queue = new SerialQueue();

/** Returns true when a file begins like a PDF. */
export function isPdf(bytes: Buffer): boolean {
  return bytes.subarray(0, 5).toString('latin1') === '%PDF-';
}

/**
 * Opens a PDF without a password. A PDF that only restricts printing or copying can be opened; one
 * that needs a password to be read is `locked`. This runs on a thread with a memory limit and a
 * time-out, because a file of a few kilobytes can unpack to gigabytes. A PDF that exceeds one of
 * them is `unreadable`.
 */
export async function inspectPdf(bytes: Buffer): Promise<PdfFinding> {
  return await queue.run(async () => {
    const worker = new Worker(new URL('inspect-pdf-worker.ts', import.meta.url), {
      workerData: new Uint8Array(bytes),
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
      // What the library prints about an untrusted file must not reach the log.
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
