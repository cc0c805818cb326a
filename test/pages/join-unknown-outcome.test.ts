import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openShop, type Shop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';
import { startStatementProxy, type StatementFault } from '../support/fakes/statement-proxy.ts';
import { startHttpService } from '../support/server/http-service.ts';

const faults: StatementFault[] = [];
let proxy: Awaited<ReturnType<typeof startStatementProxy>>;
const service = await startHttpService({
  proxiedDatabase: async (url) => {
    proxy = await startStatementProxy(url, 'join_campaigns', () => faults.shift() ?? 'pass');
    return proxy.url;
  },
});
after(async () => {
  await service.close();
  await proxy.close();
});
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

const keyIn = (page: string) => /name="key" value="([^"]+)"/.exec(page)![1]!;

for (const fault of ['lose answer', 'lose request'] as const) {
  test(`${fault}: a join form of unknown outcome, sent again, gives exactly one order`, async () => {
    const { id } = await shop.campaign({});
    const buyer = new SiteForms(service.url, await service.user());
    const key = keyIn((await buyer.get(`/sambatan/${id}`)).text);
    const fields = { quantity: '2', shipping_address: 'Jalan Kenanga 12, Bandung', note: '' };
    const path = `/sambatan/${id}/ikut`;
    faults.push(fault, fault, fault);
    const unknown = await buyer.post(path, { ...fields, key });
    assert.equal(unknown.status, 503);
    assert.ok(unknown.headers.has('retry-after'));
    const again = await buyer.post(path, { ...fields, key });
    assert.equal(again.status, 303);
    const { body } = await service.visitor.get(`/campaigns/${id}/progress`);
    assert.equal(body['filled_slots'], 2);
  });
}
