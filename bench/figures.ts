import type { Usage } from './load/job.ts';

/** The results of several rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One row of the table: the result of one variant in one measurement. */
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

/** A ratio of two variants, or a result of Sambatan, and its target, if there is one. */
export interface Goal {
  readonly measurement: string;
  readonly what: string;
  readonly value: Spread;
  readonly target?: { readonly min: number } | { readonly max: number };
  readonly unit?: string;
}

/** The result of a measurement. */
export interface Outcome {
  readonly figures: readonly Figure[];
  readonly goals: readonly Goal[];
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

/** Compares the median with the target; undefined without a target. */
export function isReached({ value, target }: Goal): boolean | undefined {
  if (target === undefined) return undefined;
  return 'min' in target ? value.median >= target.min : value.median <= target.max;
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
    others: middle('others'),
  };
}
