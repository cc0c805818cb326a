import { waitUntil } from '../server/until.ts';
import type { HttpService } from '../server/http-service.ts';
import { expectStatus } from '../builders/shop.ts';
import { signIn } from '../clients/sign-in.ts';
import { createReceivingAccount } from '../builders/receiving-account.ts';
import { mergePageStates, createPaymentStates } from './views-payment.ts';
import type { PageStates, Person, StateBuilderDeps } from './page-state.ts';
import { shopToLookAt } from './shop.ts';
import { visitorViews } from './visitor-states.ts';
import { buyerViews } from './buyer-states.ts';
import { accountViews } from './account-states.ts';
import { sellerViews } from './seller-states.ts';
import { operatorViews } from './operator-states.ts';

/**
 * Creates data that is hard to lay out, and every state that a page can show. The data has long and
 * hostile words, large numbers, and lists with no, one and many items. Returns the URLs of all
 * states. The service must skip the invariants, because ten thousand rows are inserted directly.
 */
export async function createPageStates(service: HttpService): Promise<PageStates> {
  const person = async (name: string): Promise<Person> => {
    const client = await signIn(service, `${name}@contoh.id`);
    return Object.assign(client, { api: await service.user(client.userId) });
  };
  const operator = await person('petugas');
  expectStatus(await service.service.post('/operators', { user_id: operator.userId }), 201);
  // A process reads its list of operators again only after a moment.
  await waitUntil(async () => (await operator.api.get('/operators')).status === 200);
  const till = await createReceivingAccount(service.db);
  const making: StateBuilderDeps = { service, person, operator, till };
  const shop = await shopToLookAt(making);
  // This is the first step because it runs the lifecycle, which must not change the other
  // campaigns.
  const payments = await createPaymentStates(making, shop);
  const buyer = await person('pembeli');
  return mergePageStates(
    await visitorViews(making, shop),
    await buyerViews(making, shop, buyer),
    await accountViews(making, buyer),
    await sellerViews(making, shop),
    await operatorViews(making, shop),
    payments,
  );
}
