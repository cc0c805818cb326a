import { refusals } from '../../errors/errors.ts';
import * as sql from './queries.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import { authorizeOnCampaign } from '../../campaigns/operations.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { type Actor, actorLabel } from '../../identity/actor.ts';

/** A preview of a shortfall. */
export interface ShortfallPreview {
  readonly campaign: Campaign;
  readonly range: sql.ShortfallRange;
  /** Undefined until the number of slots is given. */
  readonly outcome: ShortfallOutcome | undefined;
}

export interface ShortfallOutcome {
  readonly slots: number;
  readonly sums: sql.SharesSum;
  /** In reverse order of joining: buyers who lose slots come first. */
  readonly rows: readonly sql.ShareRow[];
}

/**
 * Returns the possible range of a shortfall and, for a number of slots, its outcome: totals, and a
 * page of what each buyer keeps, loses and gets back. Refuses: campaign_not_found, forbidden,
 * transition_not_allowed, shortfall_not_possible, payment_not_open.
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
 * Declares that a completed campaign delivers fewer slots than it sold. Buyers who joined first get
 * their slots; the others are refunded, and the payout falls. Returns the rupiah to refund.
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
 * Declares a shortfall and returns its effect, for a transaction that is rolled back (see
 * `preview`).
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
tryShortfall.refusals = refusals(declareShortfall);
