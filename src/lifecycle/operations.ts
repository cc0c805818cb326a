import { brandRoleOf } from '../catalogue/operations.ts';
import { authorizeOnCampaign } from '../campaigns/operations.ts';
import type { Tx } from '../database/transaction.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
import { sumExpectedRefunds } from '../participations/participant-list-queries.ts';
import * as sql from './queries.ts';

/**
 * Opens an inactive or scheduled campaign for joins, now. Refuses: campaign_not_found, forbidden,
 * transition_not_allowed, deadline_passed, receiving_account_missing (unless buyers can pay online).
 */
export async function publishCampaign(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  paysOnline = false,
): Promise<void> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'campaign.publish', campaignId);
  await tx.one(sql.openCampaign, campaignId, actorLabel(caller), paysOnline);
}

/**
 * Moves the deadline of an active or full campaign to a later time. Refuses: campaign_not_found,
 * forbidden, transition_not_allowed, campaign_closing, deadline_passed, deadline_not_later.
 */
export async function extendCampaign(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  { deadline, reason }: { readonly deadline: Date; readonly reason: string },
): Promise<void> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'campaign.extend', campaignId);
  await tx.one(sql.extendDeadline, campaignId, deadline, reason, actorLabel(caller));
}

/**
 * Decides whether a batch goes on although fewer slots were paid than its minimum; otherwise it is
 * called off as cancelCampaign does. The seller decides; an operator may after the seller's time.
 * Gives whether it was called off. Refuses: campaign_not_found, forbidden, no_decision_open,
 * decision_is_sellers, goods_received_already, goods_shipped_already, payout_settled_already.
 */
export async function decideBelowMinimum(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  { goesOn, note }: Decision,
): Promise<boolean> {
  const { caller, campaign } = await authorizeOnCampaign(tx, actor, 'campaign.decide', campaignId);
  const brandRole = await brandRoleOf(tx, actor, campaign.brand_id);
  const { is_off: isOff } = await tx.one(
    sql.decideBelowMinimum,
    campaignId,
    goesOn,
    caller.kind === 'operator' && brandRole === undefined,
    note,
    actorLabel(caller),
  );
  return isOff;
}

export interface Decision {
  readonly goesOn: boolean;
  readonly note: string | null;
}

/**
 * Calls a campaign off. From the commit on it takes no joins; `settleUntilDone` makes the refunds
 * and ends it, as would any worker. Refuses: campaign_not_found, forbidden,
 * transition_not_allowed, campaign_closing.
 */
export async function cancelCampaign(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  reason: string,
): Promise<void> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'campaign.cancel', campaignId);
  await tx.one(sql.cancelCampaign, campaignId, reason, actorLabel(caller));
}

/**
 * The goods of a completed campaign were sent; said again it changes nothing. After so many days an
 * order whose buyer has said nothing counts as received. Refuses: campaign_not_found, forbidden,
 * transition_not_allowed.
 */
export async function shipCampaign(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  receivedAfterDays: number,
): Promise<void> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'campaign.ship', campaignId);
  await tx.rows(sql.shipCampaign, campaignId, receivedAfterDays, actorLabel(caller));
}

/** What calling a campaign off does, in numbers. */
export interface CancellationOutcome {
  readonly participants: number;
  readonly slots: number;
  /** Buyers on the waiting list, whose waiting ends. */
  readonly waiting: number;
  /** Payments that go back, and their sum in whole rupiah. */
  readonly refunds: number;
  readonly refund_total: bigint;
}

/**
 * Calls a campaign off and tells what that does; for a transaction that is rolled back (see
 * `preview`). Refuses as `cancelCampaign`.
 */
export async function previewCancellation(
  tx: Tx,
  actor: Actor,
  campaignId: string,
): Promise<CancellationOutcome> {
  const { campaign } = await authorizeOnCampaign(tx, actor, 'campaign.cancel', campaignId);
  await cancelCampaign(tx, actor, campaignId, 'preview');
  const { refunds, amount } = await tx.one(sumExpectedRefunds, campaignId);
  return {
    participants: campaign.participant_count,
    slots: campaign.slots_taken,
    waiting: campaign.waiting_count,
    refunds: Number(refunds),
    refund_total: amount,
  };
}
