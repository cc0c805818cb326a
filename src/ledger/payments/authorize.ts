import { brandRoleOf } from '../../catalogue/operations.ts';
import type { Queryable } from '../../database/query.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import type { Actor, SignedIn } from '../../identity/actor.ts';
import { authorizeOrHide, type Action } from '../../identity/policy.ts';
import { findBuyer } from './queries.ts';

/** The buyer and the seller of a participation, or of an offer made after success. */
export interface Buyer {
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly user_id: string;
  readonly brand_id: string;
}

/**
 * Throws unless the caller may do this action with the money of the participation. Throws
 * participation_not_found if the caller may not see the participation.
 */
export async function authorizeOnBuyer(
  db: Queryable,
  actor: Actor,
  action: Action,
  participationId: string,
): Promise<{ buyer: Buyer; caller: SignedIn }> {
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  const buyer = await db.maybe(findBuyer, participationId);
  const hidden = 'participation_not_found';
  if (buyer === undefined) throw new DomainError(hidden, {});
  const brandRole = await brandRoleOf(db, actor, buyer.brand_id);
  const seen = { action, see: 'participation.read', hidden } as const;
  return { buyer, caller: authorizeOrHide(actor, seen, { brandRole, ownerId: buyer.user_id }) };
}
authorizeOnBuyer.refusals = refusals(authorizeOrHide, 'participation_not_found');
