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
  /** Whether each buyer has changed the note of the order, which is a second event. */
  readonly changed?: boolean;
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

/** The database with many rows: 500 campaigns, 500,000 participations, 1,000,500 rows of the log. */
export const fullMarket = { campaigns: 500, participants: 1_000, changed: true } as const;

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
  const { campaigns, participants = 0, changed = false, spacingSeconds = 0 } = batch;
  const { slots = Math.max(participants + 1, 100), successEvery = 0 } = batch;
  const first = new Date(Date.now() + (batch.deadlineInSeconds ?? 86_400) * 1_000);
  for (let made = 0; made < campaigns;) {
    const portion = Math.min(atOnce, campaigns - made);
    await sql(
      url,
      `select bench.seed($1, $2, $3, $4::timestamptz + $5::integer * $6::float8 * interval '1 second',
        $6 * interval '1 second', $7, $8)`,
      [portion, slots, participants, first, made, spacingSeconds, successEvery, changed],
    );
    made += portion;
    onPortion(made);
  }
  await sql(url, 'vacuum analyze');
}
