import { wording } from '../i18n/messages.ts';
import { brandRoleOf } from '../catalogue/operations.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import { actorLabel, type Actor, type SignedIn } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { authorizeOrHide, type Action } from '../identity/policy.ts';
import { assertNotQuarantined } from '../quarantine/operations.ts';
import type { JoinRequest } from './join.ts';
import { participationOf, type Participation } from './participation.ts';
import * as sql from './queries.ts';

export interface JoinInput {
  readonly quantity: number;
  readonly shippingAddress: string;
  readonly note?: string | undefined;
  /** The user who gets the slots. */
  readonly userId: string;
  readonly key?: string | undefined;
}

/** Returns the shipping address without spaces around it. Refuses: validation_failed. */
export function shippingAddressOf(typed: string): string {
  const address = typed.trim();
  if (address.length >= 10) return address;
  throw invalidField('shipping_address', wording('errors.field.shippingAddress'));
}

/** Builds the join request from a caller's input. Refuses: validation_failed. */
export function joinRequestOf(caller: SignedIn, campaignId: string, input: JoinInput): JoinRequest {
  return {
    campaignId,
    participationId: newId(),
    userId: input.userId,
    quantity: input.quantity,
    shippingAddress: shippingAddressOf(input.shippingAddress),
    note: input.note?.trim() || null,
    key: input.key ?? null,
    actor: actorLabel(caller),
  };
}

/** Returns one participation to callers who may see its address. */
export async function viewParticipation(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<Participation> {
  const { row } = await authorizeOnParticipation(db, actor, 'participation.read', participationId);
  return participationOf(row);
}
viewParticipation.refusals = refusals('participation_not_found');

/**
 * Cancels a participation and releases its reserved slots. Stores the reason `buyer` if the owner
 * or the service cancelled, and `operator` if an operator cancelled.
 */
export async function cancelParticipation(
  tx: Tx,
  actor: Actor,
  participationId: string,
  note: string | null,
): Promise<Participation> {
  const action = 'participation.cancel';
  const { row, caller } = await authorizeOnParticipation(tx, actor, action, participationId);
  const isOwner = caller.kind !== 'service' && caller.userId === row.user_id;
  const reason = isOwner || caller.kind === 'service' ? 'buyer' : 'operator';
  const by = actorLabel(caller);
  await tx.one(sql.releaseParticipation, row.campaign_id, participationId, reason, by, note);
  return await participationNow(tx, participationId);
}
cancelParticipation.refusals = refusals(
  authorizeOnParticipation,
  'participation_transition_not_allowed',
  'campaign_closing',
  'deadline_passed',
  'campaign_busy',
);

export interface ParticipationChange {
  /** The new quantity, at most the current quantity. The remaining slots are released. */
  readonly quantity?: number | undefined;
  readonly shippingAddress?: string | undefined;
  /** The new note; empty or null removes the note. */
  readonly note?: string | null | undefined;
}

/** Corrects a participation's address, note or quantity; omitted fields do not change. */
export async function changeParticipation(
  tx: Tx,
  actor: Actor,
  participationId: string,
  { quantity, shippingAddress, note }: ParticipationChange,
): Promise<Participation> {
  const action = 'participation.change';
  const { row, caller } = await authorizeOnParticipation(tx, actor, action, participationId);
  await tx.one(
    sql.changeParticipation,
    row.campaign_id,
    participationId,
    quantity ?? null,
    shippingAddress === undefined ? null : shippingAddressOf(shippingAddress),
    note === undefined ? null : (note ?? '').trim(),
    actorLabel(caller),
  );
  return await participationNow(tx, participationId);
}
changeParticipation.refusals = refusals(
  authorizeOnParticipation,
  'participation_transition_not_allowed',
  'campaign_closing',
  'deadline_passed',
  'campaign_not_active',
  'more_slots_by_joining',
  'quantity_out_of_bounds',
  'payment_not_open',
  'campaign_busy',
);

/** Confirms a reserved participation, after somebody has verified the payment. */
export async function confirmParticipation(
  tx: Tx,
  actor: Actor,
  participationId: string,
  reference: string | null,
): Promise<Participation> {
  const action = 'participation.confirm';
  const { row, caller } = await authorizeOnParticipation(tx, actor, action, participationId);
  await assertNotQuarantined(tx);
  const by = actorLabel(caller);
  await tx.one(sql.confirmParticipation, row.campaign_id, participationId, by, reference);
  return await participationNow(tx, participationId);
}
confirmParticipation.refusals = refusals(
  authorizeOnParticipation,
  assertNotQuarantined,
  'participation_transition_not_allowed',
  'campaign_closing',
  'deadline_passed',
  'campaign_busy',
);

/** Records that the buyer received the goods. */
export async function fulfilParticipation(
  tx: Tx,
  actor: Actor,
  participationId: string,
): Promise<Participation> {
  const action = 'participation.fulfil';
  const { row, caller } = await authorizeOnParticipation(tx, actor, action, participationId);
  await tx.one(sql.fulfilParticipation, row.campaign_id, participationId, actorLabel(caller));
  return await participationNow(tx, participationId);
}
fulfilParticipation.refusals = refusals(
  authorizeOnParticipation,
  'participation_not_paid',
  'participation_transition_not_allowed',
  'campaign_busy',
);

/** Returns a participation after a change, with its new payment state. */
async function participationNow(tx: Tx, participationId: string): Promise<Participation> {
  return participationOf(await tx.one(sql.findParticipation, participationId));
}

/**
 * Finds a participation and checks that the caller may do something with it. Returns it with its
 * payment state, and the caller.
 */
export async function authorizeOnParticipation(
  db: Queryable,
  actor: Actor,
  action: Action,
  participationId: string,
): Promise<{ row: sql.ParticipationWithMoney; caller: SignedIn }> {
  // A visitor gets the same error for every id. So visitors cannot find out which ids exist.
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  const row = await db.maybe(sql.findParticipation, participationId);
  const hidden = 'participation_not_found';
  if (row === undefined) throw new DomainError(hidden, {});
  const brandRole = await brandRoleOf(db, actor, row.brand_id);
  const seen = { action, see: 'participation.read', hidden } as const;
  return { row, caller: authorizeOrHide(actor, seen, { brandRole, ownerId: row.user_id }) };
}
authorizeOnParticipation.refusals = refusals(authorizeOrHide, 'participation_not_found');
