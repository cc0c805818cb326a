import type { Outcome } from './figures.ts';
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
  /** Prints progress to the terminal. */
  progress(sentence: string): void;
}

export interface Measurement {
  /** The name to give to the option `--only`. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Outcome>;
}
