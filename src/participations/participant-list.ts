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
import { retryRead } from '../operation/run.ts';
import * as sql from './participant-list-queries.ts';

/** Rows that one statement of an export reads. */
const maxBatchRows = 1_000;
/** Words of a search that are looked for; the rest is passed over. */
const maxWords = 8;

/** What a list of participants is narrowed to; nothing: everybody. */
export interface ParticipantListInput {
  readonly status?: ParticipationStatus | undefined;
  readonly paymentState?: PaymentState | undefined;
  /** Of name, e-mail address, address, note or id; or a telephone number. */
  readonly search?: string | undefined;
  /** Only what a parcel is packed for: paid, and something of it is delivered. */
  readonly onlyToPack?: boolean | undefined;
}

/**
 * A campaign and who joined it in order of their ids, with addresses, for those who may read them:
 * `limit` of them after the participation `after`. Refuses: campaign_not_found, forbidden.
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

/** A page of participants that somebody can jump to, and how many there are. */
export interface ParticipantPage {
  readonly campaign: Campaign;
  readonly rows: readonly sql.ParticipantRow[];
  /** Participations that match, on all pages. */
  readonly total: number;
  /** Participations of the whole campaign in each payment state. */
  readonly states: ReadonlyMap<PaymentState, number>;
}

/**
 * One page of a campaign's participants, sorted; `page` counts from 1. Refuses: campaign_not_found,
 * forbidden.
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
  // A page behind the last one says nothing of how many there are.
  if (rows.length === 0 && page > 1) rows = await read(0);
  return { campaign, rows, total: Number(rows[0]?.total ?? 0), states };
}

/** How many participations of a campaign are in each payment state; those with none are not in it. */
export async function countStates(
  db: Queryable,
  campaignId: string,
): Promise<ReadonlyMap<PaymentState, number>> {
  const rows = await db.rows(sql.countPaymentStates, campaignId);
  return new Map(rows.map((row) => [row.payment_state, Number(row.participations)]));
}

/** Everybody of a roster, page by page, so that ten thousand take no more memory than a thousand. */
export async function* wholeRoster(
  db: Queryable,
  campaignId: string,
  input: ParticipantListInput,
): AsyncGenerator<sql.ParticipantRow> {
  const filter = filterOf(campaignId, input);
  for (let after: string | null = null; ;) {
    const start: string | null = after;
    const rows: sql.ParticipantRow[] = await retryRead(() =>
      db.rows(sql.listParticipants, ...filter, start, maxBatchRows),
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

/** The words of a search as `like` patterns for text that `sambatan.search_fold` gave. */
function wordsOf(search: string): string[] {
  const words = foldText(search)
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.slice(0, maxWords).map((word) => `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`);
}

/**
 * The digits of a search that is a telephone number, or part of one, without the country code or
 * the leading 0; undefined for anything else.
 */
export function phoneDigitsOf(search: string): string | undefined {
  if (!/^[\d\s+().\-/]+$/.test(search)) return undefined;
  const digits = search.replaceAll(/\D/g, '').replace(/^(62|0)/, '');
  return digits.length >= 4 ? digits : undefined;
}

/** What calling a campaign off would give back now. */
export interface RefundPreview {
  readonly campaign: Campaign;
  readonly refunds: number;
  /** Whole rupiah in all. */
  readonly amount: bigint;
  readonly rows: readonly sql.RefundRow[];
}

/**
 * Who would be refunded how much if the campaign were called off now: the sum over all, and a page
 * of them. Refuses: campaign_not_found, forbidden.
 */
export async function previewRefunds(
  db: Queryable,
  actor: Actor,
  campaignId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<RefundPreview> {
  const { campaign } = await authorizeOnCampaign(db, actor, 'campaign.cancel', campaignId);
  const { refunds, amount } = await db.one(sql.sumExpectedRefunds, campaignId);
  const rows = await db.rows(sql.listExpectedRefunds, campaignId, after, limit);
  return { campaign, refunds: Number(refunds), amount, rows };
}
