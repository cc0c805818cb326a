import type { Content } from './bench.ts';
import type { Usage } from './load/job.ts';

/** The results of several rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One row of the table: what is measured, and its goal, if there is one. */
export interface Row {
  readonly what: string;
  /** The content of the database, if the row is measured on both. */
  readonly content?: Content | undefined;
  readonly value: Spread;
  readonly goal?: { readonly min: number } | { readonly max: number } | undefined;
  readonly unit?: string | undefined;
}

/** The result of one variant, from which rows are computed. */
export interface Figure {
  readonly measurement: string;
  readonly variant: string;
  readonly unit: string;
  /** Undefined if the variant lost joins or oversold. */
  readonly value: Spread | undefined;
  /** The 99th percentile of the latency in milliseconds. */
  readonly p99?: Spread | undefined;
  readonly usage?: Usage | undefined;
  readonly note?: string | undefined;
}

/** The result of a measurement. */
export interface Outcome {
  readonly figures: readonly Figure[];
  readonly rows: readonly Row[];
  /** Errors: lost, oversold or wrong data. They fail the run. */
  readonly failures: readonly string[];
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/**
 * Computes the ratio of two variants in each round, and the spread of these ratios. A disturbance
 * in a round affects both variants, so it changes their ratio less than their values.
 */
export function ratioOf(over: readonly number[], under: readonly number[]): Spread {
  return spreadOf(over.map((value, round) => value / under[round]!));
}

/** Compares the median with the goal; undefined without a goal. */
export function isReached({ value, goal }: Row): boolean | undefined {
  if (goal === undefined) return undefined;
  return 'min' in goal ? value.median >= goal.min : value.median <= goal.max;
}

/** The CPU usage of each process: the median over the rounds. */
export function medianUsage(usages: readonly Usage[]): Usage {
  const middle = (part: keyof Usage) => {
    const known = usages.flatMap((usage) => usage[part] ?? []);
    return known.length === 0 ? undefined : spreadOf(known).median;
  };
  return {
    server: middle('server'),
    postgres: middle('postgres'),
    generator: middle('generator') ?? 0,
  };
}

/** The value below which the given share of the values lies; 0 without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}
