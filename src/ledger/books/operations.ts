import { refusals } from '../../errors/errors.ts';
import * as sql from './queries.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import { authorizeOnCampaign } from '../../campaigns/operations.ts';
import type { Queryable } from '../../database/query.ts';
import type { Actor } from '../../identity/actor.ts';
import type { CampaignPayoutRow } from '../payouts/queries.ts';

/** Returns the books of a campaign, in rupiah. */
export async function viewBooks(
  db: Queryable,
  actor: Actor,
  campaignId: string,
): Promise<sql.BooksRow> {
  await authorizeOnCampaign(db, actor, 'books.read', campaignId);
  return await db.one(sql.campaignBooks, campaignId);
}
viewBooks.refusals = refusals(authorizeOnCampaign);

/** The books of a campaign, with its payouts to the seller. */
export interface SellerStatement {
  readonly campaign: Campaign;
  readonly books: sql.BooksRow;
  readonly payouts: readonly CampaignPayoutRow[];
}

/** Returns the seller's statement of a campaign. */
export async function viewSellerStatement(
  db: Queryable,
  actor: Actor,
  campaignId: string,
): Promise<SellerStatement> {
  const { campaign } = await authorizeOnCampaign(db, actor, 'books.read', campaignId);
  const rows = await db.rows(sql.statementOfCampaign, campaignId);
  return { campaign, books: rows[0]!, payouts: rows.filter(isPayout) };
}
viewSellerStatement.refusals = refusals(authorizeOnCampaign);

function isPayout<R extends sql.PayoutOrNoneRow>(row: R): row is R & CampaignPayoutRow {
  return row.transaction_id !== null;
}

/**
 * Returns both sides of the books in rupiah: money received or expected, and the use of that money.
 * Both are equal.
 */
export function balanceSides(books: sql.BooksRow): { readonly in: bigint; readonly for: bigint } {
  const { paid, unique_codes, credits, returned, receivable, owed_back, lost } = books;
  const { gross, codes_kept, payouts_returned, refunds_due, refunds_settled } = books;
  return {
    in: paid + unique_codes + credits + returned + receivable + owed_back + lost,
    for: gross + codes_kept + payouts_returned + refunds_due + refunds_settled,
  };
}
