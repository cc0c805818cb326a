import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import { actorLabel, type Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { findBuyer } from '../payments/queries.ts';
import * as sql from './queries.ts';

/**
 * A statement line with its parts: the participations for which it pays, if a person or the import
 * has recorded them.
 */
export interface DividedLine extends sql.StatementLineRow {
  readonly parts: readonly sql.LinePartRow[];
}

/** The part of a line, in rupiah, that pays for one participation. */
export interface PartInput {
  readonly participationId: string;
  /** `whole`: the whole amount of the line. */
  readonly amount: bigint | 'whole';
}

/** Adds to each line its allocations; keeps the order of the lines. */
export async function withParts(
  db: Queryable,
  lines: readonly sql.StatementLineRow[],
): Promise<DividedLine[]> {
  const ids = lines.filter(({ status }) => ['allocated', 'matched'].includes(status));
  const rows = await db.rows(
    sql.partsOfLines,
    ids.map(({ line_id }) => line_id),
  );
  const byLine = Map.groupBy(rows, ({ line_id }) => line_id);
  return lines.map((line) => ({ ...line, parts: byLine.get(line.line_id) ?? [] }));
}

/**
 * Records which participation a line pays for. The line is settled at once if it pays the amount
 * owed, alone or with other lines for the same participation. A smaller amount waits for the rest,
 * unless `refund` is true: then it is refunded.
 */
export async function assignLine(
  tx: Tx,
  actor: Actor,
  lineId: string,
  { participationId, refund = false }: { participationId: string; refund?: boolean },
): Promise<DividedLine> {
  const by = actorLabel(authorize(actor, 'statement.import'));
  await assertNotQuarantined(tx);
  await refuseUnknown(tx, lineId);
  const campaignId = await campaignOf(tx, participationId);
  const line = await tx.one(sql.assignLine, lineId, campaignId, participationId, refund, by);
  return (await withParts(tx, [line]))[0]!;
}
assignLine.refusals = refusals(
  authorize,
  assertNotQuarantined,
  refuseUnknown,
  campaignOf,
  'statement_line_handled',
  'campaign_busy',
);

/**
 * Divides a line over participations; nothing is settled before `settleLines`. Replaces an earlier
 * division; an empty list makes the line open again.
 */
export async function divideLine(
  tx: Tx,
  actor: Actor,
  lineId: string,
  parts: readonly PartInput[],
): Promise<DividedLine> {
  const by = actorLabel(authorize(actor, 'statement.import'));
  const whole = await refuseUnknown(tx, lineId);
  const sums = new Map<string, bigint>();
  for (const { participationId, amount } of parts) {
    const more = amount === 'whole' ? whole.amount : amount;
    sums.set(participationId, (sums.get(participationId) ?? 0n) + more);
  }
  const campaigns: string[] = [];
  for (const id of sums.keys()) campaigns.push(await campaignOf(tx, id));
  const amounts = [...sums.values()];
  const line = await tx.one(sql.allocateLine, lineId, campaigns, [...sums.keys()], amounts, by);
  return (await withParts(tx, [line]))[0]!;
}
divideLine.refusals = refusals(
  authorize,
  refuseUnknown,
  campaignOf,
  'statement_line_handled',
  'statement_parts_exceed_line',
  'campaign_busy',
);

/**
 * Settles divided lines, all or none. The parts of several lines for one participation are added
 * up. The rest of a line is added to its first part; money that pays for nothing becomes a refund.
 */
export async function settleLines(
  tx: Tx,
  actor: Actor,
  lineIds: readonly string[],
  refund = false,
): Promise<DividedLine[]> {
  const by = actorLabel(authorize(actor, 'statement.import'));
  await assertNotQuarantined(tx);
  const ids = [...new Set(lineIds)];
  await tx.one(sql.countLines, ids, refund, by);
  const settled = await withParts(tx, await tx.rows(sql.findLines, ids));
  for (const { parts } of settled) for (const part of parts) tx.noteChanged(part.campaign_id);
  return settled;
}
settleLines.refusals = refusals(
  authorize,
  assertNotQuarantined,
  'statement_line_not_found',
  'statement_line_handled',
  'statement_line_not_divided',
  'statement_lines_too_little',
  'campaign_busy',
);

/** Marks a line as unrelated to any participation, with a reason. */
export async function ignoreLine(
  tx: Tx,
  actor: Actor,
  lineId: string,
  reason: string,
): Promise<DividedLine> {
  const caller = authorize(actor, 'statement.import');
  const ignored = await tx.maybe(sql.ignoreLine, lineId, reason, actorLabel(caller));
  if (ignored !== undefined) return { ...ignored, parts: [] };
  await refuseUnknown(tx, lineId);
  throw new DomainError('statement_line_handled', {});
}
ignoreLine.refusals = refusals(authorize, refuseUnknown, 'statement_line_handled', 'campaign_busy');

async function refuseUnknown(tx: Tx, lineId: string): Promise<sql.StatementLineRow> {
  const line = await tx.maybe(sql.findLine, lineId);
  if (line === undefined) throw new DomainError('statement_line_not_found', {});
  return line;
}
refuseUnknown.refusals = refusals('statement_line_not_found');

async function campaignOf(tx: Tx, participationId: string): Promise<string> {
  const buyer = await tx.maybe(findBuyer, participationId);
  if (buyer === undefined) throw new DomainError('participation_not_found', {});
  return buyer.campaign_id;
}
campaignOf.refusals = refusals('participation_not_found');
