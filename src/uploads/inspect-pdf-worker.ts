// The thread of inspect-pdf.ts: opens one PDF without a password, and answers with what it found.
import { parentPort, workerData } from 'node:worker_threads';
import { getDocumentProxy } from 'unpdf';
import type { PdfFinding } from './inspect-pdf.ts';

/** pdf.js throws this for a PDF that opens only with a password. */
const passwordError = 'PasswordException';

async function inspect(bytes: Uint8Array): Promise<PdfFinding> {
  try {
    const document = await getDocumentProxy(bytes, {
      disableFontFace: true,
      useSystemFonts: false,
      verbosity: 0,
    });
    const { numPages } = document;
    // The number of pages is a claim of the file; a page that is not there cannot be read.
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
