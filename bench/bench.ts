import type { Outcome } from './rows.ts';
import type { Generator } from './load/generator.ts';
import type { Cluster } from './support/database.ts';

/** The database server, load generator and options that a measurement uses. */
export interface Bench {
  readonly cluster: Cluster;
  readonly generator: Generator;
  /** True if only correctness is checked: runs are short and loads small, so times mean nothing. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Returns a database with this many active campaigns. Measurements share it and only read it. */
  market(campaigns: number): Promise<string>;
  /** Creates a database with this name: empty, or with 500,000 participations. Returns its URL. */
  createDatabase(name: string, content: Content): Promise<string>;
  /**
   * Runs one round of a measurement. If other programs used much CPU time meanwhile, the round is
   * run once more, and the quieter of both counts.
   */
  round<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Prints progress to the terminal. */
  progress(sentence: string): void;
}

/** What a database contains before the measurement. */
export type Content = 'empty' | 'full';

export interface Measurement {
  /** The name to give to the option `--only`. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Outcome>;
}
