import assert from 'node:assert/strict';
import { newId } from '../../../src/identity/ids.ts';
import type { ClientResponse, Body, Client } from '../clients/client.ts';
import type { HttpService } from '../server/http-service.ts';

/** A seller with a brand and a product that is enabled for campaigns, created over HTTP. */
export interface Shop {
  readonly seller: Client;
  readonly brandId: string;
  readonly productId: string;
  /** Creates a campaign of the product. Default: active, ten slots, deadline in one hour. */
  campaign(wish?: object): Promise<Body>;
}

export const hourMs = 3_600_000;

/** The time this many milliseconds from now, in the format of RFC 3339. */
export function fromNow(milliseconds: number): string {
  return new Date(Date.now() + milliseconds).toISOString();
}

/** Asserts the status of a response; returns its body. */
export function expectStatus(answer: ClientResponse, status: number): Body {
  assert.equal(answer.status, status, answer.text);
  return answer.body;
}

/** Asserts that a response is a refusal with this code and status. */
export function expectProblem(answer: ClientResponse, status: number, code: string): Body {
  assert.deepEqual([answer.status, answer.body.code], [status, code], answer.text);
  return answer.body;
}

export async function openShop(service: HttpService): Promise<Shop> {
  const seller = await service.user();
  const brand = expectStatus(await seller.post('/brands', { name: 'Melati Wangi' }), 201);
  const product = expectStatus(
    await seller.post('/products', {
      brand_id: brand.id,
      name: 'Senja',
      base_price: 150_000,
      sambatan_enabled: true,
    }),
    201,
  );
  return {
    seller,
    brandId: brand.id,
    productId: product.id,
    campaign: async (wish = {}) => {
      const body = campaignBody(product.id, wish);
      // Campaigns that are paid upfront need a receiving account.
      if ('payment_timing' in body && body.payment_timing === 'upfront')
        await ensureReceivingAccount(service);
      return expectStatus(await seller.post('/campaigns', body), 201);
    },
  };
}

/** Creates a receiving account if there is none. */
async function ensureReceivingAccount(service: HttpService): Promise<void> {
  const { items } = expectStatus(await service.service.get('/receiving-accounts'), 200);
  if (items.some((account: Body) => account['is_active'] === true)) return;
  const account = { bank: 'BCA', number: '5270011223', holder: 'PT Sambatan Bersama' };
  expectStatus(await service.service.post('/receiving-accounts', account), 201);
}

/** The body that creates a campaign. */
export function campaignBody(productId: string, wish: object = {}): object {
  return {
    product_id: productId,
    title: 'Senja batch pertama',
    total_slots: 10,
    price_per_slot: 125_000,
    deadline: fromNow(hourMs),
    publish: true,
    ...wish,
  };
}

/** The body of a join. Each postal address is unique, so that a test can search for it. */
export function joinBody(wish: object = {}): object {
  return { quantity: 1, shipping_address: `Jalan Kenanga ${newId()}, Bandung`, ...wish };
}

/** Joins a campaign; the join must succeed. */
export async function join(buyer: Client, campaignId: string, wish: object = {}): Promise<Body> {
  const answer = await buyer.post(`/campaigns/${campaignId}/join`, joinBody(wish));
  return expectStatus(answer, 201);
}

/** All items of a list, read page by page. */
export async function readAllPages(client: Client, path: string, limit: number): Promise<Body[]> {
  const items: Body[] = [];
  const separator = path.includes('?') ? '&' : '?';
  let cursor = '';
  for (let pages = 0; pages < 500; pages++) {
    const page = expectStatus(await client.get(`${path}${separator}limit=${limit}${cursor}`), 200);
    items.push(...page.items);
    if (page.next_cursor === null) return items;
    assert.equal(page.items.length, limit, 'a page that is not the last one is full');
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  throw new Error(`${path} never ends`);
}
