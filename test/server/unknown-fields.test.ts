import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Body } from '../support/clients/client.ts';
import { exampleRequest } from '../support/page-states/examples.ts';
import { startHttpService } from '../support/server/http-service.ts';
import {
  expectProblem,
  expectStatus,
  join,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);

let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

const fieldsOf = (body: Body) => body.errors.map(({ field }) => field);

test('every route refuses an unknown query field', async () => {
  const { operations } = service.contract;
  assert.ok(operations.length > 100);
  for (const { route } of operations) {
    const example = exampleRequest(route);
    const path = `${example.path}${example.path.includes('?') ? '&' : '?'}dry_run=true`;
    const refused = expectProblem(
      await service.service.send({ ...example, path }),
      422,
      'validation_failed',
    );
    assert.deepEqual(fieldsOf(refused), ['dry_run'], route);
  }
});

test('every route without a body refuses body fields', async () => {
  const bodiless = service.contract.operations.filter(
    ({ method, operation, route }) =>
      method !== 'GET' &&
      operation.requestBody === undefined &&
      // Routes for files refuse every body that is not a form with files, with status 415.
      !/\/(?:pictures?|proof)$/.test(route),
  );
  assert.ok(bodiless.length > 10);
  for (const { route } of bodiless) {
    const { method, path } = exampleRequest(route);
    const sent = { method, path, body: { dry_run: true } };
    const refused = expectProblem(await service.service.send(sent), 422, 'validation_failed');
    assert.deepEqual(fieldsOf(refused), ['dry_run'], route);
  }
});

test('a cancellation with an unknown query field cancels nothing', async () => {
  const { id } = await shop.campaign();
  await join(await service.user(), id);
  for (const query of ['?dry_run=true', '?dry_run', '?preview=1', '?a=1&dry_run=false']) {
    const answer = await shop.seller.post(`/campaigns/${id}/cancel${query}`, { reason: 'coba' });
    expectProblem(answer, 422, 'validation_failed');
  }
  const campaign = expectStatus(await shop.seller.get(`/campaigns/${id}`), 200);
  assert.deepEqual([campaign.status, campaign['slots_taken']], ['active', 1]);
});

test('the preview of a cancellation returns its effect and changes nothing', async () => {
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 5 });
  const buyer = await service.user();
  const paid = await join(buyer, id, { quantity: 2 });
  await join(await service.user(), id, { quantity: 1 });
  expectStatus(await service.service.post(`/participations/${paid.id}/confirm`), 200);
  const seen = expectStatus(await shop.seller.post(`/campaigns/${id}/cancel/preview`), 200);
  assert.deepEqual(seen, {
    participants: 2,
    slots: 3,
    waiting: 0,
    refunds: 1,
    refund_total: 250_000,
  });
  const campaign = expectStatus(await shop.seller.get(`/campaigns/${id}`), 200);
  assert.deepEqual([campaign.status, campaign['is_closing']], ['active', false]);

  const done = expectStatus(
    await shop.seller.post(`/campaigns/${id}/cancel`, { reason: 'x y' }),
    200,
  );
  assert.equal(done.status, 'cancelled');
  const again = await shop.seller.post(`/campaigns/${id}/cancel/preview`);
  expectProblem(again, 409, 'transition_not_allowed');
});

test('the preview of a shortfall returns its effect and changes nothing', async () => {
  const { id } = await shop.campaign({ total_slots: 3 });
  const first = await join(await service.user(), id, { quantity: 2 });
  const last = await join(await service.user(), id, { quantity: 1 });
  expectStatus(await service.service.post('/lifecycle/run'), 200);
  for (const { id: part } of [first, last]) {
    expectStatus(await service.service.post(`/participations/${part}/payment/verify`), 200);
  }
  const books = expectStatus(await shop.seller.get(`/campaigns/${id}/books`), 200);
  const seen = expectStatus(
    await shop.seller.post(`/campaigns/${id}/shortfall/preview`, { slots: 1 }),
    200,
  );
  assert.deepEqual(
    [seen['slots_before'], seen['slots_after'], seen['buyers_in_full'], seen['buyers_with_less']],
    [3, 1, 0, 2],
  );
  assert.deepEqual(expectStatus(await shop.seller.get(`/campaigns/${id}/books`), 200), books);

  const done = expectStatus(
    await shop.seller.post(`/campaigns/${id}/shortfall`, { slots: 1, reason: 'pecah dua' }),
    200,
  );
  assert.equal(done['refunds'], seen['refund_total']);
  const impossible = await shop.seller.post(`/campaigns/${id}/shortfall/preview`, { slots: 1 });
  expectProblem(impossible, 422, 'shortfall_not_possible');
});

test('a page ignores unknown form and query fields', async () => {
  const { id } = await shop.campaign();
  const answer = await service.visitor.get(`//sambatan/${id}?utm_source=wa&dry_run=true`);
  assert.equal(answer.status, 200);
});
