import type { Database } from '../../database/pool.ts';
import { refusals } from '../../errors/errors.ts';
import type { ParsedStatement } from '../statement-files/parse.ts';
import * as sql from './import-queries.ts';
import { readByMapping, recognizeBank, storedMappingOf, type StoredMapping } from './mapping.ts';

/** Reads a statement file of an account. */
export async function readStatement(
  db: Database,
  accountId: string,
  bytes: Buffer,
  mapping: StoredMapping | undefined,
  today: string,
): Promise<{ readonly parsed: ParsedStatement; readonly mapping: StoredMapping }> {
  if (mapping !== undefined && !('format' in mapping && mapping.format === 'auto')) {
    return { parsed: await readByMapping(bytes, mapping, today), mapping };
  }
  return await recognizeBank(bytes, await keptMapping(db, accountId), today);
}
readStatement.refusals = refusals('statement_not_readable');

/** Returns the stored mapping of an account; undefined if it has none. */
export async function keptMapping(
  db: Database,
  accountId: string,
): Promise<StoredMapping | undefined> {
  const kept = await db.maybe(sql.findMapping, accountId);
  return kept && storedMappingOf(kept.mapping);
}
