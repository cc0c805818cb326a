import { shorten } from './values/refused.ts';
import type { SkippedLine, SkipReason, StatementLine } from './values/types.ts';

/** A parsed transaction of any file format. */
export interface Transaction {
  readonly row: number;
  /** The original row of the file, for the list of skipped rows. */
  readonly text: string;
  /** The amount in sen; positive for incoming money, negative for outgoing money. */
  readonly sen: bigint;
  readonly isPending: boolean;
  /** YYYY-MM-DD; missing only for a pending transaction. */
  readonly day?: string;
  readonly time?: Date;
  readonly description: string;
  readonly reference?: string;
  readonly balance?: bigint;
  readonly account?: string;
}

/** Turns each transaction into a line, or into a skipped row with its amount and reason. */
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
    const reference = shorten(one.reference ?? '', 100);
    lines.push({
      row: one.row,
      day: one.day!,
      ...(one.time === undefined ? {} : { time: one.time }),
      amount: one.sen / 100n,
      description: shorten(one.description, 400),
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
  // Buyers transfer whole rupiah, so an amount with sen is not from a buyer (it is interest, for
  // example).
  return sen % 100n === 0n ? undefined : 'sen';
}

export function skippedLine(
  { row, text, sen }: Pick<Transaction, 'row' | 'text' | 'sen'>,
  reason: SkipReason,
): SkippedLine {
  const size = sen < 0n ? -sen : sen;
  return {
    row,
    text: shorten(text, 200),
    amount: size / 100n,
    sen: Number(size % 100n),
    incoming: sen > 0n,
    reason,
  };
}
