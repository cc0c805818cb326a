import { shortened } from './values/refused.ts';
import type { SkippedLine, SkipReason, StatementLine } from './values/types.ts';

/** A transaction that was read, whatever the format of its file. */
export interface Transaction {
  readonly row: number;
  /** The row as it stands in the file, for the list of skipped ones. */
  readonly text: string;
  /** Sen; above zero for money in, below for money out. */
  readonly sen: bigint;
  readonly isPending: boolean;
  /** YYYY-MM-DD; missing for a pending one only. */
  readonly day?: string;
  readonly time?: Date;
  readonly description: string;
  readonly reference?: string;
  readonly balance?: bigint;
  readonly account?: string;
}

/** Each transaction as a line, or as skipped with its amount and reason. */
export function sortOutcomes(transactions: readonly Transaction[]): {
  readonly lines: StatementLine[];
  readonly skipped: SkippedLine[];
} {
  const lines: StatementLine[] = [];
  const skipped: SkippedLine[] = [];
  for (const one of transactions) {
    const reason = reasonToSkip(one);
    if (reason !== undefined) {
      skipped.push(skippedLine(one, reason));
      continue;
    }
    const reference = shortened(one.reference ?? '', 100);
    lines.push({
      row: one.row,
      day: one.day!,
      ...(one.time === undefined ? {} : { time: one.time }),
      amount: one.sen / 100n,
      description: shortened(one.description, 400),
      ...(reference === '' ? {} : { reference }),
      ...(one.balance === undefined ? {} : { balanceSen: one.balance }),
      ...(one.account === undefined ? {} : { accountHint: one.account }),
    });
  }
  return { lines, skipped };
}

function reasonToSkip({ sen, isPending, day }: Transaction): SkipReason | undefined {
  if (sen === 0n) return 'no_amount';
  if (sen < 0n) return 'outgoing';
  if (isPending || day === undefined) return 'pending';
  // Buyers transfer whole rupiah; sen are interest.
  return sen % 100n === 0n ? undefined : 'sen';
}

export function skippedLine(
  { row, text, sen }: Pick<Transaction, 'row' | 'text' | 'sen'>,
  reason: SkipReason,
): SkippedLine {
  const size = sen < 0n ? -sen : sen;
  return {
    row,
    text: shortened(text, 200),
    amount: size / 100n,
    sen: Number(size % 100n),
    incoming: sen > 0n,
    reason,
  };
}
