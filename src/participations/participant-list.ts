import { refusals } from '../errors/errors.ts';
import {
  participationStatuses,
  toDbParticipationStatus,
  type ParticipationStatus,
} from '../database/status-words.ts';
import { authorizeOnCampaign } from '../campaigns/operations.ts';
import type { Campaign } from '../campaigns/campaign.ts';
import type { Queryable } from '../database/query.ts';
import { foldText } from '../database/text-search.ts';
import type { Actor } from '../identity/actor.ts';
import type { PaymentState } from '../ledger/payments/payment-state.ts';
import * as sql from './participant-list-queries.ts';

/** Maximum number of rows that one SQL statement of an export reads. */
const maxBatchRows = 1_000;
/** Maximum number of words in a search; further words are ignored. */
const maxWords = 8;

/** Filters of a participant list. Without any filter the list has all participants. */
export interface ParticipantListInput {
  readonly status?: ParticipationStatus | undefined;
  readonly paymentState?: PaymentState | undefined;
  /** Words of a name, e-mail address, shipping address, note or id; or a telephone number. */
  readonly search?: string | undefined;
  /** Only orders to pack: paid, with at least one delivered slot. */
  readonly onlyToPack?: boolean | undefined;
}

/**
 * Returns a campaign and a part of its participants with their shipping addresses: the next `limit`
 * participations after the id `after`, in the order of ids. Refuses callers without the right to
 * read the addresses.
 */
export async function viewParticipants(
  db: Queryable,
  actor: Actor,
  campaignId: string,
  {
    after,
    limit,
    ...input
  }: ParticipantListInput & { readonly after: string | null; readonly limit: number },
): Promise<{ readonly campaign: Campaign; readonly rows: sql.ParticipantRow[] }> {
  const action = 'campaign.participants.read';
  const { campaign } = await authorizeOnCampaign(db, actor, action, campaignId);
  const rows = await db.rows(sql.listParticipants, ...filterOf(campaignId, input), after, limit);
  return { campaign, rows };
}
viewParticipants.refusals = refusals(authorizeOnCampaign);

/** One page of participants, with the totals of all pages. */
export interface ParticipantPage {
  readonly campaign: Campaign;
  readonly rows: readonly sql.ParticipantRow[];
  /** Number of matching participants on all pages together. */
  readonly total: number;
  /** Number of participations in each payment state, in the whole campaign. */
  readonly states: ReadonlyMap<PaymentState, number>;
}

/**
 * Returns one sorted page of a campaign's participants; the first page is 1. Refuses:
 * campaign_not_found, forbidden.
 */
export async function viewParticipantPage(
  db: Queryable,
  actor: Actor,
  campaignId: string,
  {
    sort,
    page,
    pageSize,
    ...input
  }: ParticipantListInput & {
    readonly sort: sql.ParticipantSort;
    readonly page: number;
    readonly pageSize: number;
  },
): Promise<ParticipantPage> {
  const action = 'campaign.participants.read';
  const { campaign } = await authorizeOnCampaign(db, actor, action, campaignId);
  const filter = filterOf(campaignId, input);
  const read = (offset: number) =>
    db.rows(sql.pageOfParticipants, ...filter, sort, offset, pageSize);
  const states = await countStates(db, campaignId);
  let rows = await read((page - 1) * pageSize);
  // The total is a column of the rows. A page after the last page has no rows, and so no total.
  // Therefore read the first page instead.
  if (rows.length === 0 && page > 1) rows = await read(0);
  return { campaign, rows, total: Number(rows[0]?.total ?? 0), states };
}

/**
 * Returns the number of a campaign's participations per payment state. A state without
 * participations is left out.
 */
export async function countStates(
  db: Queryable,
  campaignId: string,
): Promise<ReadonlyMap<PaymentState, number>> {
  const rows = await db.rows(sql.countPaymentStates, campaignId);
  return new Map(rows.map((row) => [row.payment_state, Number(row.participations)]));
}

/**
 * Yields all participants page by page, so that a long list needs no more memory than a short list.
 */
export async function* wholeRoster(
  db: Queryable,
  campaignId: string,
  input: ParticipantListInput,
): AsyncGenerator<sql.ParticipantRow> {
  const filter = filterOf(campaignId, input);
  for (let after: string | null = null; ;) {
    const start: string | null = after;
    const rows: sql.ParticipantRow[] = await db.rows(
      sql.listParticipants,
      ...filter,
      start,
      maxBatchRows,
    );
    yield* rows;
    if (rows.length < maxBatchRows) return;
    after = rows.at(-1)!.participation_id;
  }
}

function filterOf(campaignId: string, input: ParticipantListInput): sql.ParticipantFilter {
  const { status, paymentState, search, onlyToPack = false } = input;
  const statuses = status === undefined ? participationStatuses : [status];
  const words = wordsOf(search ?? '');
  return [
    campaignId,
    statuses.map(toDbParticipationStatus),
    paymentState === undefined ? null : [paymentState],
    words.length === 0 ? null : words,
    phoneDigitsOf(search ?? '') ?? null,
    onlyToPack,
  ];
}

/**
 * Converts the words of a search to `like` patterns, for text that `sambatan.search_fold` has
 * normalized.
 */
function wordsOf(search: string): string[] {
  const words = foldText(search)
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.slice(0, maxWords).map((word) => `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`);
}

/**
 * Returns the digits of a search if it is a telephone number or part of one; undefined for any
 * other search. Leaves out the country code and the leading 0.
 */
export function phoneDigitsOf(search: string): string | undefined {
  if (!/^[\d\s+().\-/]+$/.test(search)) return undefined;
  const digits = search.replaceAll(/\D/g, '').replace(/^(62|0)/, '');
  return digits.length >= 4 ? digits : undefined;
}

/**
 * The refunds that would become due if the campaign were cancelled now: totals, and one page of the
 * list.
 */
export interface ExpectedRefunds {
  readonly campaign: Campaign;
  readonly refunds: number;
  /** The sum of all refunds in whole rupiah. */
  readonly amount: bigint;
  readonly rows: readonly sql.RefundRow[];
}

/** The page of a list of expected refunds to return. */
export interface RefundPage {
  /** The last participation of the previous page; null for the first page. */
  readonly after: string | null;
  readonly limit: number;
}

/**
 * Returns the refunds that would become due if the campaign were cancelled now: their sum and one
 * page of the list.
 */
export async function expectedRefunds(
  db: Queryable,
  actor: Actor,
  campaignId: string,
  { after, limit }: RefundPage,
): Promise<ExpectedRefunds> {
  const { campaign } = await authorizeOnCampaign(db, actor, 'campaign.cancel', campaignId);
  const { refunds, amount } = await db.one(sql.sumExpectedRefunds, campaignId);
  const rows = await db.rows(sql.listExpectedRefunds, campaignId, after, limit);
  return { campaign, refunds: Number(refunds), amount, rows };
}
expectedRefunds.refusals = refusals(authorizeOnCampaign);
