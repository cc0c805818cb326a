import { DomainError, refusals } from '../errors/errors.ts';
import type { Actor, SignedIn, Visitor } from './actor.ts';

/** A member's role in a brand, as in `sambatan.brand_role`. */
export const brandRoles = ['owner', 'admin', 'contributor'] as const;
export type BrandRole = (typeof brandRoles)[number];

/**
 * The relations of a caller to an object. `self`: the caller owns the participation or
 * waiting-list entry; brand roles: the caller is a member of the brand that owns the object.
 */
export const relations = ['visitor', 'user', 'self', ...brandRoles, 'operator', 'service'] as const;
export type Relation = (typeof relations)[number];

/** The caller's relation to the object; omit what does not apply. */
export interface AuthorizationContext {
  readonly brandRole?: BrandRole | undefined;
  /** The owner of the participation. */
  readonly ownerId?: string | undefined;
}

const everybody = relations;
const signedIn = ['user', 'operator', 'service'] as const;
const seller = brandRoles;
/** Members who represent the brand towards its buyers. */
const managers = ['owner', 'admin'] as const;
const staff = ['operator', 'service'] as const;

/** The only table of rights: who may do what (see the people of the domain in docs). */
export const permissions = {
  /** Profile, addresses, sessions, export and deletion: every person manages their own. */
  'account.manage': ['user', 'operator'],
  'operators.manage': staff,
  'brand.create': signedIn,
  'brand.edit': [...managers, 'service'],
  'brand.members.read': [...seller, ...staff],
  'brand.members.manage': [...managers, 'service'],
  // An admin can neither add nor remove owners.
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
  // Obligations of the brand towards its buyers, and buyers' addresses, are not for contributors.
  'campaign.publish': [...managers, 'service'],
  'campaign.extend': [...managers, ...staff],
  'campaign.ship': [...managers, ...staff],
  'campaign.cancel': [...managers, ...staff],
  'campaign.decide': [...managers, ...staff],
  'campaign.participants.read': [...managers, ...staff],
  // A log names the participants, so visitors cannot read it; they can read the progress.
  'campaign.logs.read': [...managers, ...staff],
  'participation.join': signedIn,
  'participation.read': ['self', ...managers, ...staff],
  'participation.cancel': ['self', ...staff],
  // The buyer decides the address and the number of slots; staff correct them on request.
  'participation.change': ['self', ...staff],
  // Confirming means that money arrived. The seller profits from it and so may not confirm.
  'participation.confirm': staff,
  'participation.fulfil': ['self', ...staff],
  'participation.search': staff,
  'audit.read': staff,
  'audit.verify': staff,
  'waiting.join': signedIn,
  // The list has no addresses: a seller needs them only after an entry gets slots.
  'waiting.list': [...seller, ...staff],
  'waiting.read': ['self', ...staff],
  // Accepting an offer is buying: only the buyer does it, or the service on the buyer's behalf.
  'waiting.answer': ['self', 'service'],
  'waiting.withdraw': ['self', ...staff],
  'receiving_account.manage': staff,
  // The account of a refund is personal data.
  'refund_account.use': ['self', ...staff],
  'payout_account.read': ['owner', ...staff],
  'payout_account.edit': ['owner', 'service'],
  'payment.read': ['self', ...staff],
  'payment.prove': ['self', 'service'],
  'payment.verify': staff,
  'statement.import': staff,
  'refund.settle': staff,
  // Using a refund for slots is buying.
  'refund.wait': ['self', 'service'],
  'payout.read': [...managers, ...staff],
  'payout.settle': staff,
  'gateway.reconcile': staff,
  'books.read': [...seller, ...staff],
  'shortfall.declare': [...managers, ...staff],
  'dispute.open': ['self', 'service'],
  // A buyer's pictures are for both sides of the dispute and for the operators who decide it.
  'dispute.pictures': ['self', ...managers, ...staff],
  'dispute.resolve': staff,
  'notification.read': signedIn,
  'notification.settings': signedIn,
  'reminder.ask': signedIn,
  // A webhook's secret signs messages that others trust: not for contributors.
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

/** Returns true if the caller may do this. Pure: the result depends only on the arguments. */
export function may(actor: Actor, action: Action, facts: AuthorizationContext = {}): boolean {
  const allowed: readonly Relation[] = permissions[action];
  return standingsOf(actor, facts).some((standing) => allowed.includes(standing));
}

/**
 * Throws unless the caller may do this: `unauthenticated` for a visitor, who can sign in,
 * `second_factor_required` for an operator who still needs the second factor, and `forbidden` for
 * any other caller. Returns the caller with the type of a signed-in one.
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
 * Returns why a visitor may not change anything: `unauthenticated`, or `account_required` with a
 * token of an anonymous user, for whom signing in again in the same way changes nothing.
 */
export function accountRequired(visitor: Visitor): DomainError {
  const code = visitor.isAnonymousUser === true ? 'account_required' : 'unauthenticated';
  return new DomainError(code, {});
}

/**
 * Throws `reauthentication_required` when the caller's last authentication is too old for
 * sensitive actions: outgoing money, its target, rights, secrets, the end of an account. The
 * service key belongs to a machine, which cannot re-authenticate, so it always passes.
 */
export function requireRecentAuth(actor: Actor): void {
  if (actor.kind !== 'user' && actor.kind !== 'operator') return;
  if (actor.proofIsOld === true) throw new DomainError('reauthentication_required', {});
}
requireRecentAuth.refusals = refusals('reauthentication_required');

/** Names the missing second factor when the operator lacks nothing else. */
function refusal(actor: SignedIn, action: Action, facts: AuthorizationContext): DomainError {
  const isBarred = actor.kind === 'user' && actor.lacksFactor === true;
  const would = isBarred && may({ ...actor, kind: 'operator' }, action, facts);
  return new DomainError(would ? 'second_factor_required' : 'forbidden', {});
}

/** The error that hides an object from callers who may not know that it exists. */
type HiddenAs = 'participation_not_found' | 'waiting_entry_not_found' | 'movement_not_found';

/**
 * As authorize, for objects that only some callers may know of. A caller who may not `see` the
 * object gets the error `hidden`, as if it did not exist.
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
