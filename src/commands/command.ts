/** Exit codes for scripts. */
export const exitCodes = {
  done: 0,
  /** The command ran and found a problem: a broken chain, a violated invariant. */
  found: 1,
  /** Wrong arguments or an invalid configuration. */
  usage: 2,
  /** The command could not run: no database, for example. */
  failed: 3,
} as const;

/** One command: its help text, its options, and its function. */
export interface Command {
  readonly usage: string;
  readonly options: Readonly<Record<string, { type: 'boolean' | 'string' }>>;
  /** The name of its single argument; without it, the command takes none. */
  readonly argument?: string;
  run(
    options: Readonly<Record<string, string | boolean | undefined>>,
    argument: string | undefined,
  ): Promise<number>;
}

/** Invalid arguments; the process exits with `exitCodes.usage`. */
export class UsageError extends Error {}
