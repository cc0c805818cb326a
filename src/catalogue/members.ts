import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { requireRecentAuth, authorize, type BrandRole } from '../identity/policy.ts';
import { brandRoleOf, authorizeOnBrand } from './operations.ts';
import { findRole } from './queries.ts';
import * as sql from './member-queries.ts';

/** Returns the members of a brand to its members. */
export async function viewMembers(
  db: Queryable,
  actor: Actor,
  brandId: string,
): Promise<sql.MemberRow[]> {
  await authorizeOnBrand(db, actor, 'brand.members.read', brandId);
  return await db.rows(sql.listMembers, brandId);
}
viewMembers.refusals = refusals(authorizeOnBrand);

/**
 * Changes a member's role. Only owners may make a member an owner or change an owner's role. The
 * last owner of a brand stays its owner.
 */
export async function changeRole(
  tx: Tx,
  actor: Actor,
  { brandId, userId, role }: { brandId: string; userId: string; role: BrandRole },
): Promise<void> {
  const before = await memberToChange(tx, actor, brandId, userId);
  if (role === 'owner') await authorizeOnBrand(tx, actor, 'brand.owners.manage', brandId);
  // Needed unless the member is and stays a contributor: every other role has access to money.
  if (before !== 'contributor' || role !== 'contributor') requireRecentAuth(actor);
  if (before === 'owner' && role !== 'owner') await keepAnOwner(tx, brandId);
  await tx.rows(sql.updateMember, brandId, userId, role);
}
changeRole.refusals = refusals(memberToChange, requireRecentAuth, keepAnOwner);

/** Removes a member from a brand. Members may also remove themselves. The last owner stays. */
export async function removeMember(
  tx: Tx,
  actor: Actor,
  { brandId, userId }: { readonly brandId: string; readonly userId: string },
): Promise<void> {
  const isSelf = actor.kind !== 'visitor' && actor.kind !== 'service' && actor.userId === userId;
  let role: BrandRole;
  if (isSelf) {
    await tx.maybe(sql.lockBrand, brandId);
    ({ role } = await memberOf(tx, brandId, userId));
    authorize(actor, 'brand.leave', { brandRole: role });
  } else {
    role = await memberToChange(tx, actor, brandId, userId);
    if (role !== 'contributor') requireRecentAuth(actor);
  }
  if (role === 'owner') await keepAnOwner(tx, brandId);
  await tx.rows(sql.deleteMember, brandId, userId);
}
removeMember.refusals = refusals(memberToChange, requireRecentAuth, keepAnOwner);

/**
 * Locks the brand's members. Returns the current role of the member, if the caller may change that
 * member.
 */
async function memberToChange(
  tx: Tx,
  actor: Actor,
  brandId: string,
  userId: string,
): Promise<BrandRole> {
  await authorizeOnBrand(tx, actor, 'brand.members.manage', brandId);
  await tx.maybe(sql.lockBrand, brandId);
  // Check the caller's role again under the lock: it may have changed in the meantime.
  authorize(actor, 'brand.members.manage', { brandRole: await brandRoleOf(tx, actor, brandId) });
  const { role } = await memberOf(tx, brandId, userId);
  if (role === 'owner') await authorizeOnBrand(tx, actor, 'brand.owners.manage', brandId);
  return role;
}
memberToChange.refusals = refusals(authorizeOnBrand, memberOf);

async function memberOf(tx: Tx, brandId: string, userId: string): Promise<{ role: BrandRole }> {
  const member = await tx.maybe(findRole, brandId, userId);
  if (member === undefined) throw new DomainError('member_not_found', {});
  return member;
}
memberOf.refusals = refusals('member_not_found');

async function keepAnOwner(tx: Tx, brandId: string): Promise<void> {
  const { owners } = await tx.one(sql.countOwners, brandId);
  if (owners <= 1n) throw new DomainError('last_owner', {});
}
keepAnOwner.refusals = refusals('last_owner');
