import { refusals } from '../errors/errors.ts';
import { brandRoleOf } from '../catalogue/operations.ts';
import { authorizeOnCampaign } from '../campaigns/operations.ts';
import type { Tx } from '../database/transaction.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
import {
  expectedRefunds,
  type ExpectedRefunds,
  type RefundPage,
} from '../participations/participant-list.ts';
import * as sql from './queries.ts';

/** Opens an inactive (draft) or scheduled campaign now, so that buyers can join. */
export async function publishCampaign(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  paysOnline = false,
): Promise<void> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'campaign.publish', campaignId);
  await tx.one(sql.openCampaign, campaignId, actorLabel(caller), paysOnline);
}
publishCampaign.refusals = refusals(
  authorizeOnCampaign,
  'transition_not_allowed',
  'deadline_passed',
  'receiving_account_missing',
  'campaign_busy',
);

/** Moves the deadline of an active or full campaign to a later time. */
export async function extendCampaign(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  { deadline, reason }: { readonly deadline: Date; readonly reason: string },
): Promise<void> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'campaign.extend', campaignId);
  await tx.one(sql.extendDeadline, campaignId, deadline, reason, actorLabel(caller));
}
extendCampaign.refusals = refusals(
  authorizeOnCampaign,
  'transition_not_allowed',
  'campaign_closing',
  'deadline_passed',
  'deadline_not_later',
  'campaign_busy',
);

/**
 * Decides about a completed campaign with fewer paid slots than its minimum: continues with it, or
 * cancels it as cancelCampaign does. During the first period only the seller may decide; after
 * that, an operator may decide too. Returns whether the campaign was cancelled.
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
decideBelowMinimum.refusals = refusals(
  authorizeOnCampaign,
  'no_decision_open',
  'decision_is_sellers',
  'goods_received_already',
  'goods_shipped_already',
  'payout_settled_already',
  'campaign_busy',
);

export interface Decision {
  readonly goesOn: boolean;
  readonly note: string | null;
}

/**
 * Cancels a campaign. After the commit, the campaign accepts no joins. `settleUntilDone` or any
 * worker then makes the refunds due and ends the campaign.
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
cancelCampaign.refusals = refusals(
  authorizeOnCampaign,
  'transition_not_allowed',
  'campaign_closing',
  'campaign_busy',
);

/**
 * Records that the goods of a completed campaign were sent. Idempotent. If a buyer reports nothing
 * for the given number of days, the order counts as received.
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
shipCampaign.refusals = refusals(authorizeOnCampaign, 'transition_not_allowed', 'campaign_busy');

/**
 * Cancels a campaign and returns the result, with one page of the refunds. Call it only in a
 * transaction that is rolled back afterwards (see `preview`).
 */
export async function previewCancellation(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  page: RefundPage = { after: null, limit: 0 },
): Promise<ExpectedRefunds> {
  // Read the refunds first, so that only the last statement locks the campaign's row.
  const expected = await expectedRefunds(tx, actor, campaignId, page);
  await cancelCampaign(tx, actor, campaignId, 'preview');
  return expected;
}
previewCancellation.refusals = refusals(cancelCampaign);
