import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { limits } from '../../src/config/limits.ts';
import { newId } from '../../src/identity/ids.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { openMailbox } from '../support/fakes/mailbox.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectProblem, expectStatus } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const mailbox = await openMailbox();
// All limits have the values of production.
const service = await startHttpService({
  environment: { SMTP_URL: mailbox.url, SAMBATAN_JOIN_RATE_LIMIT: '10' },
});
after(async () => {
  await service.close();
  await mailbox.close();
});

const someAddress = () => `tamu-${newId().slice(-12)}@contoh.id`;
const mailsTo = (email: string) =>
  mailbox.arrived.filter(({ to }) => to.toLowerCase() === email.toLowerCase()).length;

async function brandOf(owner: Client): Promise<string> {
  return String(expectStatus(await owner.post('/brands', { name: 'Kenanga' }), 201).id);
}
async function invite(by: Client, brandId: string, email: string) {
  return await by.post(`/brands/${brandId}/invitations`, { email, role: 'contributor' });
}

/** Starts the windows of all limits again, as on the next day. */
async function nextDay(): Promise<void> {
  await queryRows(
    service.db,
    "update sambatan_auth.attempts set ends_at = now() - interval '1 second'",
  );
}

test('an inviter with three brands invites 20 people a day in total', async () => {
  const inviter = await service.user();
  const { max } = limits.invitationsOfInviter;
  assert.equal(max, 20);
  const brands = [await brandOf(inviter), await brandOf(inviter), await brandOf(inviter)];
  for (let n = 0; n < max; n++) {
    expectStatus(await invite(inviter, brands[n % 3]!, someAddress()), 201);
  }
  const before = mailbox.arrived.length;
  for (const brand of brands) {
    expectProblem(await invite(inviter, brand, someAddress()), 409, 'too_many_invitations');
  }
  const page = new SiteForms(service.url, inviter);
  const fields = { email: someAddress(), role: 'contributor', language: 'id' };
  const refused = await page.post(`/toko/${brands[0]}/anggota/undang`, fields);
  assert.equal(refused.status, 409);
  assert.match(refused.text, /undang/i);
  assert.equal(mailbox.arrived.length, before, 'nobody was mailed');

  // The limit of one inviter does not affect other inviters, even in the same brand.
  const colleague = await service.user();
  await queryRows(
    service.db,
    "insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'admin')",
    brands[0],
    colleague.userId,
  );
  expectStatus(await invite(colleague, brands[0]!, someAddress()), 201);
  await nextDay();
  expectStatus(await invite(inviter, brands[1]!, someAddress()), 201);
});

test('an address gets three invitations a day, whoever sends them and in any spelling', async () => {
  const receiver = `Sari.${newId().slice(-8)}@Contoh.id`;
  const spellings = [receiver, receiver.toLowerCase(), `\u200b${receiver.toUpperCase()} `];
  for (const spelling of spellings) {
    const owner = await service.user();
    expectStatus(await invite(owner, await brandOf(owner), spelling), 201);
  }
  assert.equal(mailsTo(receiver), limits.invitationsOfReceiver.max);
  for (const spelling of spellings) {
    const owner = await service.user();
    const brand = await brandOf(owner);
    expectProblem(await invite(owner, brand, spelling), 409, 'too_many_invitations');
    // The refused invitations were not counted, so the inviter can still invite other people.
    expectStatus(await invite(owner, brand, someAddress()), 201);
  }
  assert.equal(mailsTo(receiver), limits.invitationsOfReceiver.max);
  await nextDay();
  const owner = await service.user();
  expectStatus(await invite(owner, await brandOf(owner), receiver), 201);
});

test('concurrent invitations to one address respect its limit of three', async () => {
  const receiver = someAddress();
  const owners = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const owner = await service.user();
      return { owner, brand: await brandOf(owner) };
    }),
  );
  const answers = await Promise.all(
    owners.map(({ owner, brand }) => invite(owner, brand, receiver)),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [201, 201, 201, 409, 409, 409, 409, 409]);
  assert.equal(mailsTo(receiver), 3);
});

test('refused invitations do not count: an inviter still has all 20 after trying a full mailbox', async () => {
  const full = someAddress();
  for (let n = 0; n < limits.invitationsOfReceiver.max; n++) {
    const owner = await service.user();
    expectStatus(await invite(owner, await brandOf(owner), full), 201);
  }
  const inviter = await service.user();
  const brand = await brandOf(inviter);
  for (let n = 0; n < 5; n++) {
    expectProblem(await invite(inviter, brand, full), 409, 'too_many_invitations');
  }
  for (let n = 0; n < limits.invitationsOfInviter.max; n++) {
    expectStatus(await invite(inviter, brand, someAddress()), 201);
  }
  expectProblem(await invite(inviter, brand, someAddress()), 409, 'too_many_invitations');
});
