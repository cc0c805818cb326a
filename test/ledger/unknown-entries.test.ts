import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { expectProblem } from '../support/builders/shop.ts';

// The database has no campaigns, orders or waiting lists, so the tables that the routes read are
// empty.
const service = await startHttpService();
after(service.close);
const operator = await service.operator();
const reason = { reason: 'Rekening sudah ditutup' };
const reference = { reference: 'BCA 1' };

const verbs: Record<string, [path: string, body: object]> = {
  'settling a refund': ['/refunds/settle', { ids: [newId()], ...reference }],
  'failing a refund': [`/refunds/${newId()}/fail`, reason],
  'reversing a refund': [`/refunds/${newId()}/reverse`, reason],
  'releasing a payout': [`/payouts/${newId()}/release`, {}],
  'settling a payout': [`/payouts/${newId()}/settle`, reference],
  'reversing a payout': [`/payouts/${newId()}/reverse`, reason],
  'settling an overpaid refund': [`/claims/${newId()}/settle`, reference],
  'writing off an overpaid refund': [`/claims/${newId()}/give-up`, reason],
};
for (const [what, [path, body]] of Object.entries(verbs)) {
  test(`${what} that does not exist is refused, also while nothing was ever sold`, async () => {
    expectProblem(await operator.post(path, body), 404, 'movement_not_found');
  });
}
