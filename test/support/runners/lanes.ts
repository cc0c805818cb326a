// Runs two groups of test files in parallel: those that render pages, and all others.
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

export const everyFile = 'test/**/*.test.ts';

/** Whether a test file renders pages. Without a graphics card, a browser keeps two cores busy. */
export const usesBrowser = (file: string): boolean => file.startsWith('test/browser/');

/**
 * The slowest test files, in the order in which they start. If the slowest file started last, it
 * would run alone at the end.
 */
const slowest = [
  'test/reliability/faults.test.ts',
  'test/histories/histories.test.ts',
  'test/database/queries-plans.test.ts',
  'test/histories/controls.test.ts',
  'test/start/restart.test.ts',
  'test/start/rolling.test.ts',
  'test/start/npm.test.ts',
  'test/database/embedded.test.ts',
  'test/waiting/model.test.ts',
  'test/notifications/killed.test.ts',
  'test/backup/restore.test.ts',
  'test/lifecycle/scheduler.test.ts',
  'test/ledger/imports.test.ts',
  'test/reliability/faults-disk.test.ts',
  'test/ledger/codes.test.ts',
  'test/privacy/canary.test.ts',
  'test/reliability/soak.test.ts',
  'test/pages/navigation.test.ts',
  'test/observability/trace.test.ts',
  'test/pages/second-factor.test.ts',
  'test/pages/sign-in.test.ts',
  'test/commands/cli.test.ts',
  'test/commands/demo.test.ts',
  'test/database/full-disk.test.ts',
  'test/overload/limits-many-users.test.ts',
  'test/backup/drill.test.ts',
  'test/server/fuzz.test.ts',
];
const place = new Map(slowest.map((file, at) => [file, at]));
const placeOf = (file: string) => place.get(file) ?? slowest.length;

/**
 * Runs every test file and writes the reports of both groups to standard output, one after the
 * other. Resolves to true if all tests passed. If the signal aborts, the running files are ended.
 */
export async function runLanes(timeout: number, signal: AbortSignal): Promise<boolean> {
  const all = globSync(everyFile).toSorted((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1));
  const lane = (files: string[], concurrency: number) => {
    const events = run({ files, concurrency, timeout, signal });
    let hasPassed = true;
    events.on('test:fail', ({ todo }) => {
      if (todo === undefined || todo === false) hasPassed = false;
    });
    return { report: events.compose(spec), hasPassed: () => hasPassed };
  };
  const cores = availableParallelism();
  const others = lane(
    all.filter((file) => !usesBrowser(file)),
    cores + 1,
  );
  const pages = lane(all.filter(usesBrowser), 1);
  const held: Buffer[] = [];
  pages.report.on('data', (chunk: Buffer) => held.push(chunk));
  const pagesEnded = once(pages.report, 'end');
  others.report.pipe(process.stdout, { end: false });
  await once(others.report, 'end');
  await pagesEnded;
  process.stdout.write(Buffer.concat(held));
  return others.hasPassed() && pages.hasPassed();
}
