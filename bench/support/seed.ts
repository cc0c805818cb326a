import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './database.ts';

const functions = readFileSync(join(import.meta.dirname, 'seed.sql'), 'utf8');

/** Campaigns to insert with SQL, because creating so many over HTTP would take too long. */
export interface CampaignBatch {
  readonly campaigns: number;
  /** Slots of each campaign; default: 100, or one more than it has participants. */
  readonly slots?: number;
  /** Participants of each campaign, one slot each. */
  readonly participants?: number;
  /** Whether the campaigns have failed, so that each participation has a second event. */
  readonly ended?: boolean;
  /** Seconds from now to the deadline; default: a day. */
  readonly deadlineInSeconds?: number;
  /** One of this many campaigns reaches its minimum; 0: none. */
  readonly successEvery?: number;
}

/** Campaigns per SQL statement. */
const atOnce = 50_000;
const brands = 1_000;

/**
 * The database with many rows: 500 failed campaigns, 500,000 participations, 1,001,000 rows of the
 * log. As in an old installation, nearly all orders are past ones.
 */
export const fullMarket = { campaigns: 500, participants: 1_000, ended: true } as const;

/** Creates a database with products and no campaigns; returns its URL. */
export async function createMarket(cluster: Cluster, name: string): Promise<string> {
  const url = await cluster.createDatabase(name);
  await cluster.sql(url, functions);
  await cluster.sql(url, 'select bench.seed_catalogue($1)', [brands]);
  return url;
}

/** Inserts active campaigns. Calls `onPortion` with the number inserted so far. */
export async function seed(
  { sql }: Cluster,
  url: string,
  batch: CampaignBatch,
  onPortion: (made: number) => void = () => undefined,
): Promise<void> {
  const { campaigns, participants = 0, ended = false } = batch;
  const { slots = Math.max(participants + 1, 100), successEvery = 0 } = batch;
  const deadline = new Date(Date.now() + (batch.deadlineInSeconds ?? 86_400) * 1_000);
  for (let made = 0; made < campaigns;) {
    const portion = Math.min(atOnce, campaigns - made);
    await sql(url, 'select bench.seed($1, $2, $3, $4, $5, $6)', [
      portion,
      slots,
      participants,
      deadline,
      successEvery,
      ended,
    ]);
    made += portion;
    onPortion(made);
  }
  await sql(url, 'vacuum analyze');
  await sql(url, anythingChanged);
}

/** The notification that any campaign may have changed, as after a lost connection. */
const anythingChanged = 'notify sambatan_changed';

/**
 * Moves the deadlines of campaigns: the first one is some seconds from now, and the others follow
 * in equal steps. Before, the service may take its time for what the campaigns need otherwise.
 */
export async function setDeadlines(
  { sql }: Cluster,
  url: string,
  campaignIds: readonly string[],
  { firstInSeconds = 0, spacingSeconds = 0 },
): Promise<void> {
  await sql(
    url,
    `with details as (
      update sambatan.campaign_details d
      set deadline = now() + ($2::float8 + (q.n - 1) * $3::float8) * interval '1 second'
      from unnest($1::uuid[]) with ordinality as q (campaign_id, n)
      where d.campaign_id = q.campaign_id
      returning d.campaign_id, d.deadline)
    update sambatan.campaign_states s set next_run_at = details.deadline from details
    where s.campaign_id = details.campaign_id`,
    [campaignIds, firstInSeconds, spacingSeconds],
  );
  await sql(url, anythingChanged);
}

/** The ids of all campaigns that are active. */
export async function activeCampaigns({ sql }: Cluster, url: string): Promise<string[]> {
  const rows = await sql<{ campaign_id: string }>(
    url,
    `select campaign_id from sambatan.campaigns where status = 'active'`,
  );
  return rows.map(({ campaign_id }) => campaign_id);
}
