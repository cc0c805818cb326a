import type { Database } from '../../src/database/pool.ts';
import { addReceivingAccount } from '../../src/ledger/accounts.ts';
import { service } from './market.ts';

/** An account to which buyers transfer, made by the real verb; gives its id. */
export async function openTill(db: Database, number = '5270099001'): Promise<string> {
  const account = { bank: 'BCA', number, holder: 'PT Sambatan Bersama' };
  const made = await db.transaction((tx) => addReceivingAccount(tx, service, account, false));
  return made.account_id;
}
