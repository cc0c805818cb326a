/** The exit codes of commands, for use in scripts. */
export const exitCodes = {
  done: 0,
  /** The command ran and found a problem, such as a broken log or a violated invariant. */
  found: 1,
  /** Wrong arguments or an invalid configuration. */
  usage: 2,
  /** The command could not run, for example because the database is not reachable. */
  failed: 3,
} as const;

/** A command of the command line: its help text, its options, and the function that runs it. */
export interface Command {
  readonly usage: string;
  readonly options: Readonly<Record<string, { type: 'boolean' | 'string'; multiple?: boolean }>>;
  /** The name of the command's only argument; undefined when it accepts none. */
  readonly argument?: string;
  run(
    options: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>,
    argument: string | undefined,
  ): Promise<number>;
}

/** Invalid arguments; the process exits with `exitCodes.usage`. */
export class UsageError extends Error {}
