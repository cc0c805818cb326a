/** What scripts can rely on. */
export const exitCodes = {
  done: 0,
  /** It ran and found something: a broken chain, a violated invariant. */
  found: 1,
  /** It was called wrongly, or the configuration is not accepted. */
  usage: 2,
  /** It could not be carried out: no database, say. */
  failed: 3,
} as const;

/** One command: what its `--help` says, the options it takes, and what it does. */
export interface Command {
  readonly usage: string;
  readonly options: Readonly<Record<string, { type: 'boolean' | 'string' }>>;
  /** What its one argument beside the options is called; without, it takes none. */
  readonly argument?: string;
  run(
    options: Readonly<Record<string, string | boolean | undefined>>,
    argument: string | undefined,
  ): Promise<number>;
}

/** The arguments cannot be meant; the process ends with `exitCodes.usage`. */
export class UsageError extends Error {}
