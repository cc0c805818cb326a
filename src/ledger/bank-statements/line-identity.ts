import { hash } from 'node:crypto';
import type { StatementLine } from '../statement-files/values/types.ts';
import type { Database } from '../../database/pool.ts';
import type { ParsedStatement } from '../statement-files/parse.ts';
import * as sql from './import-queries.ts';

/** A line of a bank account that another import stored before. */
export interface KnownLine {
  readonly line_id: string;
  readonly booked_on: string;
  readonly amount: bigint;
  readonly description: string;
  readonly reference: string | null;
  readonly balance_sen: bigint | null;
}

/**
 * The decision about one line of a file. The import does not store a line again if `isKnown` is
 * true.
 */
export interface Identified {
  readonly line: StatementLine;
  readonly isKnown: boolean;
  /**
   * The id of a stored line that may be the same transfer, so that a person must check; null if
   * there is none.
   */
  readonly duplicateOf: string | null;
  /** A hash of 32 bytes that is unique among the lines of the bank account. */
  readonly fingerprint: Buffer;
}

/**
 * Decides which lines of a file are new for an account. Returns one entry for each line, in the
 * order of the file.
 *
 * A line of the file and a stored line of equal amount are compared by their running balance, or
 * else by a reference that is unique on its day. If neither is possible, equal lines of one day are
 * paired one by one; if the file has two and one is stored, the second is new. Such a pair counts
 * as the same transfer if the file contains all stored lines of the day, or the stored lines
 * contain all lines of the file for that day, or the end of one list is the beginning of the other.
 * In other cases it is uncertain: the line is stored as new, with a link to the line that it may
 * repeat.
 */
export function identify(
  lines: readonly StatementLine[],
  known: readonly KnownLine[],
): readonly Identified[] {
  const storedByDay = Map.groupBy(known, ({ booked_on }) => booked_on);
  const fileByDay = Map.groupBy(lines, ({ day }) => day);
  const verdicts = new Map<StatementLine, Verdict>();
  for (const [day, own] of fileByDay) {
    const stored = storedByDay.get(day) ?? [];
    for (const [line, verdict] of judgeDay(own, stored)) verdicts.set(line, verdict);
  }
  const counts = new Map<string, number>();
  for (const line of known) {
    const key = keyOf(line);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return lines.map((line) => {
    const verdict = verdicts.get(line) ?? {};
    const key = keyOf(asKnown(line));
    const isKnown = verdict.same !== undefined;
    const nth = (counts.get(key) ?? 0) + 1;
    if (!isKnown) counts.set(key, nth);
    return {
      line,
      isKnown,
      duplicateOf: isKnown ? null : (verdict.perhaps?.line_id ?? null),
      fingerprint: hash('sha256', `${key}|${nth}`, 'buffer'),
    };
  });
}

interface Verdict {
  readonly same?: KnownLine;
  readonly perhaps?: KnownLine;
}

/** Compares the lines of a file with the stored lines of the same day. */
function judgeDay(
  own: readonly StatementLine[],
  stored: readonly KnownLine[],
): Map<StatementLine, Verdict> {
  const repeated = repeatedReferences(own, stored);
  const left = new Set(stored);
  const pairs = new Map<StatementLine, { readonly line: KnownLine; readonly sure: boolean }>();
  const take = (sure: boolean, fits: (line: StatementLine, other: KnownLine) => boolean) => {
    const byAmount = Map.groupBy(left, ({ amount }) => amount);
    for (const line of own) {
      if (pairs.has(line)) continue;
      const found = byAmount.get(line.amount)?.find((one) => left.has(one) && fits(line, one));
      if (found === undefined) continue;
      left.delete(found);
      pairs.set(line, { line: found, sure });
    }
  };
  take(true, (line, other) => compare(line, other, repeated) === 'same');
  take(
    false,
    (line, other) =>
      compare(line, other, repeated) === 'unclear' &&
      plain(line.description) === plain(other.description),
  );
  const overlaps = isOverlap(own, stored, pairs);
  const verdicts = new Map<StatementLine, Verdict>();
  for (const [line, pair] of pairs) {
    verdicts.set(line, pair.sure || overlaps ? { same: pair.line } : { perhaps: pair.line });
  }
  // Another export of the bank may contain the same transfer with other columns and another
  // description.
  for (const line of own) {
    if (verdicts.has(line)) continue;
    const other = [...left].find(
      (one) =>
        one.amount === line.amount &&
        compare(line, one, repeated) === 'unclear' &&
        isOtherShape(line, one),
    );
    if (other === undefined) continue;
    left.delete(other);
    verdicts.set(line, { perhaps: other });
  }
  return verdicts;
}

/**
 * True if the paired lines are all lines of the day in the file, or all stored lines of the day, or
 * the end of one list and the beginning of the other. Both directions are possible, because a bank
 * may list the newest line first.
 */
function isOverlap(
  own: readonly StatementLine[],
  stored: readonly KnownLine[],
  pairs: ReadonlyMap<StatementLine, { readonly line: KnownLine }>,
): boolean {
  if (pairs.size === own.length || pairs.size === stored.length) return true;
  const paired = new Set([...pairs.values()].map(({ line }) => line));
  const inFile = own.map((line) => pairs.has(line));
  const inStore = stored.map((line) => paired.has(line));
  return (
    (beginsWith(inFile, pairs.size) && beginsWith(inStore.toReversed(), pairs.size)) ||
    (beginsWith(inFile.toReversed(), pairs.size) && beginsWith(inStore, pairs.size))
  );
}

const beginsWith = (marks: readonly boolean[], size: number): boolean =>
  marks.slice(0, size).every(Boolean);

/**
 * Compares two lines by balance, or else by reference. Returns 'unclear' if the lines do not both
 * have a balance or both have a reference, or if several lines of the day have the same reference.
 */
function compare(
  line: StatementLine,
  other: KnownLine,
  repeated: ReadonlySet<string>,
): 'same' | 'other' | 'unclear' {
  const reference = line.reference ?? null;
  const areNamed = reference !== null && other.reference !== null;
  if (line.balanceSen !== undefined && other.balance_sen !== null) {
    const isSame =
      line.balanceSen === other.balance_sen && (!areNamed || reference === other.reference);
    return isSame ? 'same' : 'other';
  }
  if (!areNamed) return 'unclear';
  if (reference !== other.reference) return 'other';
  return repeated.has(reference) ? 'unclear' : 'same';
}

/**
 * Returns references that several lines of the day have, such as a branch code. They identify no
 * transfer.
 */
function repeatedReferences(
  own: readonly StatementLine[],
  stored: readonly KnownLine[],
): ReadonlySet<string> {
  const twice = new Set<string>();
  for (const references of [
    own.map(({ reference }) => reference),
    stored.map(({ reference }) => reference ?? undefined),
  ]) {
    const seen = new Set<string>();
    for (const reference of references) {
      if (reference === undefined) continue;
      if (seen.has(reference)) twice.add(reference);
      seen.add(reference);
    }
  }
  return twice;
}

/** True if only one of the two lines has a balance, or only one has a reference. */
function isOtherShape(line: StatementLine, other: KnownLine): boolean {
  return (
    (line.balanceSen === undefined) !== (other.balance_sen === null) ||
    (line.reference === undefined) !== (other.reference === null)
  );
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/\s+/g, ' ').trim();

function asKnown(line: StatementLine): KnownLine {
  return {
    line_id: '',
    booked_on: line.day,
    amount: line.amount,
    description: line.description,
    reference: line.reference ?? null,
    balance_sen: line.balanceSen ?? null,
  };
}

function keyOf({ booked_on, amount, description, reference, balance_sen }: KnownLine): string {
  const parts = [booked_on, amount, plain(description), reference ?? '', balance_sen ?? ''];
  return parts.map(String).join('|');
}

/**
 * Decides which lines of a file are new for its account. The result is the same each time an import
 * continues.
 */
export async function identifyLines(
  db: Database,
  { account_id: accountId, import_id: importId }: Pick<sql.ImportRow, 'account_id' | 'import_id'>,
  read: ParsedStatement['lines'],
): Promise<readonly Identified[]> {
  const days = read.map(({ day }) => day).toSorted();
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return [];
  const known = await db.rows(sql.storedLines, accountId, first, last, importId);
  return identify(read, known);
}
