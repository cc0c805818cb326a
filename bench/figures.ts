import type { Usage } from './load/job.ts';

/** What several rounds gave. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** One line of the table: what one variant did in one measurement. */
export interface Figure {
  readonly measurement: string;
  readonly variant: string;
  readonly unit: string;
  /** Undefined for a variant that lost or oversold. */
  readonly value: Spread | undefined;
  /** Milliseconds. */
  readonly p99?: Spread | undefined;
  readonly usage?: Usage | undefined;
  readonly note?: string | undefined;
}

/** A ratio of two variants, or a figure of ours, and what it is to be; a bound is what it is. */
export interface Goal {
  readonly measurement: string;
  readonly what: string;
  readonly value: Spread;
  readonly toReach?: { readonly least: number } | { readonly most: number };
  readonly unit?: string;
}

/** What a measurement has found. */
export interface Outcome {
  readonly figures: readonly Figure[];
  readonly goals: readonly Goal[];
  /** Sentences about what was lost, oversold or wrong; they fail the run. */
  readonly failures: readonly string[];
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}

/** The ratio of each round, then their spread: what disturbed one round disturbed both sides. */
export function ratioOf(over: readonly number[], under: readonly number[]): Spread {
  return spreadOf(over.map((value, round) => value / under[round]!));
}

/** Judged by the median; undefined when there is nothing to reach. */
export function isReached({ value, toReach }: Goal): boolean | undefined {
  if (toReach === undefined) return undefined;
  return 'least' in toReach ? value.median >= toReach.least : value.median <= toReach.most;
}

/** The middle of each part over the rounds. */
export function usualUsage(usages: readonly Usage[]): Usage {
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
