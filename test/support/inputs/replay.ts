import fc from 'fast-check';

const variables = {
  seed: 'SAMBATAN_TEST_SEED',
  path: 'SAMBATAN_TEST_PATH',
  commands: 'SAMBATAN_TEST_COMMANDS',
} as const;

/** The seed of this process's properties: a new one, unless the environment names one. */
export const seed = Number(process.env[variables.seed] ?? Math.floor(Math.random() * 2 ** 31));
/** Leads from the seed to one case; undefined: all of them are tried. */
export const path = process.env[variables.path];
/** Which commands of that case are done, for `replayPath` of `fc.commands`. */
export const commands = process.env[variables.commands];

/** How a property is tried. */
export interface Trial {
  readonly numRuns: number;
  /** This process's unless told. */
  readonly seed?: number;
  /** The test's file, below the project's root. */
  readonly file: string;
  readonly title: string;
}

/**
 * Tries a property that many times, or the one case that the environment names. Rejects when it does
 * not hold; the message has the smallest case that was found and the command that tries it again.
 */
export async function holds<T>(property: fc.IAsyncProperty<T>, trial: Trial): Promise<void> {
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
