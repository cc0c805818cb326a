import type { Readable } from 'node:stream';
import type { Database } from '../database/pool.ts';
import { csvOf, type Cell } from '../csv.ts';
import type { Actor } from '../identity/actor.ts';
import { consult } from '../operation.ts';
import type { RefundRow } from './movement-queries.ts';
import { refundsToMake, type Sender } from './movements.ts';

/**
 * Every refund that is to be made, as a file for a bulk transfer. Refuses: forbidden,
 * installation_held.
 */
export async function refundsFile(db: Database, actor: Actor, gateway: Sender): Promise<Readable> {
  return await csvOf(linesOf(await consult(() => refundsToMake(db, actor, gateway))));
}

/** Those whose buyer has given no account are left out. */
async function* linesOf(refunds: AsyncIterable<RefundRow>): AsyncGenerator<Cell[]> {
  yield ['id', 'bank', 'number', 'holder', 'amount', 'note'];
  for await (const { transaction_id: id, bank, number, holder, amount } of refunds) {
    if (bank === null || number === null || holder === null) continue;
    const note = `SAMBATAN ${id.slice(-8).toUpperCase()}`;
    yield [id, bank, number, holder, amount.toString(), note];
  }
}
