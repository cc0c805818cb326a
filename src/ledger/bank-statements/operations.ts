import { wording } from '../../i18n/messages.ts';
import { hash } from 'node:crypto';
import type { Database } from '../../database/pool.ts';
import type { Queryable } from '../../database/query.ts';
import { sizeLimits } from '../../config/size-limits.ts';
import { DomainError, invalidField, refusals } from '../../errors/errors.ts';
import { actorLabel, type Actor } from '../../identity/actor.ts';
import { newId } from '../../identity/ids.ts';
import { authorize } from '../../identity/policy.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { runInTransaction } from '../../operation/run.ts';
import { previewTable, type ParsedStatement } from '../statement-files/parse.ts';
import * as sql from './import-queries.ts';
import { findReceivingAccount, type ReceivingAccountRow } from '../bank-accounts/queries.ts';
import { maxSkippedKept, type StatementImporter } from './importer.ts';
import { dayInJakarta, storedMappingOf, type StoredMapping } from './mapping.ts';
import { countOpenLines } from './queries.ts';
import { readStatement, keptMapping } from './read-statement.ts';

/** Maximum size of a statement in bytes: 20,000 lines (`maxStatementRows`) of 400 bytes. */
export const maxStatementBytes = sizeLimits.statementBytes.max;

/** How long an API request waits for its import. If the import takes longer, the answer is 202. */
export const maxImportWaitMs = 10_000;

/** Dependencies of imports. */
export interface ImportDeps {
  readonly db: Database;
  readonly importer: StatementImporter;
}

/** Throws unless the account exists and the caller may import its statements. */
export async function authorizeImport(
  db: Queryable,
  actor: Actor,
  accountId: string,
): Promise<ReceivingAccountRow> {
  authorize(actor, 'statement.import');
  const account = await db.maybe(findReceivingAccount, accountId);
  if (account === undefined) throw new DomainError('receiving_account_not_found', {});
  return account;
}
authorizeImport.refusals = refusals(authorize, 'receiving_account_not_found');

export interface UploadInput {
  readonly bytes: Buffer;
  readonly fileName: string;
  readonly mapping: StoredMapping | undefined;
}

/**
 * Stores a file; its import starts with a separate call. Refuses a file without a readable table at
 * once: statement_not_readable. Also refuses: forbidden, receiving_account_not_found.
 */
export async function uploadStatement(
  db: Database,
  actor: Actor,
  accountId: string,
  { bytes, fileName, mapping }: UploadInput,
): Promise<sql.ImportRow> {
  const caller = authorize(actor, 'statement.import');
  await authorizeImport(db, actor, accountId);
  await previewTable(bytes);
  const kept = mapping ?? (await keptMapping(db, accountId)) ?? { format: 'auto' };
  return await runInTransaction(db, (tx) =>
    tx.one(
      sql.insertImport,
      newId(),
      accountId,
      storableName(fileName),
      hash('sha256', bytes, 'buffer'),
      bytes,
      JSON.stringify(kept),
      actorLabel(caller),
    ),
  );
}
uploadStatement.refusals = refusals(authorizeImport, 'statement_not_readable', 'campaign_busy');

function storableName(name: string): string {
  return [
    ...name
      .replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ')
      .trim()
      .toWellFormed(),
  ]
    .slice(0, 200)
    .join('');
}

/** Returns one import with its current progress. */
export async function findStatementImport(
  db: Queryable,
  actor: Actor,
  importId: string,
): Promise<sql.ImportRow> {
  authorize(actor, 'statement.import');
  const row = await db.maybe(sql.findImport, importId);
  if (row === undefined) throw new DomainError('statement_import_not_found', {});
  return row;
}
findStatementImport.refusals = refusals(authorize, 'statement_import_not_found');

/** Returns the bytes of an uploaded file. */
export async function fileOf(
  db: Database,
  importId: string,
): Promise<{ readonly content: Buffer; readonly created_at: Date }> {
  const file = await db.maybe(sql.findImportFile, importId);
  if (file === undefined || file.content === null) {
    throw new DomainError('statement_import_started', {});
  }
  return { content: file.content, created_at: file.created_at };
}
fileOf.refusals = refusals('statement_import_started');

/** Stores the mapping of an uploaded file. */
export async function mapUpload(
  db: Database,
  actor: Actor,
  importId: string,
  mapping: StoredMapping,
): Promise<void> {
  await findStatementImport(db, actor, importId);
  const done = await runInTransaction(db, (tx) =>
    tx.maybe(sql.setImportMapping, importId, JSON.stringify(mapping)),
  );
  if (done === undefined) throw new DomainError('statement_import_started', {});
}
mapUpload.refusals = refusals(findStatementImport, 'statement_import_started', 'campaign_busy');

export interface StartInput {
  readonly mapping?: StoredMapping | undefined;
  /** True to use the mapping for later files of the account too. */
  readonly keepMapping?: boolean;
  /** The last day up to which the file is complete, YYYY-MM-DD. */
  readonly through?: string | undefined;
}

/**
 * Imports an uploaded file. Returns the progress of the import after at most `maxWaitMs`; if it is
 * not finished then, it continues in the background.
 */
export async function applyUpload(
  { db, importer }: ImportDeps,
  actor: Actor,
  importId: string,
  {
    mapping,
    keepMapping = false,
    through,
    maxWaitMs,
    read: given,
  }: StartInput & {
    readonly maxWaitMs: number;
    /** The parsed file, if the caller has parsed it already. */
    readonly read?: { readonly parsed: ParsedStatement; readonly mapping: StoredMapping };
  },
): Promise<sql.ImportRow> {
  const by = actorLabel(authorize(actor, 'statement.import'));
  const row = await findStatementImport(db, actor, importId);
  if (row.state !== 'uploaded') throw new DomainError('statement_import_started', {});
  const { content, created_at } = await fileOf(db, importId);
  const uploadedOn = dayInJakarta(created_at);
  if (through !== undefined && !isPast(through, uploadedOn)) throw notOver();
  await assertNotQuarantined(db);
  const chosen = mapping ?? storedMappingOf(row.mapping);
  const read = given ?? (await readStatement(db, row.account_id, content, chosen, uploadedOn));
  const asJson = JSON.stringify(read.mapping);
  const { lines, skipped } = read.parsed;
  const started = await runInTransaction(db, async (tx) => {
    if (keepMapping) await tx.rows(sql.putMapping, row.account_id, asJson, by);
    return await tx.maybe(
      sql.startImport,
      importId,
      asJson,
      through ?? null,
      lines.length,
      skipped.length,
      JSON.stringify(skipped.slice(0, maxSkippedKept), (_, value: unknown) =>
        typeof value === 'bigint' ? Number(value) : value,
      ),
      by,
    );
  });
  if (started === undefined) throw new DomainError('statement_import_started', {});
  await importer.drive(importId, maxWaitMs, read.parsed);
  return await findStatementImport(db, actor, importId);
}
applyUpload.refusals = refusals(
  findStatementImport,
  fileOf,
  assertNotQuarantined,
  readStatement,
  'campaign_busy',
);

/** Uploads and imports a file in one call, without a preview. */
export async function importStatement(
  deps: ImportDeps,
  actor: Actor,
  accountId: string,
  input: UploadInput & { readonly maxWaitMs: number },
): Promise<sql.ImportRow> {
  const { db } = deps;
  await authorizeImport(db, actor, accountId);
  await assertNotQuarantined(db);
  // Parse the file before storing anything, so that nothing is stored for an unreadable file.
  const read = await readStatement(db, accountId, input.bytes, input.mapping, dayInJakarta());
  const { import_id } = await uploadStatement(db, actor, accountId, input);
  // An earlier request with the same idempotency key has started this import.
  const row = await findStatementImport(db, actor, import_id);
  if (row.state !== 'uploaded') {
    await deps.importer.drive(import_id, input.maxWaitMs);
    return await findStatementImport(db, actor, import_id);
  }
  return await applyUpload(deps, actor, import_id, { maxWaitMs: input.maxWaitMs, read });
}
importStatement.refusals = refusals(assertNotQuarantined, uploadStatement);

/** Returns the number of open lines of the account, which a person must handle. */
export async function openCounts(db: Database, accountId: string) {
  return await db.one(countOpenLines, accountId);
}

function isPast(day: string, today: string): boolean {
  const moment = new Date(`${day}T00:00:00Z`);
  return !isNaN(moment.getTime()) && moment.toISOString().slice(0, 10) === day && day < today;
}

function notOver() {
  return invalidField('through', wording('errors.field.statementThrough'));
}
