import { toApiStatus, toDbStatus, type CampaignStatus } from '../database/status-words.ts';
import { brandRoleOf } from '../catalogue/operations.ts';
import type { Queryable } from '../database/query.ts';
import { prefixQuery } from '../database/text-search.ts';
import type { Actor } from '../identity/actor.ts';
import { authorize } from '../identity/policy.ts';
import type { CampaignSort } from './campaign.ts';
import { listCampaigns, summarize, type CampaignRow } from './queries.ts';
import { publishedStatuses } from './status.ts';

/** What a caller wants to see of the campaigns. */
export interface CampaignListInput {
  /** One status; undefined for everything that is published. */
  readonly status: CampaignStatus | undefined;
  /** Several published ones instead. */
  readonly among?: readonly CampaignStatus[] | undefined;
  readonly brandId: string | undefined;
  /** Words that the title begins with or has a word beginning with. */
  readonly words: string | undefined;
  readonly sort: CampaignSort;
  /** Sort value (null for newest) and id of the last row of the page before. */
  readonly after: { readonly value: Date | number | null; readonly id: string } | undefined;
  /** How many rows at most. */
  readonly limit: number;
}

/** What a member wants to see of a brand's campaigns. */
export interface BrandListInput {
  readonly brandId: string;
  readonly statuses: readonly CampaignStatus[];
  /** Id of the last row of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

/** Rows of the campaigns a caller may see. Drafts are their brand's and the staff's only: forbidden. */
export async function listVisible(
  db: Queryable,
  actor: Actor,
  wish: CampaignListInput,
): Promise<CampaignRow[]> {
  if (wish.status === 'inactive') {
    const brandRole = wish.brandId && (await brandRoleOf(db, actor, wish.brandId));
    authorize(actor, 'campaign.read_draft', { brandRole: brandRole || undefined });
  }
  const published = wish.among?.filter((one) => one !== 'inactive') ?? publishedStatuses;
  const statuses = (wish.status ? [wish.status] : published).map(toDbStatus);
  const words = wish.words === undefined ? null : (prefixQuery(wish.words) ?? null);
  const lists = listCampaigns[wish.sort];
  const list = wish.brandId ? lists.ofBrand : words === null ? lists.all : lists.matching;
  return await db.rows(
    list,
    statuses,
    wish.limit,
    wish.after?.value ?? null,
    wish.after?.id ?? null,
    wish.brandId ?? null,
    words,
  );
}

/**
 * Rows of one brand's campaigns in some statuses, drafts too, newest first, from after a campaign
 * on; for the brand's members and the staff. Refuses: forbidden.
 */
export async function listOfBrand(
  db: Queryable,
  actor: Actor,
  { brandId, statuses, after, limit }: BrandListInput,
): Promise<CampaignRow[]> {
  authorize(actor, 'campaign.read_draft', { brandRole: await brandRoleOf(db, actor, brandId) });
  const stored = statuses.map(toDbStatus);
  return await db.rows(listCampaigns.newest.ofBrand, stored, limit, null, after, brandId, null);
}

/** Numbers over all published campaigns. */
export interface Summary {
  readonly total_campaigns: number;
  readonly active_campaigns: number;
  readonly full_campaigns: number;
  readonly completed_campaigns: number;
  readonly failed_campaigns: number;
  readonly total_slots_taken: number;
}

/** Counts the published campaigns and the slots that are taken in them. */
export async function summarizeCampaigns(db: Queryable): Promise<Summary> {
  const rows = await db.rows(summarize);
  const count = (wanted?: CampaignStatus) =>
    rows
      .filter(({ status }) => wanted === undefined || toApiStatus(status) === wanted)
      .reduce((sum, row) => sum + Number(row.campaigns), 0);
  return {
    total_campaigns: count(),
    active_campaigns: count('active'),
    full_campaigns: count('full'),
    completed_campaigns: count('completed'),
    failed_campaigns: count('failed'),
    total_slots_taken: rows.reduce((sum, row) => sum + Number(row.slots), 0),
  };
}
