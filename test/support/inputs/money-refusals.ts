import assert from 'node:assert/strict';
import { newId } from '../../../src/identity/ids.ts';
import { maxStatementBytes } from '../../../src/ledger/bank-statements/operations.ts';
import type { Body, Client } from '../clients/client.ts';
import type { HttpService } from '../server/http-service.ts';
import { queryRows, joinSuccessfully, joinRequest } from '../builders/market.ts';
import { photo } from '../builders/pictures.ts';
import { deleteReceivingAccounts } from '../builders/receiving-account.ts';
import { campaignBody, expectProblem, expectStatus, type Shop } from '../builders/shop.ts';
import { pdfOf } from '../builders/pdf.ts';

const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
const why = { reason: 'alasan yang jelas' };
const reasons = [
  'participations/{id}/payment/reject',
  'participations/{id}/payment/write-off',
  'participations/{id}/dispute',
  'refunds/{id}/fail',
  'refunds/{id}/reverse',
  'claims/{id}/give-up',
  'payouts/{id}/reverse',
  'statement-lines/{id}/ignore',
];

/** A valid body for each route about money. */
export const moneyBodies: Readonly<Record<string, () => object>> = {
  ...Object.fromEntries(reasons.map((route) => [`POST /${route}`, () => why])),
  'POST /receiving-accounts': () => bank,
  'PATCH /receiving-accounts/{id}': () => ({ holder: 'PT Sambatan' }),
  'PUT /refund-account': () => ({ user_id: newId(), ...bank }),
  'PUT /brands/{id}/payout-account': () => bank,
  'POST /participations/{id}/payment/verify': () => ({}),
  'POST /statement-lines/{id}/assign': () => ({ participation_id: newId() }),
  'PUT /statement-lines/{id}/parts': () => ({ parts: [] }),
  'POST /statement-lines/settle': () => ({ ids: [newId()] }),
  'POST /statements/{id}/preview': () => ({}),
  'POST /statements/{id}/apply': () => ({}),
  'POST /refunds/settle': () => ({ ids: [newId()], reference: 'TRF 1' }),
  'POST /claims/{id}/settle': () => ({ reference: 'TRF 1' }),
  'POST /payouts/{id}/settle': () => ({ reference: 'TRF 1' }),
  'POST /campaigns/{id}/shortfall': () => ({ slots: 1, reason: 'pecah satu' }),
  'POST /campaigns/{id}/shortfall/preview': () => ({ slots: 1 }),
  'POST /disputes/{id}/resolve': () => ({ resolution: 'dismissed', explanation: 'dicek' }),
};

type Test = (name: string, run: () => Promise<void>) => Promise<void>;

/** Triggers every refusal of the routes about money. */
export async function triggerMoneyRefusals(
  service: HttpService,
  shop: Shop,
  test: Test,
): Promise<void> {
  const staff = service.service;
  const buyer = await service.user();
  const outsider = await service.user();
  const put = (by: Client, path: string, body: object) => by.send({ method: 'PUT', path, body });
  const proof = (by: Client, id: string, content = pdfOf()) =>
    by.send({
      method: 'POST',
      path: `/participations/${id}/proof`,
      body: content,
      headers: { 'content-type': 'application/pdf' },
    });
  const picture = async (by: Client, id: string) =>
    by.send({
      method: 'POST',
      path: `/participations/${id}/dispute/pictures`,
      body: await photo(),
      headers: { 'content-type': 'image/jpeg' },
    });
  /** Adds three pictures to a dispute, and checks who may add and see them. */
  const pictured = async (dispute: string, participation: string) => {
    const path = `/disputes/${dispute}/picture`;
    expectProblem(await buyer.get(path), 404, 'dispute_not_found');
    expectProblem(await picture(outsider, participation), 404, 'participation_not_found');
    expectProblem(await picture(shop.seller, participation), 403, 'forbidden');
    for (const pictures of [1, 2, 3]) {
      const added = expectStatus(await picture(buyer, participation), 201);
      assert.deepEqual(added, { dispute_id: dispute, pictures });
    }
    expectProblem(await picture(buyer, participation), 422, 'validation_failed');
    const at = `/participations/${participation}/dispute/pictures`;
    const sent = (body: string, type: string) =>
      buyer.send({ method: 'POST', path: at, body, headers: { 'content-type': type } });
    const large = await sent('x'.repeat(5 * 1024 * 1024 + 1), 'image/png');
    expectProblem(large, 413, 'payload_too_large');
    expectProblem(await sent('GIF89a', 'image/gif'), 415, 'unsupported_media_type');
    expectProblem(await outsider.get(path), 404, 'dispute_not_found');
    for (const by of [buyer, staff, shop.seller]) {
      const shown = await by.get(`${path}?number=3`);
      assert.deepEqual([shown.status, shown.headers['content-type']], [200, 'image/webp']);
    }
    const [open] = expectStatus(await staff.get('/disputes'), 200).items;
    assert.equal(open!['pictures'], 3);
  };
  const statement = (by: Client, account: string, csv: string, query = '') =>
    by.send({
      method: 'POST',
      path: `/receiving-accounts/${account}/statement${query}`,
      body: csv,
      headers: { 'content-type': 'text/csv' },
    });

  /** Joins a campaign as the buyer, without a rate limit. */
  const enter = async (campaignId: string, quantity = 1) => {
    const [id = ''] = await joinSuccessfully(
      service.db,
      joinRequest(campaignId, { quantity, userId: buyer.userId }),
    );
    return { id };
  };

  /**
   * A participation of the buyer in a completed campaign; by default the campaign has two slots.
   */
  const sold = async (quantity = 2) => {
    const { id } = await shop.campaign({ total_slots: quantity });
    const participation = await enter(id, quantity);
    await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', id);
    return { id, participation: participation.id };
  };
  const payoutOf = async (campaignId: string) => {
    const { items } = expectStatus(await staff.get('/payouts?limit=100'), 200);
    return items.find((one) => one['campaign_id'] === campaignId)!.id;
  };
  const verified = async (id: string) =>
    expectStatus(await staff.post(`/participations/${id}/payment/verify`), 200);
  /** Creates a refund that is due, because the same money arrived a second time. */
  const refund = async (participation: string) => {
    await queryRows(
      service.db,
      `select sambatan.receive_money(campaign_id, participation_id, 500, 'service', null,
        gen_random_uuid()::text)
      from sambatan.participants where participation_id = $1`,
      participation,
    );
    const [made] = await queryRows<{ id: string }>(
      service.db,
      `select transaction_id as id from sambatan.transactions
      where participation_id = $1 and kind = 'refund' order by created_at desc limit 1`,
      participation,
    );
    return made!.id;
  };

  await test('callers who are not staff cannot manage money', async () => {
    const one = newId();
    for (const [method, path, body] of [
      ['GET', '/receiving-accounts'],
      ['POST', '/receiving-accounts', bank],
      ['PATCH', `/receiving-accounts/${one}`, { holder: 'PT Sambatan' }],
      ['GET', `/refund-account?user_id=${one}`],
      ['PUT', '/refund-account', { ...bank, user_id: one }],
      ['GET', `/brands/${shop.brandId}/payout-account`],
      ['PUT', `/brands/${shop.brandId}/payout-account`, bank],
      ['GET', `/brands/${shop.brandId}/payouts`],
      ['GET', '/payments'],
      ['GET', '/statements'],
      ['GET', `/statements/${one}`],
      ['GET', `/statements/${one}/rows`],
      ['POST', `/statements/${one}/preview`, {}],
      ['POST', `/statements/${one}/apply`, {}],
      ['DELETE', `/receiving-accounts/${one}/statement-mapping`],
      ['GET', '/statement-lines'],
      ['GET', `/statement-lines/${one}`],
      ['PUT', `/statement-lines/${one}/parts`, { parts: [] }],
      ['POST', '/statement-lines/settle', { ids: [one] }],
      ['POST', `/statement-lines/${one}/assign`, { participation_id: one }],
      ['POST', `/statement-lines/${one}/ignore`, why],
      ['GET', '/refunds'],
      ['GET', '/refunds/export'],
      ['POST', '/refunds/settle', { ids: [one], reference: 'TRF' }],
      ['POST', `/refunds/${one}/fail`, why],
      ['POST', `/refunds/${one}/reverse`, why],
      ['GET', '/claims'],
      ['POST', `/claims/${one}/settle`, { reference: 'TRF' }],
      ['POST', `/claims/${one}/give-up`, why],
      ['GET', '/payouts'],
      ['POST', `/payouts/${one}/release`],
      ['POST', `/payouts/${one}/settle`, { reference: 'TRF' }],
      ['POST', `/payouts/${one}/reverse`, why],
      ['GET', '/disputes'],
      ['POST', `/disputes/${one}/resolve`, { resolution: 'upheld', explanation: 'dicek' }],
    ] as const) {
      expectProblem(await outsider.send({ method, path, body }), 403, 'forbidden');
    }
    expectProblem(await statement(outsider, one, 'x'), 403, 'forbidden');
    const kept = await outsider.send({
      method: 'POST',
      path: `/receiving-accounts/${one}/statements`,
      body: 'x',
      headers: { 'content-type': 'text/csv' },
    });
    expectProblem(kept, 403, 'forbidden');
    const { id, participation } = await sold();
    for (const [method, path, body] of [
      ['GET', 'payment'],
      ['GET', 'proof'],
      ['POST', 'payment/verify'],
      ['POST', 'payment/reject', why],
      ['POST', 'payment/write-off', why],
      ['POST', 'dispute', why],
    ] as const) {
      const question = { method, path: `/participations/${participation}/${path}`, body };
      expectProblem(await outsider.send(question), 404, 'participation_not_found');
      // A caller who may see the participation, but not its money, gets 403.
      expectProblem(await shop.seller.send(question), 403, 'forbidden');
    }
    expectProblem(await proof(outsider, participation), 404, 'participation_not_found');
    expectProblem(await proof(shop.seller, participation), 403, 'forbidden');
    expectProblem(await outsider.get(`/campaigns/${id}/books`), 403, 'forbidden');
    const less = { slots: 1, reason: 'pecah' };
    expectProblem(await outsider.post(`/campaigns/${id}/shortfall`, less), 403, 'forbidden');
  });

  /** A campaign that is paid upfront cannot open while there is no way to pay. */
  const refusedWithoutTill = async () => {
    const upfront = campaignBody(shop.productId, { payment_timing: 'upfront', publish: false });
    const missing = [409, 'receiving_account_missing'] as const;
    const open = { ...upfront, publish: true };
    expectProblem(await shop.seller.post('/campaigns', open), ...missing);
    const { id } = expectStatus(await shop.seller.post('/campaigns', upfront), 201);
    expectProblem(await shop.seller.post(`/campaigns/${id}/publish`), ...missing);
  };

  let account: Body;
  await test('accounts', async () => {
    const { participation } = await sold();
    const path = `/participations/${participation}/payment`;
    await deleteReceivingAccounts(service.db);
    expectProblem(await buyer.get(path), 409, 'payment_account_missing');
    await refusedWithoutTill();
    expectProblem(await proof(buyer, participation), 409, 'payment_account_missing');
    account = expectStatus(await staff.post('/receiving-accounts', bank), 201);
    const again = await staff.post('/receiving-accounts', bank);
    expectProblem(again, 409, 'receiving_account_exists');
    const off = await staff.patch(`/receiving-accounts/${account.id}`, { is_active: false });
    expectProblem(off, 409, 'receiving_account_is_default');
    expectProblem(await buyer.get('/refund-account'), 404, 'bank_account_not_found');
    const ofBrand = `/brands/${shop.brandId}/payout-account`;
    expectProblem(await shop.seller.get(ofBrand), 404, 'bank_account_not_found');
    const mine = { ...bank, number: 'satu dua tiga' };
    expectProblem(await put(buyer, '/refund-account', mine), 422, 'validation_failed');
  });

  await test('payments', async () => {
    const { id } = await shop.campaign();
    const { id: early } = await enter(id);
    const at = (what: string, participation = early) => `/participations/${participation}/${what}`;
    expectProblem(await buyer.get(at('payment')), 409, 'payment_not_due');
    expectProblem(await proof(buyer, early), 409, 'payment_not_due');
    expectProblem(await staff.post(at('payment/verify')), 409, 'payment_not_due');
    expectProblem(await staff.post(at('payment/reject'), why), 409, 'payment_not_due');
    expectProblem(await staff.post(at('payment/write-off'), why), 409, 'payment_not_due');
    expectProblem(await buyer.get(at('proof')), 404, 'proof_not_found');
    expectProblem(await proof(buyer, early, 'GIF89a'), 422, 'proof_not_accepted');
    const big = await proof(buyer, early, 'x'.repeat(5 * 1024 * 1024 + 1));
    expectProblem(big, 413, 'payload_too_large');
    const gif = { method: 'POST', path: at('proof'), body: 'GIF89a' };
    const typed = await buyer.send({ ...gif, headers: { 'content-type': 'image/gif' } });
    expectProblem(typed, 415, 'unsupported_media_type');

    const { participation } = await sold();
    await verified(participation);
    const paid = (what: string) => at(what, participation);
    expectProblem(await proof(buyer, participation), 409, 'payment_not_open');
    expectProblem(await staff.post(paid('payment/verify')), 409, 'payment_not_open');
    expectProblem(await staff.post(paid('payment/reject'), why), 409, 'payment_not_open');
    expectProblem(await staff.post(paid('payment/write-off'), why), 409, 'payment_not_open');

    // An order that is paid upfront has no debt that could be written off.
    const upfront = await shop.campaign({ payment_timing: 'upfront' });
    const { id: held } = await enter(upfront.id);
    expectStatus(await buyer.get(at('payment', held)), 200);
    const off = await staff.post(at('payment/write-off', held), why);
    expectProblem(off, 409, 'participation_transition_not_allowed');
  });

  await test('statements', async () => {
    const name = `/receiving-accounts/${account.id}/statement`;
    expectProblem(await statement(staff, account.id, 'tidak,jelas'), 422, 'statement_not_readable');
    const typed = await staff.post(name, '{}');
    expectProblem(typed, 415, 'unsupported_media_type');
    const long = await statement(staff, account.id, 'x'.repeat(maxStatementBytes + 1));
    expectProblem(long, 413, 'payload_too_large');
    const wrong = await statement(staff, account.id, 'x', '?format=bank');
    expectProblem(wrong, 422, 'validation_failed');
    const today = new Date().toISOString().slice(0, 10);
    const csv = `date,description,amount\n${today},BUNGA,777\n`;
    expectStatus(await statement(staff, account.id, csv, '?apply=true'), 200);
    const { items } = expectStatus(await staff.get('/statement-lines'), 200);
    const line = `/statement-lines/${items[0]!.id}`;
    const nobody = { participation_id: newId() };
    const assigned = await staff.post(`${line}/assign`, nobody);
    expectProblem(assigned, 404, 'participation_not_found');
    expectStatus(await staff.post(`${line}/ignore`, why), 200);
    expectProblem(await staff.post(`${line}/ignore`, why), 409, 'statement_line_handled');
    const { participation } = await sold();
    const late = await staff.post(`${line}/assign`, { participation_id: participation });
    expectProblem(late, 409, 'statement_line_handled');
    await dividing(participation);
    await uploading();
  });

  /** Triggers the refusals for a statement line that is divided among several participations. */
  async function dividing(participation: string): Promise<void> {
    const today = new Date().toISOString().slice(0, 10);
    const csv = `date,description,amount\n${today},SEBAGIAN,1234\n`;
    expectStatus(await statement(staff, account.id, csv, '?apply=true'), 200);
    const [{ id } = {}] = await queryRows<{ id: string }>(
      service.db,
      "select line_id as id from sambatan.statement_lines where description = 'SEBAGIAN'",
    );
    const parts = (participation_id: string, amount: number) =>
      put(staff, `/statement-lines/${id}/parts`, { parts: [{ participation_id, amount }] });
    const settle = () => staff.post('/statement-lines/settle', { ids: [id] });
    expectProblem(await settle(), 409, 'statement_line_not_divided');
    expectProblem(await parts(newId(), 1), 404, 'participation_not_found');
    expectProblem(await parts(participation, 1_235), 409, 'statement_parts_exceed_line');
    expectStatus(await parts(participation, 1_234), 200);
    expectProblem(await settle(), 409, 'statement_lines_too_little');
    expectStatus(await staff.post(`/statement-lines/${id}/ignore`, why), 200);
    expectProblem(await settle(), 409, 'statement_line_handled');
    expectProblem(await parts(participation, 1), 409, 'statement_line_handled');
    const none = { ids: [newId()] };
    expectProblem(
      await staff.post('/statement-lines/settle', none),
      404,
      'statement_line_not_found',
    );
  }

  /** Triggers the refusals for files that are uploaded before they are imported. */
  async function uploading(): Promise<void> {
    const upload = (csv: string, query = '') =>
      staff.send({
        method: 'POST',
        path: `/receiving-accounts/${account.id}/statements${query}`,
        body: csv,
        headers: { 'content-type': 'text/csv' },
      });
    expectProblem(await upload('%PDF-1.7'), 422, 'statement_not_readable');
    expectProblem(await upload('x'.repeat(maxStatementBytes + 1)), 413, 'payload_too_large');
    expectProblem(await upload('x', '?format=bank'), 422, 'validation_failed');
    const typed = await staff.post(`/receiving-accounts/${account.id}/statements`, {});
    expectProblem(typed, 415, 'unsupported_media_type');
    const { id: unclear } = expectStatus(await upload('tidak,jelas\n1,2\n'), 201);
    for (const step of ['preview', 'apply']) {
      const answer = await staff.post(`/statements/${unclear}/${step}`, {});
      expectProblem(answer, 422, 'statement_not_readable');
    }
    const { id } = expectStatus(await upload('date,description,amount\n'), 201);
    expectStatus(await staff.post(`/statements/${id}/apply`, {}), 200);
    expectProblem(await staff.get(`/statements/${id}/rows`), 409, 'statement_import_started');
    for (const step of ['preview', 'apply']) {
      const answer = await staff.post(`/statements/${id}/${step}`, {});
      expectProblem(answer, 409, 'statement_import_started');
    }
  }

  await test('refunds and payouts', async () => {
    const { id, participation } = await sold();
    const payout = await payoutOf(id);
    const ref = { reference: 'TRF 1' };
    const settle = () => staff.post(`/payouts/${payout}/settle`, ref);
    expectProblem(await settle(), 409, 'payout_not_released');
    expectStatus(await staff.post(`/payouts/${payout}/release`), 200);
    expectProblem(await settle(), 409, 'payout_not_covered');
    const unsettled = await staff.post(`/payouts/${payout}/reverse`, why);
    expectProblem(unsettled, 409, 'movement_transition_not_allowed');
    await verified(participation);
    expectProblem(await picture(buyer, participation), 404, 'dispute_not_found');
    const dispute = await buyer.post(`/participations/${participation}/dispute`, why);
    const { id: disputeId } = expectStatus(dispute, 201);
    await pictured(disputeId, participation);
    const again = await buyer.post(`/participations/${participation}/dispute`, why);
    expectProblem(again, 409, 'dispute_open_already');
    expectProblem(await settle(), 409, 'payout_disputed');
    const release = () => staff.post(`/payouts/${payout}/release`);
    expectProblem(await release(), 409, 'payout_disputed');
    const resolve = (one: string, resolution: string) =>
      staff.post(`/disputes/${one}/resolve`, { resolution, explanation: 'sudah dicek' });
    expectStatus(await resolve(disputeId, 'dismissed'), 200);
    expectProblem(await resolve(disputeId, 'upheld'), 409, 'dispute_resolved_already');
    expectStatus(await settle(), 200);
    const other = await staff.post(`/payouts/${payout}/settle`, { reference: 'TRF 2' });
    expectProblem(other, 409, 'movement_transition_not_allowed');
    expectProblem(await release(), 409, 'movement_transition_not_allowed');
    const disputes = (reason: string) =>
      buyer.post(`/participations/${participation}/dispute`, { reason });
    expectProblem(await disputes(why.reason), 422, 'dispute_says_nothing_new');
    const { id: second } = expectStatus(await disputes('botolnya juga retak'), 201);
    expectProblem(await resolve(second, 'upheld'), 409, 'payout_settled_already');
    expectStatus(await resolve(second, 'dismissed'), 200);
    expectProblem(await disputes('dan tutupnya hilang'), 409, 'dispute_decided');
    const less = await staff.post(`/campaigns/${id}/shortfall`, { slots: 1, reason: 'pecah' });
    expectProblem(less, 409, 'payout_settled_already');
    const tried = await staff.post(`/campaigns/${id}/shortfall/preview`, { slots: 1 });
    expectProblem(tried, 409, 'payout_settled_already');

    const made = await refund(participation);
    const settled = await staff.post('/refunds/settle', { ids: [made], ...ref });
    expectStatus(settled, 200);
    for (const [path, body] of [
      ['/refunds/settle', { ids: [made], reference: 'TRF 2' }],
      [`/refunds/${made}/fail`, why],
    ] as const) {
      expectProblem(await staff.post(path, body), 409, 'movement_transition_not_allowed');
    }
    expectStatus(await staff.post(`/refunds/${made}/reverse`, why), 200);
    const twice = await staff.post(`/refunds/${made}/reverse`, why);
    expectProblem(twice, 409, 'movement_transition_not_allowed');
    const unknown = await staff.post('/refunds/settle', { ids: [newId()], ...ref });
    expectProblem(unknown, 404, 'movement_not_found');

    const byHand = await refund(participation);
    expectStatus(await staff.post('/refunds/settle', { ids: [byHand], ...ref }), 200);
    const provided = `select sambatan.refund_by_provider($1, 'midtrans', $2, 'system')`;
    await queryRows(service.db, provided, byHand, `SBT-R-${byHand}`);
    const { items } = expectStatus(await staff.get('/claims?limit=100'), 200);
    const claim = items.find((one) => one['participation_id'] === participation)!.id;
    expectStatus(await staff.post(`/claims/${claim}/give-up`, why), 200);
    expectStatus(await staff.post(`/claims/${claim}/settle`, ref), 200);
    for (const [path, body] of [
      [`/claims/${claim}/give-up`, why],
      [`/claims/${claim}/settle`, { reference: 'TRF 3' }],
    ] as const) {
      expectProblem(await staff.post(path, body), 409, 'movement_transition_not_allowed');
    }
    // The id of a refund is not the id of a claim (an overpaid refund).
    const noClaim = await staff.post(`/claims/${byHand}/give-up`, why);
    expectProblem(noClaim, 404, 'movement_not_found');
    expectProblem(await staff.post(`/claims/${newId()}/settle`, ref), 404, 'movement_not_found');
  });

  await test('shortfalls and disputes', async () => {
    const open = await shop.campaign();
    const less = { slots: 1, reason: 'pecah' };
    const early = await staff.post(`/campaigns/${open.id}/shortfall`, less);
    expectProblem(early, 409, 'transition_not_allowed');
    const { id: reserved } = await enter(open.id);
    const disputed = await buyer.post(`/participations/${reserved}/dispute`, why);
    expectProblem(disputed, 409, 'participation_transition_not_allowed');
    const { id, participation } = await sold();
    const previewed = (campaignId: string, slots: number, by = staff) =>
      by.post(`/campaigns/${campaignId}/shortfall/preview`, { slots });
    const all = await staff.post(`/campaigns/${id}/shortfall`, { slots: 2, reason: 'pecah' });
    expectProblem(all, 422, 'shortfall_not_possible');
    expectProblem(await previewed(id, 2), 422, 'shortfall_not_possible');
    expectProblem(await previewed(open.id, 1), 409, 'transition_not_allowed');
    expectProblem(await previewed(id, 1, outsider), 403, 'forbidden');

    // While the result at the payment provider is unknown, the amount cannot be changed.
    const sent = await buyer.get(`/participations/${participation}/payment`);
    await queryRows(
      service.db,
      `select sambatan.mark_pending($1, 'payment', 'midtrans', gen_random_uuid()::text)`,
      expectStatus(sent, 200).id,
    );
    const pending = await staff.post(`/campaigns/${id}/shortfall`, less);
    expectProblem(pending, 409, 'payment_not_open');
    expectProblem(await previewed(id, 1), 409, 'payment_not_open');
    const dispute = await buyer.post(`/participations/${participation}/dispute`, why);
    expectProblem(dispute, 409, 'dispute_not_paid');

    // The first buyer has paid, and the payout is being sent. The second buyer does not pay.
    const pair = await shop.campaign({ total_slots: 2 });
    const { id: payer } = await enter(pair.id);
    const { id: debtor } = await enter(pair.id);
    await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', pair.id);
    await verified(payer);
    await queryRows(
      service.db,
      `update sambatan.transactions set status = 'pending', provider = 'bank',
        provider_reference = gen_random_uuid()::text
      where campaign_id = $1 and kind = 'payout'`,
      pair.id,
    );
    const off = await staff.post(`/participations/${debtor}/payment/write-off`, why);
    expectProblem(off, 409, 'payout_settled_already');
  });
}
