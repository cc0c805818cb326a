import type { Database } from '../database/pool.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError } from '../errors.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { permit } from '../identity/policy.ts';
import { refuseWhileHeld } from '../installation/operations.ts';
import { consult, operate } from '../operation.ts';
import { findBuyer, findReceivingAccount } from './queries.ts';
import type { StatementFile, Transfer } from './statement-file.ts';
import * as sql from './statement-queries.ts';

/** Lines that one import matches at most; what is left over is matched by the next one. */
const matchedAtOnce = 5_000;
/**
 * Open lines that an import looks at for whether they fit a payment, so many in one statement. An
 * account also gets transfers that are nobody's, and perhaps nobody sets them aside.
 */
const mostLookedAt = 50_000;
const lookedAtOnce = 1_000;

/** What an import would do with a transfer. */
export interface PreviewedLine {
  readonly booked_on: string;
  readonly amount: bigint;
  readonly description: string;
  /** `match`: it is for exactly one open payment; `known`: nothing will be done with it again. */
  readonly outcome: 'match' | 'ambiguous' | 'unmatched' | 'known';
  readonly participation_id: string | null;
}

/** Throws unless the caller may import statements of an account that is there. */
export async function permitImport(db: Queryable, actor: Actor, accountId: string) {
  const caller = permit(actor, 'statement.import');
  if ((await db.maybe(findReceivingAccount, accountId)) === undefined) {
    throw new DomainError('receiving_account_not_found', {});
  }
  return caller;
}

/**
 * What an import of this statement would do, line by line; nothing is changed. Refuses: forbidden,
 * receiving_account_not_found.
 */
export async function previewStatement(
  db: Queryable,
  actor: Actor,
  accountId: string,
  { transfers }: StatementFile,
): Promise<PreviewedLine[]> {
  await permitImport(db, actor, accountId);
  const prints = transfers.map(({ fingerprint }) => fingerprint);
  const rows = await db.rows(sql.knownFingerprints, accountId, prints);
  const known = new Set(rows.map(({ fingerprint }) => fingerprint.toString('hex')));
  const fitting = Map.groupBy(
    await db.rows(
      sql.paymentsFor,
      accountId,
      transfers.map(({ amount }) => amount),
      transfers.map(({ bookedOn }) => bookedOn),
    ),
    ({ ordinal }) => ordinal - 1,
  );
  const taken = new Set<string>();
  return transfers.map((transfer, index) => {
    const { bookedOn: booked_on, amount, description, fingerprint } = transfer;
    const line = { booked_on, amount, description, participation_id: null };
    if (known.has(fingerprint.toString('hex'))) return { ...line, outcome: 'known' };
    // Of two transfers of one sum the first pays what is open.
    const open = (fitting.get(index) ?? []).filter((one) => !taken.has(one.participation_id));
    const [only] = open;
    if (only === undefined) return { ...line, outcome: 'unmatched' };
    if (open.length > 1) return { ...line, outcome: 'ambiguous' };
    taken.add(only.participation_id);
    return { ...line, outcome: 'match', participation_id: only.participation_id };
  });
}

export interface Imported {
  /** Lines that were not known before. */
  readonly added: number;
  /** What became of those and of older open ones of the account. */
  readonly matched: readonly sql.StatementLineRow[];
  readonly unmatched: number;
  readonly ambiguous: number;
}

/**
 * Imports a statement and matches what is open. Lines are kept in one transaction; then each is
 * matched in one of its own, so that no campaign is held for the length of a file: an import that
 * was cut off is finished by the next, and the same statement again changes nothing. Refuses:
 * forbidden, receiving_account_not_found, installation_held.
 */
export async function importStatement(
  db: Database,
  actor: Actor,
  accountId: string,
  { transfers }: StatementFile,
): Promise<Imported> {
  const by = actorLabel(await permitImport(db, actor, accountId));
  await consult(() => refuseWhileHeld(db));
  const added = await operate(db, (tx) => keepLines(tx, accountId, transfers, by));
  const lines: sql.StatementLineRow[] = [];
  for (const lineId of await linesToMatch(db, accountId)) {
    lines.push(await operate(db, (tx) => tx.one(sql.matchLine, lineId, by)));
  }
  return {
    added,
    matched: lines.filter(({ status }) => status === 'matched'),
    ...(await consult(() => db.one(sql.countOpenLines, accountId))),
  };
}

/**
 * Open lines that matching would change: those that fit a payment, in order of their days, as the
 * first of two transfers of one sum is the one that pays; then those that fitted several.
 */
async function linesToMatch(db: Database, accountId: string): Promise<readonly string[]> {
  const found: sql.OpenLineRow[] = [];
  let before: sql.OpenLineRow | undefined;
  for (let looked = 0; looked < mostLookedAt; looked += lookedAtOnce) {
    const [day, id] = [before?.booked_on ?? null, before?.line_id ?? null];
    const rows = await consult(() => db.rows(sql.openLinesOf, accountId, day, id, lookedAtOnce));
    found.push(...rows.filter(({ fits, status }) => fits || status === 'ambiguous'));
    before = rows.at(-1);
    if (rows.length < lookedAtOnce) break;
  }
  const inOrder = found.toReversed();
  const fitted = (status: sql.StatementLineStatus) =>
    inOrder.filter((line) => line.status === status).map(({ line_id }) => line_id);
  return [...fitted('unmatched'), ...fitted('ambiguous')].slice(0, matchedAtOnce);
}

async function keepLines(
  tx: Tx,
  accountId: string,
  transfers: readonly Transfer[],
  by: string,
): Promise<number> {
  const rows = await tx.rows(
    sql.insertLines,
    accountId,
    // In the order of the file, also within one millisecond: of two equal sums the first one pays.
    transfers.map(() => newId()).toSorted(),
    transfers.map(({ fingerprint }) => fingerprint),
    transfers.map(({ bookedOn }) => bookedOn),
    transfers.map(({ amount }) => amount),
    transfers.map(({ description }) => description),
    by,
  );
  return rows.length;
}

/**
 * A person says which participation a line pays for; what does not pay for it is credited. Refuses:
 * forbidden, statement_line_not_found, participation_not_found, statement_line_handled,
 * installation_held.
 */
export async function assignLine(
  tx: Tx,
  actor: Actor,
  lineId: string,
  participationId: string,
): Promise<sql.StatementLineRow> {
  const caller = permit(actor, 'statement.import');
  await refuseWhileHeld(tx);
  if ((await tx.maybe(sql.findLine, lineId)) === undefined) {
    throw new DomainError('statement_line_not_found', {});
  }
  const buyer = await tx.maybe(findBuyer, participationId);
  if (buyer === undefined) throw new DomainError('participation_not_found', {});
  return await tx.one(
    sql.assignLine,
    lineId,
    buyer.campaign_id,
    participationId,
    actorLabel(caller),
  );
}

/**
 * A line is not about any participation, says a person, and why. Refuses: forbidden,
 * statement_line_not_found, statement_line_handled.
 */
export async function ignoreLine(
  tx: Tx,
  actor: Actor,
  lineId: string,
  reason: string,
): Promise<sql.StatementLineRow> {
  const caller = permit(actor, 'statement.import');
  const ignored = await tx.maybe(sql.ignoreLine, lineId, reason, actorLabel(caller));
  if (ignored !== undefined) return ignored;
  const isThere = (await tx.maybe(sql.findLine, lineId)) !== undefined;
  throw new DomainError(isThere ? 'statement_line_handled' : 'statement_line_not_found', {});
}
