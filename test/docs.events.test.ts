import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { auditEvents } from '../src/audit/events.ts';
import { editCampaign } from '../src/campaigns/operations.ts';
import { seedMarket } from '../src/demo/seed.ts';
import { cancelParticipation } from '../src/participations/operations.ts';
import { acceptOffer, declineOffer, withdrawEntry } from '../src/waiting/operations.ts';
import { testDatabase } from './rig/database.ts';
import {
  ask,
  joined,
  letTimePass,
  newCampaign,
  openMarket,
  pastDeadline,
  service,
  waitFor,
  wish,
  type Market,
} from './rig/market.ts';

const { db, log, close } = await testDatabase();
after(close);

/** What docs/events.md says of each event: the names in its last column. */
const documented = new Map(
  readFileSync(new URL('../docs/events.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => /^\| `[a-z_]+` \|/.test(line))
    .map((line) => {
      const [, event = '', , , metadata = ''] = line.split('|');
      return [event.replaceAll(/[` ]/g, ''), metadata] as const;
    }),
);

test('docs/events.md has every event of the audit log, and no other', () => {
  assert.deepEqual([...documented.keys()].sort(), [...auditEvents].sort());
});

test('what a lively market writes into the metadata of its events is what docs/events.md says', async () => {
  await seedMarket({ db, log });
  const market = await openMarket(db);
  const campaignId = await newCampaign(db, market, { totalSlots: 1 });
  const [participationId = ''] = await joined(db, wish(campaignId));
  await db.transaction((tx) => cancelParticipation(tx, service, participationId, null));
  const change = { description: 'Dengan botol baru.' };
  await db.transaction((tx) => editCampaign(tx, service, campaignId, change));

  await waitInEveryWay(market);

  const written = await ask<{ event: string; keys: string[] }>(
    db,
    `select event, array_agg(distinct key) as keys
    from sambatan.audit_logs, jsonb_object_keys(metadata) as key group by event`,
  );
  assert.deepEqual(written.map(({ event }) => event).sort(), [...auditEvents].sort());
  for (const { event, keys } of written) {
    const said = documented.get(event) ?? '';
    for (const always of ['slots_taken', 'total_slots']) assert.ok(keys.includes(always), event);
    for (const key of keys.filter((each) => !/^(slots_taken|total_slots)$/.test(each))) {
      assert.ok(said.includes(`\`${key}\``), `${event} has ${key}, which the document leaves out`);
    }
  }
});

/** Five wait for the one slot of a campaign: every way in which waiting ends. */
async function waitInEveryWay(market: Market): Promise<void> {
  const campaignId = await newCampaign(db, market, {
    totalSlots: 1,
    deadline: new Date(Date.now() + 10_800_000),
  });
  const [first = ''] = await joined(db, wish(campaignId));
  const line: string[] = [];
  for (let place = 0; place < 5; place++) line.push((await waitFor(db, campaignId)).id);
  const settle = () => ask(db, 'select sambatan.settle_campaign($1, false, 100)', campaignId);
  await db.transaction((tx) => withdrawEntry(tx, service, line[0]!));
  await db.transaction((tx) => cancelParticipation(tx, service, first, null));
  await db.transaction((tx) => declineOffer(tx, service, line[1]!));
  await letTimePass(db, campaignId, 7_200);
  await settle();
  await db.transaction((tx) => acceptOffer(tx, service, line[3]!));
  await letTimePass(db, campaignId, pastDeadline);
  await settle();
}
