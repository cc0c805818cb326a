import type { IncomingMessage } from 'node:http';
import type { FormFields } from './waiting-page.ts';

/** Maximum length of a form whose input the waiting room keeps, in bytes. */
const maxBytes = 16_384;
const maxFields = 200;
/** Maximum length of all forms that are read at the same time, in bytes. */
const maxAllBytes = 4_194_304;
/** Time for the rest of a form to arrive. */
const maxMs = 2_000;

let allBytes = 0;

/**
 * Reads the input of a form that was rejected, so that the answer can contain it. The input is not
 * interpreted. Returns undefined at once if the input cannot be kept: it is too long, has a file,
 * or does not surely come from a page of this site. The last condition matters because the answer
 * sends the form again, and then it does come from this site (CSRF).
 */
export function readRejectedForm(
  request: IncomingMessage,
): Promise<FormFields | undefined> | undefined {
  const { headers } = request;
  const length = Number(headers['content-length'] ?? Number.NaN);
  const canKeep =
    request.method === 'POST' &&
    headers['sec-fetch-site'] === 'same-origin' &&
    headers['sec-fetch-dest'] === 'document' &&
    headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true &&
    length <= maxBytes &&
    allBytes + length <= maxAllBytes;
  return canKeep ? read(request, length) : undefined;
}

async function read(request: IncomingMessage, length: number): Promise<FormFields | undefined> {
  allBytes += length;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const chunks: Buffer[] = [];
  const timer = setTimeout(() => resolve(undefined), maxMs);
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => resolve(Buffer.concat(chunks).toString()));
  request.once('close', () => resolve(undefined));
  try {
    const text = await promise;
    if (text === undefined) return undefined;
    const fields = [...new URLSearchParams(text)];
    return fields.length <= maxFields ? fields : undefined;
  } finally {
    clearTimeout(timer);
    allBytes -= length;
  }
}
