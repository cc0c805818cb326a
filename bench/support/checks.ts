import { setTimeout as sleep } from 'node:timers/promises';
import { findViolations } from '../../src/database/invariants.ts';
import type { Cluster } from './database.ts';
import type { Way } from './server.ts';

interface Stored {
  readonly participations: bigint;
  readonly slots: bigint;
  readonly filled: bigint;
  readonly oversold: bigint;
  readonly logged: bigint;
}

/** Compares the acknowledged joins with the database. Returns a sentence for each difference. */
export async function checkStored(
  cluster: Cluster,
  databaseUrl: string,
  campaignIds: readonly string[],
  acknowledged: { readonly joins: number; readonly errors: number },
): Promise<string[]> {
  const [stored] = await cluster.sql<Stored>(databaseUrl, storedText, [campaignIds]);
  const { participations, slots, filled, oversold, logged } = stored!;
  const wrong: string[] = [];
  const expect = (what: string, found: bigint, expected: bigint) => {
    if (found !== expected) wrong.push(`${expected} ${what} expected, ${found} found`);
  };
  expect('acknowledged joins as participations', participations, BigInt(acknowledged.joins));
  expect('slots counted by the campaigns', filled, slots);
  expect('joins in the audit log', logged, participations);
  expect('oversold campaigns', oversold, 0n);
  if (acknowledged.errors > 0) wrong.push(`${acknowledged.errors} requests had no answer`);
  return wrong;
}

const storedText = `
  select
    (select count(*) from sambatan.participants where campaign_id = any ($1)) as participations,
    (select coalesce(sum(quantity), 0) from sambatan.participants
      where campaign_id = any ($1)) as slots,
    (select sum(filled_slots) from sambatan.campaigns where campaign_id = any ($1)) as filled,
    (select count(*) from sambatan.campaigns
      where campaign_id = any ($1) and filled_slots > total_slots) as oversold,
    (select count(*) from sambatan.audit_logs
      where campaign_id = any ($1) and event = 'participant_joined') as logged`;

const giveUpMs = 300_000;
const lookEveryMs = 20;
const allTold = `
  select not exists (
    select 1 from sambatan.campaigns c left join sambatan.notification_cursors k using (campaign_id)
    where c.campaign_id = any ($1) and c.audit_seq > coalesce(k.seq, 0)) as told`;

/**
 * Waits until the notifications of these campaigns are written, so that writing them does not slow
 * down later measurements. Returns the duration of the wait in seconds.
 */
export async function waitForNotifications(
  cluster: Cluster,
  databaseUrl: string,
  campaignIds: readonly string[],
): Promise<number> {
  const begin = performance.now();
  for (;;) {
    const [row] = await cluster.sql<{ told: boolean }>(databaseUrl, allTold, [campaignIds]);
    const elapsed = performance.now() - begin;
    if (row?.told === true) return elapsed / 1_000;
    if (elapsed > giveUpMs) throw new Error('what was joined is not told of');
    await sleep(lookEveryMs);
  }
}

const allPublished = `
  select not exists (
    select 1 from sambatan.campaign_states s left join sambatan.log_trees t using (campaign_id)
    where s.audit_seq > coalesce(t.size, 0)) as published`;

/** Waits until the trees of the public log contain all events, for the same reason. */
export async function waitForPublicLog({ sql }: Cluster, databaseUrl: string): Promise<void> {
  for (const giveUpAt = performance.now() + giveUpMs; ; await sleep(lookEveryMs * 5)) {
    const [row] = await sql<{ published: boolean }>(databaseUrl, allPublished);
    if (row?.published === true) return;
    if (performance.now() > giveUpAt) throw new Error('the public log stays incomplete');
  }
}

/** The naive variants compute no hashes, so this one invariant does not apply to them. */
const withoutHashes = ['08_audit_log_is_whole'];
const notKept: Partial<Record<Way, readonly string[]>> = {
  naive: withoutHashes,
  atomic: withoutHashes,
};

/** Runs the queries of sql/invariants; returns a sentence for each violation. */
export async function checkInvariants(databaseUrl: string, way: Way): Promise<string[]> {
  const violations = await findViolations(databaseUrl);
  return violations
    .filter(({ name }) => notKept[way]?.includes(name) !== true)
    .map(({ name, rows }) => `the invariant ${name} is broken in ${rows.length} rows`);
}
