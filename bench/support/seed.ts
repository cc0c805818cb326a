import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './database.ts';

const functions = readFileSync(join(import.meta.dirname, 'seed.sql'), 'utf8');

/** Campaigns to insert with SQL, because creating so many over HTTP would take too long. */
export interface CampaignBatch {
  readonly campaigns: number;
  /** Participants of each campaign, one slot each. */
  readonly participants?: number;
  /** Seconds from now to the first deadline; default: a day. */
  readonly deadlineInSeconds?: number;
  /** Seconds from one deadline to the next; default 0. */
  readonly spacingSeconds?: number;
  /** One of this many campaigns reaches its minimum; 0: none. */
  readonly successEvery?: number;
}

/** Campaigns per SQL statement. */
const atOnce = 50_000;
const brands = 1_000;

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
  {
    campaigns,
    participants = 0,
    deadlineInSeconds = 86_400,
    spacingSeconds = 0,
    successEvery = 0,
  }: CampaignBatch,
  onPortion: (made: number) => void = () => undefined,
): Promise<void> {
  const first = new Date(Date.now() + deadlineInSeconds * 1_000);
  for (let made = 0; made < campaigns;) {
    const portion = Math.min(atOnce, campaigns - made);
    await sql(
      url,
      `select bench.seed($1, $2, $3::timestamptz + $4::integer * $5::float8 * interval '1 second',
        $5 * interval '1 second', $6)`,
      [portion, participants, first, made, spacingSeconds, successEvery],
    );
    made += portion;
    onPortion(made);
  }
  await sql(url, 'vacuum analyze');
}
