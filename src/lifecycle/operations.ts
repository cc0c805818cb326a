import { permitOnCampaign } from '../campaigns/operations.ts';
import type { Tx } from '../database/transaction.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
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
