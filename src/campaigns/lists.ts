import { refusals } from '../errors/errors.ts';
import { toApiStatus, toDbStatus, type CampaignStatus } from '../database/status-words.ts';
import { brandRoleOf } from '../catalogue/operations.ts';
import type { Queryable } from '../database/query.ts';
import { prefixQuery } from '../database/text-search.ts';
import type { Actor } from '../identity/actor.ts';
import { authorize } from '../identity/policy.ts';
import type { CampaignSort } from './campaign.ts';
import { listCampaigns, summarize, type CampaignRow } from './queries.ts';
import { publishedStatuses } from './status.ts';

/** Filters of a list of campaigns. */
export interface CampaignListInput {
  /** Only campaigns in this status; undefined means all published campaigns. */
  readonly status: CampaignStatus | undefined;
  /** Only campaigns in one of these published statuses; used instead of `status`. */
  readonly among?: readonly CampaignStatus[] | undefined;
  readonly brandId: string | undefined;
  /** Search words; each must be the beginning of a word of the title. */
  readonly words: string | undefined;
  readonly sort: CampaignSort;
  /** The last row of the previous page: its sort value (null for the order "newest") and its id. */
  readonly after: { readonly value: Date | number | null; readonly id: string } | undefined;
  /** Maximum number of rows. */
  readonly limit: number;
}

/** Filters of a list of one brand's campaigns, for its members. */
export interface BrandListInput {
  readonly brandId: string;
  readonly statuses: readonly CampaignStatus[];
  /** The id of the last row of the previous page; null for the first page. */
  readonly after: string | null;
  readonly limit: number;
}

/**
 * Returns the campaigns that the caller may see. Throws `forbidden` when the caller asks for drafts
 * and may not see them: only the brand's members and staff may.
 */
export async function listVisible(
  db: Queryable,
  actor: Actor,
  listQuery: CampaignListInput,
): Promise<CampaignRow[]> {
  if (listQuery.status === 'inactive') {
    const brandRole = listQuery.brandId && (await brandRoleOf(db, actor, listQuery.brandId));
    authorize(actor, 'campaign.read_draft', { brandRole: brandRole || undefined });
  }
  const published = listQuery.among?.filter((one) => one !== 'inactive') ?? publishedStatuses;
  const statuses = (listQuery.status ? [listQuery.status] : published).map(toDbStatus);
  const words = listQuery.words === undefined ? null : (prefixQuery(listQuery.words) ?? null);
  const lists = listCampaigns[listQuery.sort];
  const list = listQuery.brandId ? lists.ofBrand : words === null ? lists.all : lists.matching;
  return await db.rows(
    list,
    statuses,
    listQuery.limit,
    listQuery.after?.value ?? null,
    listQuery.after?.id ?? null,
    listQuery.brandId ?? null,
    words,
  );
}
listVisible.refusals = refusals(authorize);

/**
 * Returns campaigns of one brand in the given statuses, including drafts, newest first, after a
 * given campaign. Only for the brand's members and staff.
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
listOfBrand.refusals = refusals(authorize);

/** Totals over all published campaigns. */
export interface Summary {
  readonly total_campaigns: number;
  readonly active_campaigns: number;
  readonly full_campaigns: number;
  readonly completed_campaigns: number;
  readonly failed_campaigns: number;
  readonly total_slots_taken: number;
}

/** Counts the published campaigns and the slots taken in them. */
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
