import type { Database } from '../../../src/database/pool.ts';
import { addReceivingAccount } from '../../../src/ledger/bank-accounts/operations.ts';
import { queryRows, service } from './market.ts';

/** Creates a receiving account by the real operation; returns its id. */
export async function createReceivingAccount(db: Database, number = '5270099001'): Promise<string> {
  const account = { bank: 'BCA', number, holder: 'PT Sambatan Bersama' };
  const made = await db.transaction((tx) => addReceivingAccount(tx, service, account, false));
  return made.account_id;
}

/** Deletes all receiving accounts, as if none had been added yet. */
export async function deleteReceivingAccounts(db: Database): Promise<void> {
  await queryRows(
    db,
    `delete from sambatan.receiving_accounts a where not exists (
      select 1 from sambatan.transactions t where t.account_id = a.account_id)`,
  );
  await queryRows(
    db,
    'update sambatan.receiving_accounts set is_active = false, is_default = false',
  );
}
