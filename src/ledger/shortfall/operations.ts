import { refusals } from '../../errors/errors.ts';
import * as sql from './queries.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import { authorizeOnCampaign } from '../../campaigns/operations.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { type Actor, actorLabel } from '../../identity/actor.ts';

/** A completed campaign, and the number of slots that can remain after a shortfall. */
export interface PossibleShortfall {
  readonly campaign: Campaign;
  readonly range: sql.ShortfallRange;
}

/** The effects of a shortfall. */
export interface ShortfallPreview extends PossibleShortfall {
  readonly slots: number;
  readonly sums: sql.SharesSum;
  /** A page of rows in reverse order of `place`, so buyers who lose slots come first. */
  readonly rows: readonly sql.ShareRow[];
}

/** Returns how many slots of the campaign can remain after a shortfall. */
export async function possibleShortfall(
  db: Queryable,
  actor: Actor,
  campaignId: string,
): Promise<PossibleShortfall> {
  const { campaign } = await authorizeOnCampaign(db, actor, 'shortfall.declare', campaignId);
  return { campaign, range: await db.one(sql.rangeOfShortfall, campaignId) };
}
possibleShortfall.refusals = refusals(authorizeOnCampaign, 'transition_not_allowed');

/**
 * Declares that a completed campaign delivers fewer slots than it sold. Buyers who joined first
 * keep their slots; the others get refunds, and the payout becomes smaller. Returns the rupiah to
 * refund.
 */
export async function declareShortfall(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  { slots, reason }: { readonly slots: number; readonly reason: string },
): Promise<bigint> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'shortfall.declare', campaignId);
  const row = await tx.one(sql.declareShortfall, campaignId, slots, reason, actorLabel(caller));
  return row.refunds;
}
declareShortfall.refusals = refusals(
  authorizeOnCampaign,
  'transition_not_allowed',
  'shortfall_not_possible',
  'payout_settled_already',
  'payment_not_open',
  'campaign_busy',
);

/**
 * Declares a shortfall and returns its effects: totals, and a page with the slots that each buyer
 * keeps and loses, and the refund. Call it only in a transaction that is rolled back (see
 * `preview`).
 */
export async function previewShortfall(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  slots: number,
  { before, limit }: { readonly before: number | null; readonly limit: number } = {
    before: null,
    limit: 0,
  },
): Promise<ShortfallPreview> {
  const possible = await possibleShortfall(tx, actor, campaignId);
  const sums = await tx.one(sql.sumShares, campaignId, slots);
  const rows = await tx.rows(sql.listShares, campaignId, slots, before, limit);
  await declareShortfall(tx, actor, campaignId, { slots, reason: 'preview' });
  return { ...possible, slots, sums, rows };
}
previewShortfall.refusals = refusals(declareShortfall);
