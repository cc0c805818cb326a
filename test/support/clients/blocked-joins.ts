import type { TestContext } from 'node:test';
import { newId } from '../../../src/identity/ids.ts';
import type { HttpService } from '../server/http-service.ts';
import { queryRows, keepTransactionOpen } from '../builders/market.ts';
import { joinBody, type Shop } from '../builders/shop.ts';
import { waitUntil } from '../server/until.ts';

/** Join requests that wait for an answer until the test releases them. */
export interface BlockedJoins {
  /** The id of the campaign that they want to join. */
  readonly id: string;
  /** Lets the join requests continue, and returns the status of each answer. */
  release(): Promise<number[]>;
}

/** Sends this many joins to a campaign whose row is locked by another transaction. */
export async function startBlockedJoins(
  t: TestContext,
  service: HttpService,
  shop: Shop,
  many: number,
): Promise<BlockedJoins> {
  const { id } = await shop.campaign({ total_slots: 500 });
  const holder = await keepTransactionOpen(service.db, (tx) =>
    queryRows(tx, 'select from sambatan.campaigns where campaign_id = $1 for update', id),
  );
  const joins = Array.from({ length: many }, () =>
    service.service.post(`/campaigns/${id}/join`, joinBody({ user_id: newId() })),
  );
  await waitUntil(() => service.app.concurrencyLimiter.inFlight === many);
  let going: Promise<number[]> | undefined;
  const go = async () => {
    await holder.commit();
    return (await Promise.all(joins)).map(({ status }) => status);
  };
  const letGo = () => (going ??= go());
  t.after(letGo);
  return { id, release: letGo };
}

/** The number of participations of a campaign. */
export async function countOf({ db }: HttpService, id: string): Promise<number> {
  const [row] = await queryRows<{ count: number }>(
    db,
    'select count(*)::integer as count from sambatan.participants where campaign_id = $1',
    id,
  );
  return row!.count;
}
