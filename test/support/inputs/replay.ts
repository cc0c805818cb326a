import assert from 'node:assert/strict';
import fc from 'fast-check';

const variables = {
  seed: 'SAMBATAN_TEST_SEED',
  path: 'SAMBATAN_TEST_PATH',
  commands: 'SAMBATAN_TEST_COMMANDS',
} as const;

/** The seed of this process's random tests: a new one, unless the environment sets it. */
export const seed = Number(process.env[variables.seed] ?? Math.floor(Math.random() * 2 ** 31));
/** The path from the seed to one case; undefined: all cases run. */
export const path = process.env[variables.path];
/** The selected commands of that case, for `replayPath` of `fc.commands`. */
export const commands = process.env[variables.commands];

/** Options of a random test. */
export interface Trial {
  readonly numRuns: number;
  /** Default: the seed of this process. */
  readonly seed?: number;
  /** The test's file, relative to the project's root. */
  readonly file: string;
  readonly title: string;
}

/**
 * Tests a property with many random cases, or with the one case that the environment names. Rejects
 * on a failure; the message has the smallest failing case and the command to repeat it.
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

/** Runs in a portion, and the maximum number of portions. */
const portion = 20;
const maxPortions = 150;

/**
 * Runs more portions until nothing is missing. A few random runs miss the rarest outcome now and
 * then; thousands never do. Rejects with what is still missing.
 */
export async function untilSeen(
  missing: () => readonly string[],
  more: (numRuns: number, nth: number) => Promise<void>,
): Promise<void> {
  for (let nth = 0; nth < maxPortions && missing().length > 0; nth++) await more(portion, nth);
  assert.deepEqual(missing(), [], 'these outcomes did not occur in any run');
}
