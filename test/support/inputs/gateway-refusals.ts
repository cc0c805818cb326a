import assert from 'node:assert/strict';
import { startHttpService, type HttpService } from '../server/http-service.ts';
import { queryRows, joinSuccessfully, joinRequest } from '../builders/market.ts';
import { startFakeMidtrans, serverKey } from '../fakes/midtrans.ts';
import { expectProblem, expectStatus, fromNow, type Shop } from '../builders/shop.ts';
import { deleteReceivingAccounts } from '../builders/receiving-account.ts';

const bank = { bank: 'BCA', number: '5270099777', holder: 'PT Sambatan Bersama' };
const notifications = '/gateway/midtrans/notifications';
/** A notification of the payment provider without a signature. */
export const unsignedNotification = {
  order_id: 'SBT-nobody',
  status_code: '200',
  gross_amount: '1.00',
  signature_key: 'none',
};

/**
 * Triggers every refusal of the routes for online payment, first without and then with a provider.
 * Returns the codes of the refusals with a provider. Call it while there is no receiving account.
 */
export async function triggerGatewayRefusals(
  service: HttpService,
  shop: Shop,
): Promise<Set<string>> {
  const buyer = await service.user();
  const outsider = await service.user();
  const enter = async (payment_timing: string, terms: object = {}) => {
    const { id } = await shop.campaign({ payment_timing, ...terms });
    const [participation = ''] = await joinSuccessfully(
      service.db,
      joinRequest(id, { userId: buyer.userId }),
    );
    return `/participations/${participation}/pay-online`;
  };
  const pledged = await enter('on_completion');
  expectProblem(await outsider.post(pledged), 404, 'participation_not_found');
  expectProblem(await shop.seller.post(pledged), 403, 'forbidden');
  expectProblem(await buyer.post(pledged), 409, 'gateway_off');
  expectProblem(
    await service.visitor.post(notifications, unsignedNotification),
    409,
    'gateway_off',
  );
  expectProblem(await outsider.post('/gateway/reconcile'), 403, 'forbidden');
  expectProblem(await service.service.post('/gateway/reconcile'), 409, 'gateway_off');

  const provider = await startFakeMidtrans();
  const apart = await startHttpService({
    environment: { MIDTRANS_SERVER_KEY: serverKey, MIDTRANS_URL: provider.url },
    sharedWith: service,
  });
  try {
    const staff = apart.service;
    const post = (path: string, body?: object) => staff.post(path, body);
    const upfront = await enter('upfront');
    expectProblem(await post(pledged), 409, 'payment_not_due');
    await deleteReceivingAccounts(service.db);
    // Without a receiving account buyers can still pay online.
    const due = await staff.get(upfront.replace('pay-online', 'payment'));
    assert.equal(expectStatus(due, 200)['account'], null);
    const till = expectStatus(await staff.post('/receiving-accounts', bank), 201);
    provider.failNext('create', 'lost');
    expectProblem(await post(upfront), 503, 'gateway_unavailable');
    provider.forgetKeys();
    expectProblem(await post(upfront), 409, 'gateway_refused');
    expectStatus(await post(upfront), 200);
    const narrow = await enter('upfront', { deadline: fromNow(60_000) });
    expectProblem(await post(narrow), 409, 'too_late_to_pay_online');
    expectProblem(await post(notifications, unsignedNotification), 403, 'notification_not_genuine');
    const [{ reference = '' } = {}] = await queryRows<{ reference: string }>(
      service.db,
      "select reference from sambatan.gateway_calls where status = 'open'",
    );
    provider.buyer(reference, 'settlement');
    provider.failNext('status', 500);
    const told = provider.notification(reference);
    expectProblem(await post(notifications, told), 503, 'gateway_unavailable');
    expectStatus(await post(notifications, told), 200);
    expectProblem(await post(upfront), 409, 'payment_not_open');
    expectStatus(await post('/gateway/reconcile'), 200);
    // Deletes the receiving account again, because other tests start without one.
    await queryRows(
      service.db,
      'update sambatan.transactions set account_id = null where account_id = $1',
      till.id,
    );
    await queryRows(
      service.db,
      'delete from sambatan.receiving_accounts where account_id = $1',
      till.id,
    );
    return apart.contract.seen;
  } finally {
    await apart.close();
    await provider.close();
  }
}
