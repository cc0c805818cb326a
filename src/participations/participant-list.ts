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

/** Rows per SQL statement of an export. */
const maxBatchRows = 1_000;
/** Maximum number of words in a search; the rest is ignored. */
const maxWords = 8;

/** Filters of a participant list; without any: all participants. */
export interface ParticipantListInput {
  readonly status?: ParticipationStatus | undefined;
  readonly paymentState?: PaymentState | undefined;
  /** Words of name, e-mail address, address, note or id; or a telephone number. */
  readonly search?: string | undefined;
  /** Only orders to pack: paid, with at least one delivered slot. */
  readonly onlyToPack?: boolean | undefined;
}

/**
 * Returns a campaign and its participants in the order of ids, with addresses, to callers who may
 * read them: `limit` of them after the participation `after`.
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

/** One page of participants, with the total number. */
export interface ParticipantPage {
  readonly campaign: Campaign;
  readonly rows: readonly sql.ParticipantRow[];
  /** Number of matching participations on all pages. */
  readonly total: number;
  /** Number of participations of the whole campaign per payment state. */
  readonly states: ReadonlyMap<PaymentState, number>;
}

/**
 * Returns one sorted page of a campaign's participants; `page` counts from 1. Refuses:
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
  // An empty page after the last one has no row that carries the total.
  if (rows.length === 0 && page > 1) rows = await read(0);
  return { campaign, rows, total: Number(rows[0]?.total ?? 0), states };
}

/**
 * Returns the number of a campaign's participations per payment state; omits states without any.
 */
export async function countStates(
  db: Queryable,
  campaignId: string,
): Promise<ReadonlyMap<PaymentState, number>> {
  const rows = await db.rows(sql.countPaymentStates, campaignId);
  return new Map(rows.map((row) => [row.payment_state, Number(row.participations)]));
}

/** Yields all participants page by page, so that memory does not grow with their number. */
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
 * Converts the words of a search to `like` patterns for text normalized by `sambatan.search_fold`.
 */
function wordsOf(search: string): string[] {
  const words = foldText(search)
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.slice(0, maxWords).map((word) => `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`);
}

/**
 * Returns the digits of a search that is (part of) a telephone number, without the country code or
 * the leading 0; undefined for anything else.
 */
export function phoneDigitsOf(search: string): string | undefined {
  if (!/^[\d\s+().\-/]+$/.test(search)) return undefined;
  const digits = search.replaceAll(/\D/g, '').replace(/^(62|0)/, '');
  return digits.length >= 4 ? digits : undefined;
}

/** The refunds that cancelling the campaign now would make. */
export interface ExpectedRefunds {
  readonly campaign: Campaign;
  readonly refunds: number;
  /** The sum in whole rupiah. */
  readonly amount: bigint;
  readonly rows: readonly sql.RefundRow[];
}

/** One page of a list of expected refunds. */
export interface RefundPage {
  /** The participation before the page; null for the first page. */
  readonly after: string | null;
  readonly limit: number;
}

/**
 * Returns the refunds that cancelling the campaign now would make: the sum, and one page of them.
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
