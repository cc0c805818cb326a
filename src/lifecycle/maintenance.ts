import type { Log } from '../database/log.ts';
import type { Database } from '../database/pool.ts';
import * as sql from './queries.ts';

/** Dependencies of the maintenance that each sweep does. */
interface MaintenanceDeps {
  readonly db: Database;
  readonly log: Log;
}

/**
 * Maximum number of shipped campaigns that a sweep checks, and maximum number of orders that one
 * transaction marks as received.
 */
const campaignsAtOnce = 1_000;
const ordersAtOnce = 200;

/**
 * Marks orders of shipped batches as received if their buyers have reported nothing in time. Logs
 * failures; the next sweep tries again.
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

/** Deletes expired rows. Logs failures; the next sweep deletes the remaining rows. */
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
