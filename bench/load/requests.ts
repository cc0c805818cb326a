import { randomUUID } from 'node:crypto';
import type { PreparedRequest } from 'autocannon';
import type { RequestMix } from './job.ts';

/** Shipping addresses of typical length. */
const addresses = [
  'Jalan Kenanga 12, RT 03/RW 05, Kelurahan Sukamaju, Bandung 40123',
  'Jl. Melati Raya No. 7, Perumahan Griya Asri Blok C2, Sleman 55281',
  'Gang Mawar 3 No. 19, Kampung Baru, Makassar 90111',
] as const;

/** Builds the requests of one connection. Each join belongs to another user. */
export function prepareRequests(mix: RequestMix, count: number, first: number): PreparedRequest[] {
  return Array.from({ length: count }, (_, index) => {
    if (mix.kind === 'reads') return { path: mix.paths[(first + index) % mix.paths.length]! };
    return join(mix, first + index);
  });
}

const oneUser = randomUUID();

function join(mix: RequestMix & { readonly kind: 'joins' }, turn: number): PreparedRequest {
  const { campaignIds, serviceKey, same = false } = mix;
  return {
    method: 'POST',
    path: `/api/sambatan/campaigns/${campaignIds[turn % campaignIds.length]}/join`,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${serviceKey}`,
    },
    body: JSON.stringify({
      user_id: same ? oneUser : randomUUID(),
      quantity: 1,
      shipping_address: addresses[turn % addresses.length],
    }),
  };
}
