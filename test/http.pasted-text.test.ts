import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { httpService } from './rig/http-service.ts';
import { expectStatus } from './rig/shop.ts';

const service = await httpService();
after(service.close);

test('what is pasted into an address is kept without what cannot be seen', async () => {
  const user = await service.user();
  const address = {
    label: 'Rumah',
    recipient: '\u202dSari\u00a0Dewi\u202c',
    phone: '+62\u00a0812\u20113456\u20117890\u200b',
    street: 'Jalan Ken\u00adanga 12',
    district: 'Coblong',
    city: 'Bandung',
    province: 'Jawa Barat',
    postal_code: '\u2066４０１３２\u2069',
  };
  const kept = expectStatus(await user.post('/me/addresses', address), 201);
  assert.equal(kept['recipient'], 'Sari Dewi');
  assert.equal(kept['street'], 'Jalan Kenanga 12');
  assert.equal(kept['postal_code'], '40132');
  assert.match(String(kept['phone']), /^[+\d -]+$/);
  assert.doesNotMatch(JSON.stringify(kept), /[\u00ad\u200b\u2066\u2069\u202d\u202c\ufeff]/);
});

test('a name keeps its letters and its emoji, which are made of several characters', async () => {
  const user = await service.user();
  const name = 'Sari 👩‍🌾 Dewi–Ayu';
  const kept = expectStatus(await user.patch('/me', { display_name: `\ufeff${name}` }), 200);
  assert.equal(kept['display_name'], name);
});
