import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService();
const shop = await openShop(service);
after(() => service.close());
const formsOf = (client: Client) => new SiteForms(service.url, client);

test('the page offers a remainder below the minimum per buyer as a whole', async () => {
  const { id } = await shop.campaign({
    total_slots: 8,
    min_slots_per_user: 3,
    max_slots_per_user: 3,
  });
  for (let n = 0; n < 2; n++) await join(await service.user(), id, { quantity: 3 });
  const buyer = await service.user();
  const page = await formsOf(buyer).get(`/sambatan/${id}`);
  assert.match(page.text, /min="2"\s+max="2"/);
  assert.match(page.text, /Tinggal 2 slot, dan harus diambil semuanya/);
  const address = { key: newId(), shipping_address: 'Jalan Kenanga 12, Coblong, Bandung' };
  const half = await formsOf(buyer).post(`/sambatan/${id}/ikut`, { quantity: '1', ...address });
  assert.equal(half.status, 422);
  const whole = await formsOf(buyer).post(`/sambatan/${id}/ikut`, {
    quantity: '2',
    ...address,
    key: newId(),
  });
  assert.equal(whole.status, 303, whole.text);
});
