import { Worker } from 'node:worker_threads';
import { readHere } from './read.ts';
import { StatementRefused } from './values/refused.ts';
import type { ParsedStatement, ReadOptions } from './values/types.ts';
import type { WorkerAnswer, WorkerInput } from './worker.ts';

export * from './values/types.ts';
export { guessMapping } from './tables/guess.ts';
export {
  builtInMappings,
  mappingsOf,
  statementFormats,
  type StatementFormat,
} from './tables/mappings.ts';
export { maxStatementRows, previewTable } from './read.ts';
export { StatementRefused } from './values/refused.ts';

/**
 * Files up to this size are parsed in this thread, which needs a few milliseconds. Larger files are
 * parsed in a worker thread.
 */
const maxInlineBytes = 64 * 1024;
const maxWorkerMilliseconds = 60_000;
const maxWorkerMegabytes = 512;

/**
 * Parses a bank statement; types.ts documents the result. Large files and workbooks do not block
 * the event loop. Refuses a file by throwing `StatementRefused` (statement_not_readable).
 */
export async function readStatement(bytes: Buffer, options: ReadOptions): Promise<ParsedStatement> {
  const isArchive = bytes.subarray(0, 2).toString('latin1') === 'PK';
  if (bytes.length <= maxInlineBytes && !isArchive) return await readHere(bytes, options);
  const answer = await answerOf({ bytes, options });
  if ('parsed' in answer) return answer.parsed;
  throw new StatementRefused(answer.refused.reason, answer.refused);
}

async function answerOf(input: WorkerInput): Promise<WorkerAnswer> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: input,
    resourceLimits: { maxOldGenerationSizeMb: maxWorkerMegabytes },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<WorkerAnswer>((resolve, reject) => {
      const tooLarge = () => resolve({ refused: { reason: 'too_large' } });
      timer = setTimeout(tooLarge, maxWorkerMilliseconds);
      worker.once('message', resolve);
      worker.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge() : reject(error),
      );
      worker.once('exit', (code) => reject(new Error(`statement reader ended with ${code}`)));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
