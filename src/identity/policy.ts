import { DomainError, refusals } from '../errors/errors.ts';
import type { Actor, SignedIn, Visitor } from './actor.ts';

/** The roles of a brand's members, as in the database type `sambatan.brand_role`. */
export const brandRoles = ['owner', 'admin', 'contributor'] as const;
export type BrandRole = (typeof brandRoles)[number];

/**
 * The relations that a caller can have to an object. `self`: the caller owns the participation or
 * waiting-list entry. Brand roles: the caller is a member of the brand that owns the object.
 */
export const relations = ['visitor', 'user', 'self', ...brandRoles, 'operator', 'service'] as const;
export type Relation = (typeof relations)[number];

/**
 * The facts that determine the caller's relation to the object. Leave out facts that do not apply.
 */
export interface AuthorizationContext {
  readonly brandRole?: BrandRole | undefined;
  /** The user who owns the participation or waiting-list entry. */
  readonly ownerId?: string | undefined;
}

const everybody = relations;
const signedIn = ['user', 'operator', 'service'] as const;
const seller = brandRoles;
/** The roles of members who may deal with buyers for the brand. */
const managers = ['owner', 'admin'] as const;
const staff = ['operator', 'service'] as const;

/**
 * For each action, the relations that allow it. All rights of the service are in this table. The
 * documentation describes the relations.
 */
export const permissions = {
  /** Every person manages their own profile, addresses, sessions, export and account deletion. */
  'account.manage': ['user', 'operator'],
  'operators.manage': staff,
  'brand.create': signedIn,
  'brand.edit': [...managers, 'service'],
  'brand.members.read': [...seller, ...staff],
  'brand.members.manage': [...managers, 'service'],
  // An admin may neither add nor remove owners.
  'brand.owners.manage': ['owner', 'service'],
  'brand.leave': seller,
  'invitation.accept': ['user', 'operator'],
  'brand.read': signedIn,
  'product.read': signedIn,
  'product.create': [...seller, 'service'],
  'product.edit': [...seller, 'service'],
  'campaign.read_published': everybody,
  'campaign.read_draft': [...seller, ...staff],
  'campaign.create': [...seller, 'service'],
  'campaign.edit': [...seller, 'service'],
  // Contributors must not make promises to buyers for the brand, and must not read the addresses of
  // buyers.
  'campaign.publish': [...managers, 'service'],
  'campaign.extend': [...managers, ...staff],
  'campaign.ship': [...managers, ...staff],
  'campaign.cancel': [...managers, ...staff],
  'campaign.decide': [...managers, ...staff],
  'campaign.participants.read': [...managers, ...staff],
  // An audit log contains the ids of participants, so visitors must not read it. They may read the
  // progress.
  'campaign.logs.read': [...managers, ...staff],
  'participation.join': signedIn,
  'participation.read': ['self', ...managers, ...staff],
  'participation.cancel': ['self', ...staff],
  // The buyer decides about the address and the number of slots. Staff correct them when the buyer
  // asks.
  'participation.change': ['self', ...staff],
  // Confirming a participation means that the money has arrived. A seller profits from a
  // confirmation, so sellers may not confirm.
  'participation.confirm': staff,
  'participation.fulfil': ['self', ...staff],
  // The receipt contains the salt, with which its holder can prove what the order is about.
  'participation.receipt': ['self', 'service'],
  'participation.search': staff,
  'audit.read': staff,
  'audit.verify': staff,
  'waiting.join': signedIn,
  // The waiting list contains no postal addresses, because a seller needs the address only after
  // the buyer gets slots.
  'waiting.list': [...seller, ...staff],
  'waiting.read': ['self', ...staff],
  // Accepting an offer is a purchase: only the buyer may do it, or the service for the buyer.
  'waiting.answer': ['self', 'service'],
  'waiting.withdraw': ['self', ...staff],
  'receiving_account.manage': staff,
  // The bank account for a refund is personal data.
  'refund_account.use': ['self', ...staff],
  'payout_account.read': ['owner', ...staff],
  'payout_account.edit': ['owner', 'service'],
  'payment.read': ['self', ...staff],
  'payment.prove': ['self', 'service'],
  'payment.verify': staff,
  'statement.import': staff,
  'refund.settle': staff,
  // Using a refund to pay for slots is a purchase.
  'refund.wait': ['self', 'service'],
  'payout.read': [...managers, ...staff],
  'payout.settle': staff,
  'gateway.reconcile': staff,
  'books.read': [...seller, ...staff],
  'shortfall.declare': [...managers, ...staff],
  'dispute.open': ['self', 'service'],
  // The buyer, the seller, and the operators who decide the dispute may see the buyer's pictures.
  'dispute.pictures': ['self', ...managers, ...staff],
  'dispute.resolve': staff,
  'notification.read': signedIn,
  'notification.settings': signedIn,
  'reminder.ask': signedIn,
  // A person who has the secret of a webhook can sign messages that other systems trust. Therefore
  // contributors may not manage webhooks.
  'webhook.manage': ['owner', 'admin', ...staff],
  'webhook.manage_all': staff,
  'delivery.read_all': staff,
  'dashboard.read': staff,
  'lifecycle.run': staff,
  'scheduler.read': staff,
  'scheduler.trigger': staff,
} as const satisfies Readonly<Record<string, readonly Relation[]>>;

export type Action = keyof typeof permissions;
export const actions = Object.keys(permissions) as Action[];

/** Returns true if the caller may do this. The result depends only on the arguments. */
export function may(actor: Actor, action: Action, facts: AuthorizationContext = {}): boolean {
  const allowed: readonly Relation[] = permissions[action];
  return standingsOf(actor, facts).some((standing) => allowed.includes(standing));
}

/**
 * Checks that the caller may do this. Throws `unauthenticated` for a visitor, who can sign in;
 * `second_factor_required` for an operator who must first use the second factor; and `forbidden`
 * for any other caller without the right. Returns the caller with the type of a signed-in caller.
 */
export function authorize(
  actor: Actor,
  action: Action,
  facts: AuthorizationContext = {},
): SignedIn {
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  if (!may(actor, action, facts)) throw refusal(actor, action, facts);
  return actor;
}
authorize.refusals = refusals('forbidden', 'second_factor_required');

/**
 * Returns the error for a visitor who tries to change something: `unauthenticated`, or
 * `account_required` if the visitor has an anonymous user's token. An anonymous user who only signs
 * in again in the same way would get the same error.
 */
export function accountRequired(visitor: Visitor): DomainError {
  const code = visitor.isAnonymousUser === true ? 'account_required' : 'unauthenticated';
  return new DomainError(code, {});
}

/**
 * Throws `reauthentication_required` when the caller's last authentication is too old for a
 * sensitive action. Sensitive actions send money, change where money goes, change rights or
 * secrets, or delete an account. The service key never causes this error, because a machine cannot
 * authenticate again.
 */
export function requireRecentAuth(actor: Actor): void {
  if (actor.kind !== 'user' && actor.kind !== 'operator') return;
  if (actor.proofIsOld === true) throw new DomainError('reauthentication_required', {});
}
requireRecentAuth.refusals = refusals('reauthentication_required');

/**
 * Returns the error of a refused action: `second_factor_required` if the second factor is the only
 * thing that the caller lacks.
 */
function refusal(actor: SignedIn, action: Action, facts: AuthorizationContext): DomainError {
  const isBarred = actor.kind === 'user' && actor.lacksFactor === true;
  const would = isBarred && may({ ...actor, kind: 'operator' }, action, facts);
  return new DomainError(would ? 'second_factor_required' : 'forbidden', {});
}

/**
 * The errors that say that an object does not exist. Callers who must not learn that the object
 * exists get such an error too.
 */
type HiddenAs = 'participation_not_found' | 'waiting_entry_not_found' | 'movement_not_found';

/**
 * Works like authorize, for objects whose existence is secret. A caller without the right `see`
 * gets the error `hidden`, as if the object did not exist.
 */
export function authorizeOrHide(
  actor: Actor,
  {
    action,
    see,
    hidden,
  }: { readonly action: Action; readonly see: Action; readonly hidden: HiddenAs },
  facts: AuthorizationContext,
): SignedIn {
  if (actor.kind !== 'visitor' && !may(actor, see, facts)) throw new DomainError(hidden, {});
  return authorize(actor, action, facts);
}
authorizeOrHide.refusals = refusals(authorize);

function standingsOf(actor: Actor, facts: AuthorizationContext): readonly Relation[] {
  if (actor.kind === 'visitor' || actor.kind === 'service') return [actor.kind];
  const held: Relation[] = [actor.kind];
  if (facts.brandRole !== undefined) held.push(facts.brandRole);
  if (facts.ownerId === actor.userId) held.push('self');
  return held;
}
