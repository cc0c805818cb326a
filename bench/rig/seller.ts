import { serviceKey } from './server.ts';
import { newId } from '../../src/identity/ids.ts';

/** What a benchmark does as a seller, over HTTP as any seller. */
export async function openCampaigns(
  url: string,
  count: number,
  terms: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  const brand = await create(url, 'brands', {
    name: 'Aroma Nusantara',
    owner_id: newId(),
  });
  const product = await create(url, 'products', {
    brand_id: brand,
    name: 'Melati Senja',
    base_price: 250_000,
    sambatan_enabled: true,
  });
  const ids: string[] = [];
  const atOnce = 20;
  while (ids.length < count) {
    const some = Array.from({ length: Math.min(atOnce, count - ids.length) }, () =>
      create(url, 'campaigns', {
        product_id: product,
        title: 'Melati Senja, batch pertama',
        total_slots: 1_000_000,
        price_per_slot: 200_000,
        deadline: new Date(Date.now() + 86_400_000).toISOString(),
        publish: true,
        ...terms,
      }),
    );
    ids.push(...(await Promise.all(some)));
  }
  return ids;
}

async function create(url: string, what: string, body: object): Promise<string> {
  const answer = await fetch(`${url}/api/sambatan/${what}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { id } = (await answer.json()) as { id?: string };
  if (answer.status !== 201 || id === undefined) {
    throw new Error(`POST /${what} answered ${answer.status}`);
  }
  return id;
}
