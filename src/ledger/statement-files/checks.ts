import { senOf, senText, type PlacedFigure } from './values/amounts.ts';
import { StatementRefused, type Place } from './values/refused.ts';
import type { Summary } from './tables/summaries.ts';
import type { CheckKind, NumberStyle, StatementCheck } from './values/types.ts';

/** A parsed transaction. `sen` is positive for incoming money and negative for outgoing money. */
export interface ReadEntry {
  readonly row: number;
  readonly sen: bigint;
  readonly balance?: bigint;
  readonly isPending: boolean;
  /**
   * True if the cells of this row were repaired. Only the running balance can prove that the repair
   * is right.
   */
  readonly repaired: boolean;
}

/**
 * Compares the parsed rows with the sums, counts and balances that the file states. Some banks
 * include pending transactions in these values and others do not. So all values must be right with
 * pending transactions, or all must be right without them. Refuses: check, row_long (a repaired row
 * without proof).
 */
export function checkAll(
  entries: readonly ReadEntry[],
  summaries: readonly Summary[],
  style: NumberStyle,
): StatementCheck[] {
  const stated = readSummaries(summaries, style);
  const variants = [entries, entries.filter(({ isPending }) => !isPending)];
  const results = variants.map((some) => attempt(() => checksOf(some, stated)));
  const passed = results.find((result) => Array.isArray(result));
  if (!passed) throw results[0];
  return passed;
}

interface Stated {
  readonly kind: Summary['kind'];
  readonly sen: bigint;
  readonly count?: number;
  readonly place: Place;
}

function readSummaries(summaries: readonly Summary[], style: NumberStyle): Stated[] {
  return summaries.map(({ kind, row, figure, cell, count }) => {
    const place = { line: row, cell };
    const sen = senOf({ figure, place }, style) * (figure.negative ? -1n : 1n);
    return { kind, sen, place, ...(count === undefined ? {} : { count }) };
  });
}

function attempt(work: () => StatementCheck[]): StatementCheck[] | StatementRefused {
  try {
    return work();
  } catch (error) {
    if (error instanceof StatementRefused) return error;
    throw error;
  }
}

function checksOf(entries: readonly ReadEntry[], stated: readonly Stated[]): StatementCheck[] {
  const credits = entries.filter(({ sen }) => sen > 0n);
  const debits = entries.filter(({ sen }) => sen < 0n);
  const sum = (some: readonly ReadEntry[]) => some.reduce((total, { sen }) => total + sen, 0n);
  const [credited, debited] = [sum(credits), -sum(debits)];
  const checks: StatementCheck[] = [];
  const compare = (kind: CheckKind, expected: bigint, found: bigint, place: Place) => {
    if (expected !== found) throw differs(kind, expected, found, place);
    checks.push({ kind, expected, found, ok: true });
  };
  for (const { kind, sen, count, place } of stated) {
    const positive = sen < 0n ? -sen : sen;
    if (kind === 'credits') compare('credit_total', positive, credited, place);
    if (kind === 'debits') compare('debit_total', positive, debited, place);
    if (kind === 'total') {
      const meant = [credited, debited, credited - debited, credited + debited];
      compare('credit_total', sen, meant.includes(sen) ? sen : credited, place);
    }
    if (kind === 'creditsOrCount' || kind === 'debitsOrCount') {
      const [side, some, total] =
        kind === 'creditsOrCount'
          ? (['credit', credits, credited] as const)
          : (['debit', debits, debited] as const);
      if (positive === total) compare(`${side}_total`, positive, total, place);
      else compare(`${side}_count`, positive / 100n, BigInt(some.length), place);
    }
    if (count === undefined) continue;
    if (kind === 'credits') {
      compare('credit_count', BigInt(count), BigInt(credits.length), place);
    }
    if (kind === 'debits') compare('debit_count', BigInt(count), BigInt(debits.length), place);
  }
  const opening = stated.find(({ kind }) => kind === 'opening')?.sen;
  const closing = stated.findLast(({ kind }) => kind === 'closing');
  if (opening !== undefined && closing) {
    compare('closing_balance', closing.sen, opening + credited - debited, closing.place);
  }
  const running = runningBalance(entries, opening);
  if (running) checks.push(running);
  return checks;
}

function differs(kind: CheckKind, expected: bigint, found: bigint, place: Place) {
  const text = (value: bigint) => (kind.endsWith('_count') ? String(value) : senText(value));
  return new StatementRefused('check', {
    ...place,
    expected: text(expected),
    found: text(found),
  });
}

/**
 * Checks that each balance is the previous balance plus the row's amount. The rows may begin with
 * the oldest or with the newest.
 */
function runningBalance(entries: readonly ReadEntry[], opening: bigint | undefined) {
  const forwards = follow(entries, opening);
  if (!forwards.wrong) return proofOf(forwards, entries);
  const backwards = follow(entries.toReversed(), opening);
  if (!backwards.wrong) return proofOf(backwards, entries);
  throw (forwards.held >= backwards.held ? forwards : backwards).wrong;
}

interface Followed {
  /**
   * The rows whose amounts are confirmed by the balances before and after them; `held` is their
   * number.
   */
  readonly proven: ReadonlySet<number>;
  readonly held: number;
  readonly last?: bigint | undefined;
  readonly wrong?: StatementRefused;
}

function follow(entries: readonly ReadEntry[], opening: bigint | undefined): Followed {
  let balance = opening;
  let waiting: number[] = [];
  const proven = new Set<number>();
  for (const entry of entries) {
    waiting.push(entry.row);
    if (balance !== undefined) balance += entry.sen;
    if (entry.balance === undefined) continue;
    if (balance !== undefined) {
      if (balance !== entry.balance) {
        const place = { line: entry.row };
        const wrong = differs('running_balance', entry.balance, balance, place);
        return { proven, held: proven.size, wrong };
      }
      for (const row of waiting) proven.add(row);
    }
    balance = entry.balance;
    waiting = [];
  }
  return { proven, held: proven.size, last: balance };
}

function proofOf({ proven, last }: Followed, entries: readonly ReadEntry[]) {
  const unproven = entries.find(({ repaired, row }) => repaired && !proven.has(row));
  if (unproven) throw new StatementRefused('row_long', { line: unproven.row });
  if (proven.size === 0 || last === undefined) return undefined;
  return { kind: 'running_balance', expected: last, found: last, ok: true } as const;
}

export type { PlacedFigure };
