import type { Language } from '../i18n/language.ts';
import { wording, knownLanguage } from '../i18n/messages.ts';
import { createHash, randomBytes } from 'node:crypto';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { requireRecentAuth, authorize, type BrandRole } from '../identity/policy.ts';
import { limits } from '../config/limits.ts';
import type { MailBudget, RateLimiter } from '../overload/rate-limiter.ts';
import { authorizeOnBrand } from './operations.ts';
import { findRole, insertMember } from './queries.ts';
import * as sql from './member-queries.ts';

/** Roles that an invited person can get. To become an owner, a person must first be a member. */
export const invitedRoles = ['admin', 'contributor'] as const;
export type InvitedRole = (typeof invitedRoles)[number];

const lifeDays = 7;

/** The rate limits that count invitations and their e-mails. */
export interface InvitationLimits {
  readonly limiter: RateLimiter;
  readonly budget: MailBudget;
}

export interface Invitation {
  readonly invitationId: string;
  readonly brandName: string;
  readonly email: string;
  readonly role: InvitedRole;
  /** The secret of the link in the e-mail. It is not stored; the database has its hash. */
  readonly token: string;
  readonly expiresAt: Date;
  /** The language of the invited person's account; undefined when there is no account. */
  readonly language: Language | undefined;
}

/**
 * Invites a person by e-mail. An open invitation of the same address is replaced. The caller of
 * this function sends the e-mail after the commit.
 */
export async function invite(
  tx: Tx,
  { limiter, budget }: InvitationLimits,
  actor: Actor,
  { brandId, email, role }: { brandId: string; email: string; role: InvitedRole },
): Promise<Invitation> {
  const { brand, caller } = await authorizeOnBrand(tx, actor, 'brand.members.manage', brandId);
  requireRecentAuth(actor);
  // A user without a verified e-mail address may not make this service send e-mails to strangers.
  if (caller.kind !== 'service' && caller.email === undefined) {
    throw new DomainError('verified_email_required', {});
  }
  const address = email.trim();
  if (!/^[^\s@<>",;]{1,64}@[^\s@<>",;]+\.[^\s@<>",;]{2,}$/.test(address)) {
    throw invalidField('email', wording('errors.field.emailAddress'));
  }
  await tx.maybe(sql.lockBrand, brandId);
  const { invited } = await tx.one(sql.countInvitations, brandId);
  const mayInvite =
    invited < BigInt(limits.invitationsOfBrand.max) &&
    (caller.kind === 'service' ||
      (await limiter.take(tx, 'invitationsOfInviter', caller.userId))) &&
    (await limiter.take(tx, 'invitationsOfReceiver', address.toLowerCase()));
  if (!mayInvite) throw new DomainError('too_many_invitations', {});
  await budget.spend(tx, 'invitation');
  await tx.rows(sql.replaceInvitations, brandId, address);
  const [invitationId, token] = [newId(), randomBytes(32).toString('base64url')];
  const { expires_at: expiresAt } = await tx.one(
    sql.insertInvitation,
    invitationId,
    brandId,
    address,
    role,
    hashOf(token),
    actorLabel(caller),
    lifeDays,
  );
  const found = await tx.maybe(sql.findLanguageOf, address);
  const language = found && knownLanguage(found.locale);
  return { invitationId, brandName: brand.name, email: address, role, token, expiresAt, language };
}
invite.refusals = refusals(
  authorizeOnBrand,
  requireRecentAuth,
  'verified_email_required',
  'too_many_invitations',
  'mail_budget_spent',
);

/** Returns the open invitations of a brand. */
export async function viewInvitations(
  db: Queryable,
  actor: Actor,
  brandId: string,
): Promise<sql.InvitationRow[]> {
  await authorizeOnBrand(db, actor, 'brand.members.manage', brandId);
  return await db.rows(sql.listInvitations, brandId);
}
viewInvitations.refusals = refusals(authorizeOnBrand);

/** Cancels an invitation. */
export async function withdrawInvitation(
  tx: Tx,
  actor: Actor,
  { brandId, invitationId }: { readonly brandId: string; readonly invitationId: string },
): Promise<void> {
  await authorizeOnBrand(tx, actor, 'brand.members.manage', brandId);
  const ended = await tx.maybe(sql.cancelInvitation, brandId, invitationId);
  if (ended === undefined) throw new DomainError('invitation_not_found', {});
}
withdrawInvitation.refusals = refusals(authorizeOnBrand, 'invitation_not_found');

/** Returns the invitation with this token, to anybody who has the link. */
export async function viewInvitation(db: Queryable, token: string): Promise<sql.InvitationRow> {
  const invitation = await db.maybe(sql.findInvitation, hashOf(token));
  if (invitation === undefined) throw new DomainError('invitation_not_found', {});
  return invitation;
}
viewInvitation.refusals = refusals('invitation_not_found');

/**
 * Makes the caller a member of the brand; an invitation works once. Having the link is enough: it
 * was sent only to the invited address, and people often read mail with one account and sign in
 * with another. A caller who is already a member keeps the role, and the link stays valid.
 */
export async function acceptInvitation(
  tx: Tx,
  actor: Actor,
  token: string,
): Promise<{ readonly brandId: string; readonly role: BrandRole }> {
  const caller = authorize(actor, 'invitation.accept');
  if (caller.kind === 'service') throw new DomainError('forbidden', {});
  const found = await tx.maybe(sql.acceptInvitation, hashOf(token), caller.userId);
  if (found === undefined) throw new DomainError('invitation_not_found', {});
  await tx.maybe(sql.lockBrand, found.brand_id);
  if ((await tx.maybe(findRole, found.brand_id, caller.userId)) !== undefined) {
    throw new DomainError('already_member', {});
  }
  await tx.rows(insertMember, found.brand_id, caller.userId, found.role);
  return { brandId: found.brand_id, role: found.role };
}
acceptInvitation.refusals = refusals(authorize, 'invitation_not_found', 'already_member');

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
