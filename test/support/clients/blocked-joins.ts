import type { TestContext } from 'node:test';
import { newId } from '../../../src/identity/ids.ts';
import type { HttpService } from '../server/http-service.ts';
import { ask, hold } from '../builders/market.ts';
import { joinBody, type Shop } from '../builders/shop.ts';
import { until } from '../server/until.ts';

/** Joins in flight until they are released. */
export interface Crowd {
  /** Id of their campaign. */
  readonly id: string;
  /** Releases them and returns the status of each. */
  letGo(): Promise<number[]>;
}

/** A number of joins in flight, for a campaign whose row another transaction locks. */
export async function crowd(
  t: TestContext,
  service: HttpService,
  shop: Shop,
  many: number,
): Promise<Crowd> {
  const { id } = await shop.campaign({ total_slots: 500 });
  const holder = await hold(service.db, (tx) =>
    ask(tx, 'select from sambatan.campaigns where campaign_id = $1 for update', id),
  );
  const joins = Array.from({ length: many }, () =>
    service.service.post(`/campaigns/${id}/join`, joinBody({ user_id: newId() })),
  );
  await until(() => service.app.admission.inFlight === many);
  let going: Promise<number[]> | undefined;
  const go = async () => {
    await holder.commit();
    return (await Promise.all(joins)).map(({ status }) => status);
  };
  const letGo = () => (going ??= go());
  t.after(letGo);
  return { id, letGo };
}

/** The number of participations of a campaign. */
export async function countOf({ db }: HttpService, id: string): Promise<number> {
  const [row] = await ask<{ count: number }>(
    db,
    'select count(*)::integer as count from sambatan.participants where campaign_id = $1',
    id,
  );
  return row!.count;
}
