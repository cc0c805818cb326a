import type { Queryable } from '../../database/query.ts';
import { foldText } from '../../database/text-search.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import type { Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import {
  CandidateFinder,
  newestOpenLines,
  newestOpenPayments,
  type Candidate,
  type OpenPaymentRow,
} from './candidates.ts';
import { withParts, type DividedLine } from './lines.ts';
import {
  allocatedTogether,
  findLine,
  listOpenLines,
  paymentsFor,
  type StatementLineRow,
} from './queries.ts';

/** A statement line with its parts and, if the line is open, its candidate payments. */
export interface OpenLine extends DividedLine {
  readonly candidates: readonly Candidate[];
}

/**
 * Maximum number of open payments, and of open lines of an account, that the search for candidates
 * reads.
 */
const maxPaymentsLooked = 10_000;
const maxLinesLooked = 500;

/** Returns a page of statement lines that a person must handle, oldest day first. */
export async function openLines(
  db: Queryable,
  actor: Actor,
  [day, id]: readonly [day: string | null, id: string | null],
  limit: number,
): Promise<OpenLine[]> {
  authorize(actor, 'statement.import');
  return await withCandidates(db, await db.rows(listOpenLines, day, id, limit));
}
openLines.refusals = refusals(authorize);

/** Returns one statement line, whatever its status. */
export async function oneLine(db: Queryable, actor: Actor, lineId: string): Promise<OpenLine> {
  authorize(actor, 'statement.import');
  const line = await db.maybe(findLine, lineId);
  if (line === undefined) throw new DomainError('statement_line_not_found', {});
  return (await withCandidates(db, [line]))[0]!;
}
oneLine.refusals = refusals(authorize, 'statement_line_not_found');

/** A line with the other data that the page for dividing the line shows. */
export interface LineToDivide {
  readonly line: OpenLine;
  /**
   * Open payments that the line may pay: its candidates, its allocations and the search results.
   */
  readonly payments: readonly OpenPaymentRow[];
  /** Lines, including this line, that are settled together for one participation. */
  readonly together: readonly StatementLineRow[];
}

const maxFound = 20;

/** Returns the data of the page for dividing a line. */
export async function lineToDivide(
  db: Queryable,
  actor: Actor,
  lineId: string,
  search: string,
): Promise<LineToDivide> {
  const line = await oneLine(db, actor, lineId);
  const open = await db.rows(newestOpenPayments, maxPaymentsLooked);
  const wanted = new Set([
    ...line.parts.map(({ participation_id }) => participation_id),
    ...line.candidates.flatMap(({ parts }) => parts.map((part) => part.participation_id)),
  ]);
  const words = foldText(search.trim());
  const isFound = ({ display_name, holder, participation_id }: OpenPaymentRow) =>
    words !== '' &&
    [display_name, holder, participation_id].some(
      (text) => text !== null && foldText(text).includes(words),
    );
  const payments = [
    ...open.filter(({ participation_id }) => wanted.has(participation_id)),
    ...open.filter((one) => !wanted.has(one.participation_id) && isFound(one)),
  ];
  const together = await db.rows(allocatedTogether, lineId);
  return { line, payments: payments.slice(0, maxFound), together };
}
lineToDivide.refusals = refusals(oneLine);

/** Adds the parts of each line, and candidates for open lines. */
async function withCandidates(
  db: Queryable,
  rows: readonly StatementLineRow[],
): Promise<OpenLine[]> {
  const lines = await withParts(db, rows);
  const isOpen = ({ status }: StatementLineRow) => status === 'unmatched' || status === 'ambiguous';
  const open = lines.filter(isOpen);
  if (open.length === 0) return lines.map((line) => ({ ...line, candidates: [] }));
  const finder = new CandidateFinder(await db.rows(newestOpenPayments, maxPaymentsLooked));
  const found = new Map<string, readonly Candidate[]>();
  for (const [accountId, own] of Map.groupBy(open, ({ account_id }) => account_id)) {
    const others = await db.rows(newestOpenLines, accountId, maxLinesLooked);
    const fitting = await fittingBySum(db, accountId, own);
    for (const line of own) {
      const known = fitting.get(line.line_id) ?? [];
      found.set(line.line_id, finder.find(line, others, known));
    }
  }
  return lines.map((line) => ({ ...line, candidates: found.get(line.line_id) ?? [] }));
}

/**
 * Returns the participations that have a payment of exactly the amount of a line, including
 * payments that were verified manually.
 */
async function fittingBySum(
  db: Queryable,
  accountId: string,
  lines: readonly StatementLineRow[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const amounts = lines.map(({ amount }) => amount);
  const days = lines.map(({ booked_on }) => booked_on);
  const rows = await db.rows(paymentsFor, accountId, amounts, days);
  const byLine = Map.groupBy(rows, ({ ordinal }) => lines[ordinal - 1]!.line_id);
  return new Map(
    [...byLine].map(([id, own]) => [id, own.map(({ participation_id }) => participation_id)]),
  );
}
