import type { Outcome } from './figures.ts';
import type { Generator } from './load/generator.ts';
import type { Cluster } from './support/database.ts';

/** The environment of a measurement. */
export interface Bench {
  readonly cluster: Cluster;
  readonly generator: Generator;
  /** Checks correctness only: short runs with small loads, whose times mean nothing. */
  readonly quick: boolean;
  readonly rounds: number;
  /** A database with this many active campaigns, created once and reused: it is only read. */
  market(campaigns: number): Promise<string>;
  /** Prints progress to the terminal. */
  progress(sentence: string): void;
}

export interface Measurement {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Outcome>;
}
