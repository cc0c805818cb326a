import { query } from '../../database/query.ts';
import type { LedgerEntryStatus } from '../entries/entry.ts';

export interface BooksRow {
  readonly gross: bigint;
  readonly fee: bigint;
  readonly paid: bigint;
  readonly unique_codes: bigint;
  readonly credits: bigint;
  readonly returned: bigint;
  readonly payouts_returned: bigint;
  readonly receivable: bigint;
  readonly codes_kept: bigint;
  readonly refunds_due: bigint;
  readonly refunds_settled: bigint;
  readonly payouts_due: bigint;
  readonly payouts_settled: bigint;
  /** Money in hand. */
  readonly held: bigint;
  readonly owed_back: bigint;
  readonly lost: bigint;
}

const booksColumns = `b.gross, b.fee, b.paid, b.unique_codes, b.credits, b.returned,
    b.payouts_returned, b.receivable, b.codes_kept, b.refunds_due, b.refunds_settled, b.payouts_due,
    b.payouts_settled, b.cash as held, b.owed_back, b.lost`;

export const campaignBooks = query<[campaignId: string], BooksRow>(
  'campaign_books',
  `select ${booksColumns} from sambatan.campaign_books($1) b`,
);

/** A payout of a campaign; all fields are null if there is none. */
export interface PayoutOrNoneRow {
  readonly transaction_id: string | null;
  readonly status: LedgerEntryStatus | null;
  readonly amount: bigint | null;
  readonly reference: string | null;
  readonly created_at: Date | null;
  readonly released_at: Date | null;
  readonly settled_at: Date | null;
  readonly is_disputed: boolean;
}

/**
 * Query for the books of a campaign with each payout to its seller (due, pending or settled),
 * oldest first. If there is no payout, it returns one row without a payout. It is a single SQL
 * statement, so that payouts and books agree.
 */
export const statementOfCampaign = query<[campaignId: string], BooksRow & PayoutOrNoneRow>(
  'statement_of_campaign',
  `select ${booksColumns}, t.transaction_id, t.status, t.amount, t.reference, t.created_at, t.released_at,
    t.settled_at, exists (select from sambatan.disputes d
      where d.campaign_id = $1 and d.resolved_at is null) as is_disputed
  from sambatan.campaign_books($1) b
  left join sambatan.transactions t on t.campaign_id = $1 and t.kind = 'payout'
    and t.status in ('due', 'pending', 'settled')
  order by t.created_at, t.transaction_id`,
);
