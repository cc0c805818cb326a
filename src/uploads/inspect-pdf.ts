import { Worker } from 'node:worker_threads';
import { SerialQueue } from '../jobs/serial-queue.ts';

/**
 * The result of inspecting a PDF: the number of pages; `locked` if the PDF needs a password;
 * `unreadable` if it cannot be read.
 */
export type PdfFinding = { readonly pages: number } | 'locked' | 'unreadable';

/**
 * Time-out of an inspection in milliseconds. Inspecting a normal receipt takes a fraction of a
 * second.
 */
const timeoutMs = 10_000;
const maxHeapMegabytes = 256;

/** Runs one inspection at a time, because each inspection needs a thread with separate memory. */
const queue = new SerialQueue();

/** Returns true when a file begins like a PDF. */
export function isPdf(bytes: Buffer): boolean {
  return bytes.subarray(0, 5).toString('latin1') === '%PDF-';
}

/**
 * Opens a PDF without a password. A PDF that only restricts printing or copying can be opened. A
 * PDF that needs a password for reading is `locked`. The inspection runs on a thread with a memory
 * limit and a time-out, because a file of a few kilobytes can expand to gigabytes. A PDF that
 * exceeds the memory limit or the time-out is `unreadable`.
 */
export async function inspectPdf(bytes: Buffer): Promise<PdfFinding> {
  return await queue.run(async () => {
    const worker = new Worker(new URL('inspect-pdf-worker.ts', import.meta.url), {
      workerData: new Uint8Array(bytes),
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
      // The library prints messages about the file. The file is untrusted, so these messages must
      // not get into the log.
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
