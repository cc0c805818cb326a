import { DomainError } from '../errors/errors.ts';
import type { Actor, SignedIn, Visitor } from './actor.ts';

/** A member's role in a brand, as `sambatan.brand_role` has it. */
export const brandRoles = ['owner', 'admin', 'contributor'] as const;
export type BrandRole = (typeof brandRoles)[number];

/**
 * What a caller can be to a thing. `self`: the participation or waiting entry is the caller's own; brand roles:
 * the caller is a member of the brand that the thing belongs to.
 */
export const relations = ['visitor', 'user', 'self', ...brandRoles, 'operator', 'service'] as const;
export type Relation = (typeof relations)[number];

/** What the caller is to the thing at hand; leave out what does not apply. */
export interface AuthorizationContext {
  readonly brandRole?: BrandRole | undefined;
  /** The user whom the participation belongs to. */
  readonly ownerId?: string | undefined;
}

const everybody = relations;
const signedIn = ['user', 'operator', 'service'] as const;
const seller = brandRoles;
/** Those members who answer for the brand towards its buyers. */
const managers = ['owner', 'admin'] as const;
const staff = ['operator', 'service'] as const;

/** Who may do what: the one table of rights (docs: the people of the domain). */
export const permissions = {
  /** Profile, addresses, sessions, export and deletion: a person's own, whoever they are. */
  'account.manage': ['user', 'operator'],
  'operators.manage': staff,
  'brand.create': signedIn,
  'brand.edit': [...managers, 'service'],
  'brand.members.read': [...seller, ...staff],
  'brand.members.manage': [...managers, 'service'],
  // An admin makes no owner and unmakes none.
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
  // What binds the brand towards its buyers, and where they live, is not for every helper.
  'campaign.publish': [...managers, 'service'],
  'campaign.extend': [...managers, ...staff],
  'campaign.ship': [...managers, ...staff],
  'campaign.cancel': [...managers, ...staff],
  'campaign.decide': [...managers, ...staff],
  'campaign.participants.read': [...managers, ...staff],
  // A log names the people who joined, so it is not for visitors; progress is.
  'campaign.logs.read': [...managers, ...staff],
  'participation.join': signedIn,
  'participation.read': ['self', ...managers, ...staff],
  'participation.cancel': ['self', ...staff],
  // Where it goes and how much is the buyer's; staff put right what a buyer asks them to.
  'participation.change': ['self', ...staff],
  // Confirming says that money arrived: the seller, who gains by it, does not say so.
  'participation.confirm': staff,
  'participation.fulfil': ['self', ...staff],
  'participation.search': staff,
  'audit.read': staff,
  'audit.verify': staff,
  'waiting.join': signedIn,
  // The list has no addresses: they are the seller's business once somebody has a slot.
  'waiting.list': [...seller, ...staff],
  'waiting.read': ['self', ...staff],
  // Taking an offer is buying: nobody does it for somebody else but the service that they use.
  'waiting.answer': ['self', 'service'],
  'waiting.withdraw': ['self', ...staff],
  'receiving_account.manage': staff,
  // Where somebody's money goes is personal data.
  'refund_account.use': ['self', ...staff],
  'payout_account.read': ['owner', ...staff],
  'payout_account.edit': ['owner', 'service'],
  'payment.read': ['self', ...staff],
  'payment.prove': ['self', 'service'],
  'payment.verify': staff,
  'statement.import': staff,
  'refund.settle': staff,
  // To keep the money for slots is buying.
  'refund.wait': ['self', 'service'],
  'payout.read': [...managers, ...staff],
  'payout.settle': staff,
  'gateway.reconcile': staff,
  'books.read': [...seller, ...staff],
  'shortfall.declare': [...managers, ...staff],
  'dispute.open': ['self', 'service'],
  // A buyer's pictures are for both sides of the dispute, and for who decides it.
  'dispute.pictures': ['self', ...managers, ...staff],
  'dispute.resolve': staff,
  'notification.read': signedIn,
  'notification.settings': signedIn,
  'reminder.ask': signedIn,
  // A secret signs what others believe: not for everybody who helps in a brand.
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

/** Whether the caller may do this. Pure: whatever it depends on is in the arguments. */
export function may(actor: Actor, action: Action, facts: AuthorizationContext = {}): boolean {
  const allowed: readonly Relation[] = permissions[action];
  return standingsOf(actor, facts).some((standing) => allowed.includes(standing));
}

/**
 * Throws unless the caller may do this: `unauthenticated` for a visitor, who can sign in,
 * `second_factor_required` for an operator who has not shown one where it is needed, and
 * `forbidden` for anybody else. Gives the caller back, known to be no visitor.
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

/**
 * Returns why a visitor may not change anything: `unauthenticated`, or `account_required` with a
 * token of an anonymous user, for whom signing in again in the same way changes nothing.
 */
export function accountRequired(visitor: Visitor): DomainError {
  const code = visitor.isAnonymousUser === true ? 'account_required' : 'unauthenticated';
  return new DomainError(code, {});
}

/**
 * Throws `reauthentication_required` when the caller proved who they are too long ago for what is
 * sensitive: money that leaves, where it goes to, rights, secrets, the end of an account. The
 * service's key is a machine's, which can prove nothing anew.
 */
export function requireRecentAuth(actor: Actor): void {
  if (actor.kind !== 'user' && actor.kind !== 'operator') return;
  if (actor.proofIsOld === true) throw new DomainError('reauthentication_required', {});
}

/** Somebody who lacks nothing but the second factor of operators is told so. */
function refusal(actor: SignedIn, action: Action, facts: AuthorizationContext): DomainError {
  const isBarred = actor.kind === 'user' && actor.lacksFactor === true;
  const would = isBarred && may({ ...actor, kind: 'operator' }, action, facts);
  return new DomainError(would ? 'second_factor_required' : 'forbidden', {});
}

/** How what somebody may not know of is refused. */
type HiddenAs = 'participation_not_found' | 'waiting_entry_not_found' | 'movement_not_found';

/**
 * As permit, for what only some may know of: whoever may not even `see` it is told `hidden`, which
 * is what they would be told if it were not there.
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

function standingsOf(actor: Actor, facts: AuthorizationContext): readonly Relation[] {
  if (actor.kind === 'visitor' || actor.kind === 'service') return [actor.kind];
  const held: Relation[] = [actor.kind];
  if (facts.brandRole !== undefined) held.push(facts.brandRole);
  if (facts.ownerId === actor.userId) held.push('self');
  return held;
}
