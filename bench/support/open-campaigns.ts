import { Agent } from 'node:http';
import { newId } from '../../src/identity/ids.ts';
import { Client } from '../../test/support/clients/client.ts';
import { campaignBody, expectStatus, fromNow } from '../../test/support/builders/shop.ts';
import { serviceKey } from './server.ts';

const dayMs = 86_400_000;
const atOnce = 20;

/** Creates campaigns of one product over HTTP, as a seller does; returns their ids. */
export async function openCampaigns(
  url: string,
  count: number,
  terms: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const seller = new Client({ url, agent, secrets: new Set() }, serviceKey);
  const create = async (path: string, body: object) =>
    expectStatus(await seller.post(path, body), 201).id;
  try {
    const brand = await create('/brands', { name: 'Aroma Nusantara', owner_id: newId() });
    const product = await create('/products', {
      brand_id: brand,
      name: 'Melati Senja',
      base_price: 250_000,
      sambatan_enabled: true,
    });
    const body = () =>
      campaignBody(product, { total_slots: 1_000_000, deadline: fromNow(dayMs), ...terms });
    const ids: string[] = [];
    while (ids.length < count) {
      const some = Array.from({ length: Math.min(atOnce, count - ids.length) }, () =>
        create('/campaigns', body()),
      );
      ids.push(...(await Promise.all(some)));
    }
    return ids;
  } finally {
    agent.destroy();
  }
}
