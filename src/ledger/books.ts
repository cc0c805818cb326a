import type { Campaign } from '../campaigns/campaign.ts';
import { authorizeOnCampaign } from '../campaigns/operations.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { authorize } from '../identity/policy.ts';
import * as disputes from './disputes/queries.ts';
import type { Place } from './movements.ts';
import * as sql from './books-queries.ts';
import type { CampaignPayoutRow } from './movement-queries.ts';
import { authorizeOnBuyer } from './payments/operations.ts';

/** The books of a campaign; they balance to the rupiah. Refuses: campaign_not_found, forbidden. */
export async function viewBooks(
  db: Queryable,
  actor: Actor,
  campaignId: string,
): Promise<sql.BooksRow> {
  await authorizeOnCampaign(db, actor, 'books.read', campaignId);
  return await db.one(sql.campaignBooks, campaignId);
}

/** A campaign's books, and how the money stands that goes on to its seller. */
export interface SellerStatement {
  readonly campaign: Campaign;
  readonly books: sql.BooksRow;
  readonly payouts: readonly CampaignPayoutRow[];
}

/** What a campaign's seller is shown of its money. Refuses: campaign_not_found, forbidden. */
export async function viewSellerStatement(
  db: Queryable,
  actor: Actor,
  campaignId: string,
): Promise<SellerStatement> {
  const { campaign } = await authorizeOnCampaign(db, actor, 'books.read', campaignId);
  const rows = await db.rows(sql.statementOfCampaign, campaignId);
  return { campaign, books: rows[0]!, payouts: rows.filter(isPayout) };
}

function isPayout<R extends sql.PayoutOrNoneRow>(row: R): row is R & CampaignPayoutRow {
  return row.transaction_id !== null;
}

/** Both sides of the books, in rupiah: what came in or will, and what it is for. They are equal. */
export function balanceSides(books: sql.BooksRow): { readonly in: bigint; readonly for: bigint } {
  const { paid, unique_codes, credits, returned, receivable, owed_back, lost } = books;
  const { gross, codes_kept, payouts_returned, refunds_due, refunds_settled } = books;
  return {
    in: paid + unique_codes + credits + returned + receivable + owed_back + lost,
    for: gross + codes_kept + payouts_returned + refunds_due + refunds_settled,
  };
}

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

/**
 * Something is wrong with what was bought: the payout of the campaign is held. Refuses:
 * participation_not_found, forbidden, participation_transition_not_allowed, dispute_not_paid,
 * dispute_open_already, dispute_decided, dispute_says_nothing_new.
 */
export async function openDispute(
  tx: Tx,
  actor: Actor,
  participationId: string,
  reason: string,
): Promise<disputes.DisputeRow> {
  const { buyer, caller } = await authorizeOnBuyer(tx, actor, 'dispute.open', participationId);
  return await tx.one(
    disputes.openDispute,
    buyer.campaign_id,
    participationId,
    newId(),
    reason,
    actorLabel(caller),
  );
}

/** A page of open disputes, the oldest first. Refuses: forbidden. */
export async function openDisputes(
  db: Queryable,
  actor: Actor,
  [position, id]: Place,
  limit: number,
): Promise<disputes.DisputeRow[]> {
  authorize(actor, 'dispute.resolve');
  return await db.rows(disputes.listDisputes, position, id, limit);
}

/** How disputes that are opened anew were decided before, by their ids. Refuses: forbidden. */
export async function decisionsBefore(
  db: Queryable,
  actor: Actor,
  disputeIds: readonly string[],
): Promise<ReadonlyMap<string, disputes.EarlierDecisionRow>> {
  authorize(actor, 'dispute.resolve');
  const rows = await db.rows(disputes.earlierDecisions, disputeIds);
  return new Map(rows.map((row) => [row.dispute_id, row]));
}

/**
 * Upheld, the buyer gets their money back; dismissed, it stays with the seller. Refuses: forbidden,
 * dispute_not_found, dispute_resolved_already, payout_settled_already.
 */
export async function resolveDispute(
  tx: Tx,
  actor: Actor,
  disputeId: string,
  {
    resolution,
    explanation,
  }: { readonly resolution: 'upheld' | 'dismissed'; readonly explanation: string },
): Promise<disputes.DisputeRow> {
  const caller = authorize(actor, 'dispute.resolve');
  return await tx.one(
    disputes.resolveDispute,
    disputeId,
    resolution,
    explanation,
    actorLabel(caller),
  );
}
