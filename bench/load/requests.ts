import { createHmac, randomUUID } from 'node:crypto';
import type { PreparedRequest } from 'autocannon';
import { issuer } from '../../test/support/clients/client.ts';
import type { JoinMix } from './job.ts';

/** Shipping addresses of typical length. */
const addresses = [
  'Jalan Kenanga 12, RT 03/RW 05, Kelurahan Sukamaju, Bandung 40123',
  'Jl. Melati Raya No. 7, Perumahan Griya Asri Blok C2, Sleman 55281',
  'Gang Mawar 3 No. 19, Kampung Baru, Makassar 90111',
] as const;

/** Builds the requests of one connection. Each join belongs to another user. */
export function prepareRequests(mix: JoinMix, count: number, first: number): PreparedRequest[] {
  return Array.from({ length: count }, (_, index) => {
    if (mix.kind === 'reads') return { path: mix.paths[(first + index) % mix.paths.length]! };
    return join(mix, first + index);
  });
}

const oneUser = randomUUID();

function join(mix: JoinMix & { readonly kind: 'joins' }, turn: number): PreparedRequest {
  const { campaignIds, as, keys = false, same = false } = mix;
  const userId = same ? oneUser : randomUUID();
  const bearer = 'serviceKey' in as ? as.serviceKey : tokenOf(userId, as.tokenSecret);
  return {
    method: 'POST',
    path: `/api/sambatan/campaigns/${campaignIds[turn % campaignIds.length]}/join`,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${bearer}`,
      ...(keys ? { 'idempotency-key': userId } : {}),
    },
    body: JSON.stringify({
      ...('serviceKey' in as ? { user_id: userId } : {}),
      quantity: 1,
      shipping_address: addresses[turn % addresses.length],
    }),
  };
}

const header = encode({ alg: 'HS256', typ: 'JWT' });

function tokenOf(userId: string, secret: string): string {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const claims = {
    iss: issuer,
    aud: 'authenticated',
    sub: userId,
    exp,
    role: 'authenticated',
  };
  const signed = `${header}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
