import assert from 'node:assert/strict';
import fc from 'fast-check';

const variables = {
  seed: 'SAMBATAN_TEST_SEED',
  path: 'SAMBATAN_TEST_PATH',
  commands: 'SAMBATAN_TEST_COMMANDS',
} as const;

/** The seed of the random tests in this process: a new seed, unless the environment sets one. */
export const seed = Number(process.env[variables.seed] ?? Math.floor(Math.random() * 2 ** 31));
/** The path of fast-check from the seed to one case. If undefined, all cases run. */
export const path = process.env[variables.path];
/** The commands of that case that are run, for `replayPath` of `fc.commands`. */
export const commands = process.env[variables.commands];

/** Options of a random test. */
export interface Trial {
  readonly numRuns: number;
  /** The seed of the random cases; default: the seed of this process. */
  readonly seed?: number;
  /** The test's file, relative to the project's root. */
  readonly file: string;
  readonly title: string;
}

/**
 * Tests a property with many random cases, or only with the case that the environment variables
 * select. Rejects if a case fails. The message has the smallest failing case and the command that
 * repeats it.
 */
export async function checkProperty<T>(
  property: fc.IAsyncProperty<T>,
  trial: Trial,
): Promise<void> {
  const only = path === undefined ? {} : { path, endOnFailure: true };
  const numRuns = path === undefined ? trial.numRuns : 1;
  const found = await fc.check(property, { seed: trial.seed ?? seed, ...only, numRuns });
  if (!found.failed) return;
  const report = (await fc.asyncDefaultReportMessage(found)) ?? 'the property does not hold';
  const again = [
    `${variables.seed}=${found.seed}`,
    `${variables.path}=${found.counterexamplePath}`,
  ];
  const done = /replayPath="([^"]*)"/.exec(fc.stringify(found.counterexample))?.[1];
  if (done !== undefined) again.push(`${variables.commands}='${done}'`);
  const command = `npm test -- ${trial.file} --test-name-pattern='${trial.title}'`;
  throw new Error(`${report}\n\nThis case alone:\n  ${again.join(' ')} ${command}\n`, {
    cause: found.errorInstance,
  });
}

/** The number of random runs in one portion, and the maximum number of portions. */
const portion = 20;
const maxPortions = 150;

/**
 * Runs more portions until no expected outcome is missing. In a few random runs the rarest outcome
 * is sometimes missing; in thousands it never is. Rejects with the outcomes that are still missing.
 */
export async function untilSeen(
  missing: () => readonly string[],
  more: (numRuns: number, nth: number) => Promise<void>,
): Promise<void> {
  for (let nth = 0; nth < maxPortions && missing().length > 0; nth++) await more(portion, nth);
  assert.deepEqual(missing(), [], 'these outcomes did not occur in any run');
}
