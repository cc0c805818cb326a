import type { Log } from '../database/log.ts';
import type { Database } from '../database/pool.ts';
import * as sql from './queries.ts';

/** Dependencies of the maintenance that each sweep does. */
interface MaintenanceDeps {
  readonly db: Database;
  readonly log: Log;
}

/** Shipped campaigns checked per sweep, and orders received per short transaction. */
const campaignsAtOnce = 1_000;
const ordersAtOnce = 200;

/**
 * Marks shipped orders without the buyer's answer as received after their time. Logs failures; the
 * next sweep retries.
 */
export async function receiveOrders({ db, log }: MaintenanceDeps): Promise<void> {
  for (const { campaign_id: id } of await db.rows(sql.listReceiptsDue, campaignsAtOnce)) {
    try {
      for (let more = true; more;) {
        const { received } = await db.one(sql.receiveUnanswered, id, ordersAtOnce);
        more = received === ordersAtOnce;
      }
    } catch (error) {
      log.warn(
        { err: error, campaign_id: id },
        'orders could not be marked as received; the next sweep retries',
      );
    }
  }
}

/** Deletes expired rows. Logs failures; the next sweep deletes the rest. */
export async function deleteExpiredRows({ db, log }: MaintenanceDeps): Promise<void> {
  for (const statement of Object.values(sql.deleteExpiredRows)) {
    await db.rows(statement).catch((error: unknown) => {
      log.warn(
        { err: error, statement: statement.name },
        'expired rows could not be deleted; the next sweep retries',
      );
    });
  }
}
