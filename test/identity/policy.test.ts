import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '../../src/errors/errors.ts';
import type { Actor } from '../../src/identity/actor.ts';
import { actions, may, authorize } from '../../src/identity/policy.ts';
import type { Action, AuthorizationContext } from '../../src/identity/policy.ts';

const address = '192.0.2.1';
const me = '0198c1a0-0000-7000-8000-000000000001';
const other = '0198c1a0-0000-7000-8000-000000000002';
const user: Actor = { kind: 'user', userId: me, roles: [], address };
const operator: Actor = { kind: 'operator', userId: me, roles: ['operator'], address };

/** All kinds of callers, in the order of the columns in `expected`. */
const callers: readonly (readonly [name: string, actor: Actor, facts: AuthorizationContext])[] = [
  ['visitor', { kind: 'visitor', address }, {}],
  ['user', user, { ownerId: other }],
  ['self', user, { ownerId: me }],
  ['contributor', user, { brandRole: 'contributor', ownerId: other }],
  ['admin', user, { brandRole: 'admin', ownerId: other }],
  ['owner', user, { brandRole: 'owner', ownerId: other }],
  ['operator', operator, { ownerId: other }],
  ['service', { kind: 'service', address }, { ownerId: other }],
];

/**
 * An x means that the caller is allowed. The columns are: visitor, user, self, contributor, admin,
 * owner, operator, service.
 */
const expected: Readonly<Record<Action, string>> = {
  'account.manage': '.xxxxxx.',
  'operators.manage': '......xx',
  'brand.create': '.xxxxxxx',
  'brand.edit': '....xx.x',
  'brand.members.read': '...xxxxx',
  'brand.members.manage': '....xx.x',
  'brand.owners.manage': '.....x.x',
  'brand.leave': '...xxx..',
  'invitation.accept': '.xxxxxx.',
  'brand.read': '.xxxxxxx',
  'product.read': '.xxxxxxx',
  'product.create': '...xxx.x',
  'product.edit': '...xxx.x',
  'campaign.read_published': 'xxxxxxxx',
  'campaign.read_draft': '...xxxxx',
  'campaign.create': '...xxx.x',
  'campaign.edit': '...xxx.x',
  'campaign.publish': '....xx.x',
  'campaign.extend': '....xxxx',
  'campaign.ship': '....xxxx',
  'campaign.cancel': '....xxxx',
  'campaign.decide': '....xxxx',
  'campaign.participants.read': '....xxxx',
  'campaign.logs.read': '....xxxx',
  'participation.join': '.xxxxxxx',
  'participation.read': '..x.xxxx',
  'participation.cancel': '..x...xx',
  'participation.confirm': '......xx',
  'participation.fulfil': '..x...xx',
  'participation.change': '..x...xx',
  'participation.receipt': '..x....x',
  'participation.search': '......xx',
  'audit.read': '......xx',
  'audit.verify': '......xx',
  'waiting.join': '.xxxxxxx',
  'waiting.list': '...xxxxx',
  'waiting.read': '..x...xx',
  'waiting.answer': '..x....x',
  'waiting.withdraw': '..x...xx',
  'receiving_account.manage': '......xx',
  'refund_account.use': '..x...xx',
  'payout_account.read': '.....xxx',
  'payout_account.edit': '.....x.x',
  'payment.read': '..x...xx',
  'payment.prove': '..x....x',
  'payment.verify': '......xx',
  'statement.import': '......xx',
  'refund.settle': '......xx',
  'refund.wait': '..x....x',
  'payout.read': '....xxxx',
  'payout.settle': '......xx',
  'gateway.reconcile': '......xx',
  'books.read': '...xxxxx',
  'shortfall.declare': '....xxxx',
  'dispute.open': '..x....x',
  'dispute.pictures': '..x.xxxx',
  'dispute.resolve': '......xx',
  'notification.read': '.xxxxxxx',
  'notification.settings': '.xxxxxxx',
  'reminder.ask': '.xxxxxxx',
  'webhook.manage': '....xxxx',
  'webhook.manage_all': '......xx',
  'delivery.read_all': '......xx',
  'dashboard.read': '......xx',
  'lifecycle.run': '......xx',
  'scheduler.read': '......xx',
  'scheduler.trigger': '......xx',
};

test('the expectations cover every action', () => {
  assert.deepEqual(Object.keys(expected).toSorted(), actions.toSorted());
});

for (const action of actions) {
  test(`${action} is allowed exactly for the listed roles`, () => {
    const row = callers.map(([, actor, facts]) => (may(actor, action, facts) ? 'x' : '.'));
    assert.equal(row.join(''), expected[action]);
  });
}

test('a visitor is asked to sign in, others are refused', () => {
  const refusal = (actor: Actor) => {
    try {
      authorize(actor, 'lifecycle.run');
    } catch (error) {
      return error instanceof DomainError ? error.code : error;
    }
    return undefined;
  };
  assert.equal(refusal({ kind: 'visitor', address }), 'unauthenticated');
  assert.equal(refusal(user), 'forbidden');
  assert.equal(refusal(operator), undefined);
});

test('an operator who is also a member or buyer keeps those rights', () => {
  assert.ok(may(operator, 'campaign.create', { brandRole: 'admin' }));
  assert.ok(may(operator, 'participation.read', { ownerId: me }));
});
