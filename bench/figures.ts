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
  /** Undefined for a variant that lost joins or oversold. */
  readonly value: Spread | undefined;
  /** Milliseconds. */
  readonly p99?: Spread | undefined;
  readonly usage?: Usage | undefined;
  readonly note?: string | undefined;
}

/** A ratio of two variants, or a result of ours, with its target; a bound is a hard limit. */
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

/** The ratio of each round and its spread: a disturbance in a round affects both variants. */
export function ratioOf(over: readonly number[], under: readonly number[]): Spread {
  return spreadOf(over.map((value, round) => value / under[round]!));
}

/** Compares the median with the target; undefined without a target. */
export function isReached({ value, target }: Goal): boolean | undefined {
  if (target === undefined) return undefined;
  return 'min' in target ? value.median >= target.min : value.median <= target.max;
}

/** The median of each part over the rounds. */
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
