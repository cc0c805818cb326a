import { findCampaign, authorizeOnCampaign } from '../campaigns/operations.ts';
import { brandRoleOf } from '../catalogue/operations.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import { actorLabel, type Actor, type SignedIn } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { may, authorizeOrHide, type Action } from '../identity/policy.ts';
import { shippingAddressOf } from '../participations/operations.ts';
import * as sql from './queries.ts';
import type { WaitingStatus } from './status.ts';
import { waitingEntryOf, requestHash, type WaitingEntry, type WaitingRequest } from './waiting.ts';

export interface WaitingInput {
  readonly quantity: number;
  readonly shippingAddress: string;
  readonly note?: string | undefined;
  /** The user who waits for slots. */
  readonly userId: string;
  readonly key?: string | undefined;
}

/**
 * Adds a buyer to the end of a waiting list. If slots are free, they are offered at once. A
 * repeated request with the same idempotency key returns the entry of the first request in its
 * current state.
 */
export async function waitForSlots(
  tx: Tx,
  caller: SignedIn,
  campaignId: string,
  input: WaitingInput,
): Promise<WaitingEntry> {
  const waitingRequest: WaitingRequest = {
    userId: input.userId,
    quantity: input.quantity,
    shippingAddress: shippingAddressOf(input.shippingAddress),
    note: input.note?.trim() || null,
  };
  const { entry_id: entryId } = await tx.one(
    sql.waitForSlots,
    campaignId,
    newId(),
    waitingRequest.userId,
    waitingRequest.quantity,
    waitingRequest.shippingAddress,
    waitingRequest.note,
    input.key ?? null,
    input.key === undefined ? null : requestHash(waitingRequest),
    actorLabel(caller),
  );
  return waitingEntryOf(await tx.one(sql.findWaitingEntry, entryId));
}
waitForSlots.refusals = refusals(
  'campaign_not_found',
  'campaign_not_active',
  'campaign_closing',
  'deadline_passed',
  'already_waiting',
  'slots_available',
  'waiting_list_full',
  'quantity_out_of_bounds',
  'campaign_busy',
);

/** Returns one entry to its buyer or staff. */
export async function viewWaitingEntry(
  db: Queryable,
  actor: Actor,
  entryId: string,
): Promise<WaitingEntry> {
  return waitingEntryOf((await permitOnEntry(db, actor, 'waiting.read', entryId)).row);
}
viewWaitingEntry.refusals = refusals(permitOnEntry);

/** Returns the newest entry of a user in a campaign's waiting list. */
export async function viewOwnWaitingEntry(
  db: Queryable,
  campaignId: string,
  userId: string,
): Promise<WaitingEntry> {
  const row = await db.maybe(sql.findOwnWaitingEntry, campaignId, userId);
  if (row === undefined) throw new DomainError('waiting_entry_not_found', {});
  return waitingEntryOf(row);
}
viewOwnWaitingEntry.refusals = refusals('waiting_entry_not_found');

/**
 * Returns the entries of a campaign's waiting list after a position, for its seller and staff.
 * Returns at most `limit` + 1 rows; the extra row shows that there is another page.
 */
export async function listWaiting(
  db: Queryable,
  actor: Actor,
  campaignId: string,
  page: { readonly status: WaitingStatus | null; readonly after: bigint; readonly limit: number },
): Promise<sql.WaitingRow[]> {
  await authorizeOnCampaign(db, actor, 'waiting.list', campaignId);
  return await db.rows(sql.listWaiting, campaignId, page.status, page.after, page.limit + 1);
}
listWaiting.refusals = refusals(authorizeOnCampaign);

/** Accepts an offer: the buyer joins with the offered slots. Idempotent. */
export async function acceptOffer(tx: Tx, actor: Actor, entryId: string): Promise<WaitingEntry> {
  const { row, caller } = await permitOnEntry(tx, actor, 'waiting.answer', entryId);
  await tx.one(sql.acceptOffer, row.campaign_id, entryId, newId(), actorLabel(caller));
  return waitingEntryOf(await tx.one(sql.findWaitingEntry, entryId));
}
acceptOffer.refusals = refusals(
  permitOnEntry,
  'waiting_transition_not_allowed',
  'offer_expired',
  'offer_is_paid',
  'campaign_closing',
  'deadline_passed',
  'quantity_out_of_bounds',
  'campaign_busy',
);

/** Declines an offer. Its slots are offered to the next entry at once. */
export async function declineOffer(tx: Tx, actor: Actor, entryId: string): Promise<WaitingEntry> {
  return await leave(tx, actor, entryId, 'waiting.answer', 'waiting_declined');
}
declineOffer.refusals = refusals(leave);

/** Withdraws an entry from the waiting list. The entry may have an offer. */
export async function withdrawEntry(tx: Tx, actor: Actor, entryId: string): Promise<WaitingEntry> {
  return await leave(tx, actor, entryId, 'waiting.withdraw', 'waiting_withdrawn');
}
withdrawEntry.refusals = refusals(leave);

/**
 * Puts a buyer at the front of the waiting list instead of sending a refund. The platform keeps the
 * money and uses it as payment when slots become free. Idempotent.
 */
export async function waitInsteadOfRefund(
  tx: Tx,
  actor: Actor,
  refundId: string,
): Promise<WaitingEntry> {
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  const hidden = 'movement_not_found';
  const refund = await tx.maybe(sql.findRefundOwner, refundId);
  if (refund === undefined) throw new DomainError(hidden, {});
  const brandRole = await brandRoleOf(tx, actor, refund.brand_id);
  const facts = { brandRole, ownerId: refund.user_id };
  const seen = { action: 'refund.wait', see: 'payment.read', hidden } as const;
  const by = actorLabel(authorizeOrHide(actor, seen, facts));
  const made = await tx.one(sql.waitWithKeptMoney, refund.campaign_id, refundId, newId(), by);
  return waitingEntryOf(await tx.one(sql.findWaitingEntry, made.entry_id));
}
waitInsteadOfRefund.refusals = refusals(
  authorizeOrHide,
  'movement_not_found',
  'refund_has_no_choice',
  'refund_sent_already',
  'waiting_list_closed',
  'quantity_out_of_bounds',
  'campaign_busy',
);

async function leave(
  tx: Tx,
  actor: Actor,
  entryId: string,
  action: Action,
  event: 'waiting_declined' | 'waiting_withdrawn',
): Promise<WaitingEntry> {
  const { row, caller } = await permitOnEntry(tx, actor, action, entryId);
  await tx.one(sql.leaveWaiting, row.campaign_id, entryId, event, actorLabel(caller));
  return waitingEntryOf(await tx.one(sql.findWaitingEntry, entryId));
}
leave.refusals = refusals(
  permitOnEntry,
  'waiting_transition_not_allowed',
  'campaign_closing',
  'deadline_passed',
  'campaign_busy',
);

async function permitOnEntry(
  db: Queryable,
  actor: Actor,
  action: Action,
  entryId: string,
): Promise<{ row: sql.WaitingRow & sql.AheadRow; caller: SignedIn }> {
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  const row = await db.maybe(sql.findWaitingEntry, entryId);
  const hidden = 'waiting_entry_not_found';
  if (row === undefined) throw new DomainError(hidden, {});
  const campaign = await findCampaign(db, row.campaign_id);
  const brandRole = campaign && (await brandRoleOf(db, actor, campaign.brand_id));
  // Callers with the right to see the campaign's waiting list may also know that the entry exists.
  const see = may(actor, 'waiting.list', { brandRole }) ? 'waiting.list' : 'waiting.read';
  const facts = { brandRole, ownerId: row.user_id };
  return { row, caller: authorizeOrHide(actor, { action, see, hidden }, facts) };
}
permitOnEntry.refusals = refusals(authorizeOrHide, 'waiting_entry_not_found');
