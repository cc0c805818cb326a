import type { TestContext } from 'node:test';
import { newId } from '../../../src/identity/ids.ts';
import type { HttpService } from '../server/http-service.ts';
import { queryRows, keepTransactionOpen } from '../builders/market.ts';
import { joinBody, type Shop } from '../builders/shop.ts';
import { waitUntil } from '../server/until.ts';

/** Joins in flight until they are released. */
export interface BlockedJoins {
  /** Id of their campaign. */
  readonly id: string;
  /** Releases them and returns the status of each. */
  release(): Promise<number[]>;
}

/** A number of joins in flight, for a campaign whose row another transaction locks. */
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
