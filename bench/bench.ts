import type { Outcome } from './figures.ts';
import type { Generator } from './load/generator.ts';
import type { Cluster } from './rig/database.ts';

/** What a measurement works with. */
export interface Bench {
  readonly cluster: Cluster;
  readonly generator: Generator;
  /** Correctness only: short runs of small loads, whose times say nothing. */
  readonly quick: boolean;
  readonly rounds: number;
  /** A database with so many active campaigns, made once and kept: it is only read. */
  market(campaigns: number): Promise<string>;
  /** Tells who waits in the terminal what is being done. */
  progress(sentence: string): void;
}

export interface Measurement {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Outcome>;
}
