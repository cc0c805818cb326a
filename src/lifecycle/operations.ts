import { permitOnCampaign } from '../campaigns/operations.ts';
import type { Tx } from '../database/transaction.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
import { sumExpectedRefunds } from '../participations/roster-queries.ts';
import * as sql from './queries.ts';

/**
 * Opens an inactive or scheduled campaign for joins, now. Refuses: campaign_not_found, forbidden,
 * transition_not_allowed, deadline_passed.
 */
export async function publishCampaign(tx: Tx, actor: Actor, campaignId: string): Promise<void> {
  const { caller } = await permitOnCampaign(tx, actor, 'campaign.publish', campaignId);
  await tx.one(sql.openCampaign, campaignId, actorLabel(caller));
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
  const { caller } = await permitOnCampaign(tx, actor, 'campaign.extend', campaignId);
  await tx.one(sql.extendDeadline, campaignId, deadline, reason, actorLabel(caller));
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
  const { caller } = await permitOnCampaign(tx, actor, 'campaign.cancel', campaignId);
  await tx.one(sql.cancelCampaign, campaignId, reason, actorLabel(caller));
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
  const { campaign } = await permitOnCampaign(tx, actor, 'campaign.cancel', campaignId);
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
