import * as sql from './queries.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import { authorizeOnCampaign } from '../../campaigns/operations.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { type Actor, actorLabel } from '../../identity/actor.ts';

/** What a shortfall would do now. */
export interface ShortfallPreview {
  readonly campaign: Campaign;
  readonly range: sql.ShortfallRange;
  /** Nothing before a number of slots is said. */
  readonly outcome: ShortfallOutcome | undefined;
}

export interface ShortfallOutcome {
  readonly slots: number;
  readonly sums: sql.SharesSum;
  /** From the end of the order: those who lose slots come first. */
  readonly rows: readonly sql.ShareRow[];
}

/**
 * Whether fewer slots can be delivered and how many, and what delivering so many only would do: the
 * sums over all, and a page of who keeps, loses and gets back how much. Refuses:
 * campaign_not_found, forbidden, transition_not_allowed, shortfall_not_possible, payment_not_open.
 */
export async function previewShortfall(
  db: Queryable,
  actor: Actor,
  campaignId: string,
  {
    slots,
    before,
    limit,
  }: { readonly slots: number | undefined; readonly before: number | null; readonly limit: number },
): Promise<ShortfallPreview> {
  const { campaign } = await authorizeOnCampaign(db, actor, 'shortfall.declare', campaignId);
  const range = await db.one(sql.rangeOfShortfall, campaignId);
  if (slots === undefined) return { campaign, range, outcome: undefined };
  const sums = await db.one(sql.sumShares, campaignId, slots);
  const rows = await db.rows(sql.listShares, campaignId, slots, before, limit);
  return { campaign, range, outcome: { slots, sums, rows } };
}

/**
 * A completed campaign delivers fewer slots than it sold: those who joined first get theirs, the
 * rest is refunded and the payout is less. Gives the rupiah that are due back. Refuses:
 * campaign_not_found, forbidden, transition_not_allowed, shortfall_not_possible,
 * payout_settled_already, payment_not_open.
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

/**
 * Declares a shortfall and tells what that does; for a transaction that is rolled back (see
 * `preview`). Refuses as `declareShortfall`.
 */
export async function tryShortfall(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  slots: number,
): Promise<{ readonly range: sql.ShortfallRange; readonly sums: sql.SharesSum }> {
  await authorizeOnCampaign(tx, actor, 'shortfall.declare', campaignId);
  const range = await tx.one(sql.rangeOfShortfall, campaignId);
  const sums = await tx.one(sql.sumShares, campaignId, slots);
  await declareShortfall(tx, actor, campaignId, { slots, reason: 'preview' });
  return { range, sums };
}
