import { permitOnCampaign } from '../campaigns/operations.ts';
import type { Campaign } from '../campaigns/campaign.ts';
import type { Queryable } from '../database/query.ts';
import type { Actor } from '../identity/actor.ts';
import { consult } from '../operation.ts';
import * as sql from './roster-queries.ts';
import { participationStatuses, storedParticipationStatus } from './status.ts';
import type { ParticipationStatus } from './status.ts';

/** Rows that one statement of an export reads. */
const rowsAtOnce = 1_000;

export interface RosterWish {
  /** Undefined: every status. */
  readonly status: ParticipationStatus | undefined;
  /** Id of the last participation of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

/**
 * A campaign and a page of who joined it, with addresses, for those who may read them. Refuses:
 * campaign_not_found, forbidden.
 */
export async function viewRoster(
  db: Queryable,
  actor: Actor,
  campaignId: string,
  { status, after, limit }: RosterWish,
): Promise<{ readonly campaign: Campaign; readonly rows: sql.RosterRow[] }> {
  const action = 'campaign.participants.read';
  const { campaign } = await permitOnCampaign(db, actor, action, campaignId);
  const rows = await db.rows(sql.listRoster, campaignId, stored(status), after, limit);
  return { campaign, rows };
}

/** Everybody of a roster, page by page, so that ten thousand take no more memory than a thousand. */
export async function* wholeRoster(
  db: Queryable,
  campaignId: string,
  status: ParticipationStatus | undefined,
): AsyncGenerator<sql.RosterRow> {
  for (let after: string | null = null; ;) {
    const start: string | null = after;
    const rows: sql.RosterRow[] = await consult(() =>
      db.rows(sql.listRoster, campaignId, stored(status), start, rowsAtOnce),
    );
    yield* rows;
    if (rows.length < rowsAtOnce) return;
    after = rows.at(-1)!.participation_id;
  }
}

function stored(status: ParticipationStatus | undefined) {
  return (status === undefined ? participationStatuses : [status]).map(storedParticipationStatus);
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
  const { campaign } = await permitOnCampaign(db, actor, 'campaign.cancel', campaignId);
  const { refunds, amount } = await db.one(sql.sumExpectedRefunds, campaignId);
  const rows = await db.rows(sql.listExpectedRefunds, campaignId, after, limit);
  return { campaign, refunds: Number(refunds), amount, rows };
}
