import { authorizeOnBrand } from '../../catalogue/operations.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import type { Actor } from '../../identity/actor.ts';
import { newId } from '../../identity/ids.ts';
import { requireRecentAuth, authorize } from '../../identity/policy.ts';
import * as sql from './queries.ts';

export interface BankAccount {
  readonly bank: string;
  /** The account number; digits only. */
  readonly number: string;
  readonly holder: string;
}

/** Trims the fields of a bank account and removes spaces, dots and dashes from its number. */
export function normalizeBankAccount({ bank, number, holder }: BankAccount): BankAccount {
  return { bank: bank.trim(), number: number.replaceAll(/[\s.-]/g, ''), holder: holder.trim() };
}

/** Returns all receiving accounts, the default account first; for staff. */
export async function receivingAccounts(
  db: Queryable,
  actor: Actor,
): Promise<sql.ReceivingAccountRow[]> {
  authorize(actor, 'receiving_account.manage');
  return await db.rows(sql.listReceivingAccounts);
}
receivingAccounts.refusals = refusals(authorize);

/** Adds a bank account to which buyers transfer. The first account becomes the default account. */
export async function addReceivingAccount(
  tx: Tx,
  actor: Actor,
  given: BankAccount,
  isDefault: boolean,
): Promise<sql.ReceivingAccountRow> {
  authorize(actor, 'receiving_account.manage');
  requireRecentAuth(actor);
  await tx.rows(sql.lockReceivingAccounts);
  const first = (await tx.rows(sql.listReceivingAccounts)).length === 0;
  if (isDefault) await tx.rows(sql.clearDefaultAccount);
  const { bank, number, holder } = normalizeBankAccount(given);
  const made = await tx.maybe(
    sql.insertReceivingAccount,
    newId(),
    bank,
    number,
    holder,
    isDefault || first,
  );
  if (made === undefined) throw new DomainError('receiving_account_exists', {});
  return made;
}
addReceivingAccount.refusals = refusals(
  authorize,
  requireRecentAuth,
  'receiving_account_exists',
  'campaign_busy',
);

export interface ReceivingAccountChange {
  readonly holder?: string | undefined;
  /**
   * Only true is possible: to end this account's role as the default, make another account the
   * default.
   */
  readonly isDefault?: true | undefined;
  readonly isActive?: boolean | undefined;
  /**
   * The last day (Asia/Jakarta, YYYY-MM-DD) up to which the statement of the account is completely
   * imported.
   */
  readonly statementThrough?: string | undefined;
}

/**
 * Changes a receiving account. Bank and number cannot change, because payments were made to them.
 */
export async function editReceivingAccount(
  tx: Tx,
  actor: Actor,
  accountId: string,
  change: ReceivingAccountChange,
): Promise<sql.ReceivingAccountRow> {
  authorize(actor, 'receiving_account.manage');
  requireRecentAuth(actor);
  await tx.rows(sql.lockReceivingAccounts);
  const account = await tx.maybe(sql.findReceivingAccount, accountId);
  if (account === undefined) throw new DomainError('receiving_account_not_found', {});
  const isDefault = change.isDefault ?? account.is_default;
  if (isDefault && change.isActive === false) {
    throw new DomainError('receiving_account_is_default', {});
  }
  if (change.isDefault === true) await tx.rows(sql.clearDefaultAccount);
  if (change.statementThrough !== undefined) {
    await tx.rows(sql.statementImported, accountId, change.statementThrough);
  }
  return await tx.one(
    sql.updateReceivingAccount,
    accountId,
    change.holder?.trim() ?? null,
    isDefault,
    change.isDefault === true ? true : (change.isActive ?? null),
  );
}
editReceivingAccount.refusals = refusals(
  authorize,
  requireRecentAuth,
  'receiving_account_not_found',
  'receiving_account_is_default',
  'campaign_busy',
);

/** Returns the bank account for a buyer's refunds. */
export async function refundAccount(
  db: Queryable,
  actor: Actor,
  userId: string,
): Promise<sql.OwnAccountRow> {
  authorize(actor, 'refund_account.use', { ownerId: userId });
  return requireAccount(await db.maybe(sql.findRefundAccount, userId));
}
refundAccount.refusals = refusals(authorize, requireAccount);

/** Sets the bank account for a buyer's refunds. */
export async function setRefundAccount(
  tx: Tx,
  actor: Actor,
  userId: string,
  given: BankAccount,
): Promise<sql.OwnAccountRow> {
  authorize(actor, 'refund_account.use', { ownerId: userId });
  const { bank, number, holder } = normalizeBankAccount(given);
  return await tx.one(sql.putRefundAccount, userId, bank, number, holder);
}
setRefundAccount.refusals = refusals(authorize, 'campaign_busy');

/** Returns the bank account for a brand's payouts. */
export async function payoutAccount(
  db: Queryable,
  actor: Actor,
  brandId: string,
): Promise<sql.OwnAccountRow> {
  await authorizeOnBrand(db, actor, 'payout_account.read', brandId);
  return requireAccount(await db.maybe(sql.findPayoutAccount, brandId));
}
payoutAccount.refusals = refusals(authorizeOnBrand, requireAccount);

/** Sets the bank account for a brand's payouts. */
export async function setPayoutAccount(
  tx: Tx,
  actor: Actor,
  brandId: string,
  given: BankAccount,
): Promise<sql.OwnAccountRow> {
  await authorizeOnBrand(tx, actor, 'payout_account.edit', brandId);
  requireRecentAuth(actor);
  const { bank, number, holder } = normalizeBankAccount(given);
  return await tx.one(sql.putPayoutAccount, brandId, bank, number, holder);
}
setPayoutAccount.refusals = refusals(authorizeOnBrand, requireRecentAuth, 'campaign_busy');

/** Handler for `catch`: turns `bank_account_not_found` into undefined and rethrows other errors. */
export function ignoreMissingAccount(error: unknown): undefined {
  if (error instanceof DomainError && error.code === 'bank_account_not_found') return undefined;
  throw error;
}

function requireAccount(row: sql.OwnAccountRow | undefined): sql.OwnAccountRow {
  if (row === undefined) throw new DomainError('bank_account_not_found', {});
  return row;
}
requireAccount.refusals = refusals('bank_account_not_found');
