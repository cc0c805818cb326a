// The code of the worker thread that inspect-pdf.ts starts. It opens one PDF without a password and
// posts the result of the inspection.
import { parentPort, workerData } from 'node:worker_threads';
import { getDocumentProxy } from 'unpdf';
import type { PdfFinding } from './inspect-pdf.ts';

/** The name of the error that pdf.js throws for a PDF that cannot be opened without a password. */
const passwordError = 'PasswordException';

async function inspect(bytes: Uint8Array): Promise<PdfFinding> {
  try {
    const document = await getDocumentProxy(bytes, {
      disableFontFace: true,
      useSystemFonts: false,
      verbosity: 0,
    });
    const { numPages } = document;
    // A file can contain a wrong number of pages. Therefore read the first page, which fails if the
    // page does not exist.
    if (numPages > 0) await document.getPage(1);
    return { pages: numPages };
  } catch (error) {
    return error instanceof Error && error.name === passwordError ? 'locked' : 'unreadable';
  }
}

const finding = await inspect(workerData as Uint8Array);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort!.postMessage(finding);
parentPort!.close();
