import { refusals } from '../../errors/errors.ts';
import type { Database } from '../../database/pool.ts';
import type { Actor } from '../../identity/actor.ts';
import type { ParsedStatement } from '../statement-files/parse.ts';
import type * as sql from './import-queries.ts';
import { dayInJakarta, storedMappingOf, type StoredMapping } from './mapping.ts';
import { paymentsFor } from './queries.ts';
import { identifyLines } from './line-identity.ts';
import { readStatement } from './read-statement.ts';
import { authorizeImport, findStatementImport, fileOf } from './operations.ts';

/** The effect that an import would have on one transfer of the file. */
export interface PreviewedLine {
  /** The number of the line in the file, from 1. */
  readonly row: number;
  readonly booked_on: string;
  readonly amount: bigint;
  readonly description: string;
  /**
   * `match`: the transfer fits exactly one open payment. `known`: it was imported before and is
   * skipped. `doubtful`: it may have been imported before, and a person must decide.
   */
  readonly outcome: 'match' | 'ambiguous' | 'unmatched' | 'known' | 'doubtful';
  readonly participation_id: string | null;
}

/** A parsed file and the effects that its import would have; nothing is changed. */
export interface StatementPreview {
  readonly parsed: ParsedStatement;
  readonly mapping: StoredMapping;
  readonly lines: readonly PreviewedLine[];
}

/**
 * Previews the import of a file line by line; nothing is changed. If no mapping is given, uses the
 * mapping of the account, or else the built-in mapping that fits.
 */
export async function previewStatement(
  db: Database,
  actor: Actor,
  accountId: string,
  { bytes, mapping }: { readonly bytes: Buffer; readonly mapping: StoredMapping | undefined },
): Promise<StatementPreview> {
  await authorizeImport(db, actor, accountId);
  const read = await readStatement(db, accountId, bytes, mapping, dayInJakarta());
  const place = { account_id: accountId, import_id: '00000000-0000-0000-0000-000000000000' };
  return { ...read, lines: await previewLines(db, place, read.parsed) };
}
previewStatement.refusals = refusals(authorizeImport, readStatement);

async function previewLines(
  db: Database,
  place: Pick<sql.ImportRow, 'account_id' | 'import_id'>,
  { lines: read }: ParsedStatement,
): Promise<PreviewedLine[]> {
  const found = await identifyLines(db, place, read);
  const fresh = found.filter(({ isKnown }) => !isKnown).map(({ line }) => line);
  const amounts = fresh.map(({ amount }) => amount);
  const days = fresh.map(({ day }) => day);
  const rows = await db.rows(paymentsFor, place.account_id, amounts, days);
  const fitting = Map.groupBy(rows, ({ ordinal }) => fresh[ordinal - 1]!);
  const taken = new Set<string>();
  return found.map(({ line, isKnown, duplicateOf }) => {
    const { row, day: booked_on, amount, description } = line;
    const shown = { row, booked_on, amount, description, participation_id: null };
    if (isKnown) return { ...shown, outcome: 'known' };
    if (duplicateOf !== null) return { ...shown, outcome: 'doubtful' };
    // If two transfers have the same sum, the first one pays the open payment.
    const open = (fitting.get(line) ?? []).filter((one) => !taken.has(one.participation_id));
    const [only] = open;
    if (only === undefined) return { ...shown, outcome: 'unmatched' };
    if (open.length > 1) return { ...shown, outcome: 'ambiguous' };
    taken.add(only.participation_id);
    return { ...shown, outcome: 'match', participation_id: only.participation_id };
  });
}

/** Previews the import of an uploaded file, with the file's mapping or with the given mapping. */
export async function previewUpload(
  db: Database,
  actor: Actor,
  importId: string,
  mapping?: StoredMapping,
): Promise<StatementPreview & { readonly row: sql.ImportRow }> {
  const row = await findStatementImport(db, actor, importId);
  const { content, created_at } = await fileOf(db, importId);
  const chosen = mapping ?? storedMappingOf(row.mapping);
  const read = await readStatement(db, row.account_id, content, chosen, dayInJakarta(created_at));
  return { ...read, row, lines: await previewLines(db, row, read.parsed) };
}
previewUpload.refusals = refusals(findStatementImport, fileOf, readStatement);
