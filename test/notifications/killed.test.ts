import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { newSecret } from '../../src/notifications/webhooks/webhooks.ts';
import { testDatabase } from '../support/database/database.ts';
import { openMailbox } from '../support/fakes/mailbox.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';
import { createPeople } from '../support/builders/people.ts';
import { startReceiver } from '../support/fakes/receiver.ts';
import { waitUntil } from '../support/server/until.ts';

const { url, db, close } = await testDatabase();
const mailbox = await openMailbox();
const receivers = [await startReceiver()];
after(async () => {
  await Promise.all([mailbox.close(), ...receivers.map((one) => one.close())]);
  await close();
});
const market = await createBrandAndProduct(db);

const campaigns = 5;
/** The number of joins about which the workers send messages. SAMBATAN_TEST_EVENTS sets more. */
const joins = Number(process.env['SAMBATAN_TEST_EVENTS'] ?? 2_000);
const buyersEach = Math.ceil(joins / campaigns);
/**
 * The number of kills. After each kill another worker must start. SAMBATAN_TEST_KILLS sets more.
 */
const mostKills = Number(process.env['SAMBATAN_TEST_KILLS'] ?? 6);
/**
 * The maximum number of e-mails and webhooks that two workers may be sending when they are killed.
 */
const inHand = { mails: 10, webhooks: 20 };

/** Starts a worker process in the way in which an operator starts it. */
function worker(): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts'), 'worker'], {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: url,
      SMTP_URL: mailbox.url,
      SAMBATAN_SERVICE_KEY: 'a-key-for-tests-of-32-characters!',
      SAMBATAN_WEBHOOKS_TO_LOOPBACK: 'true',
      LOG_LEVEL: 'silent',
    },
  });
}

const left = async () =>
  (
    await queryRows<{ left: number }>(
      db,
      `select (select count(*) from sambatan.deliveries where status = 'pending')::integer
        + (select coalesce(sum(c.audit_seq - coalesce(k.seq, 0)), 0) from sambatan.campaigns c
          left join sambatan.notification_cursors k using (campaign_id))::integer as left`,
    )
  )[0]!.left;

test(
  `two workers killed at random deliver ${joins} events exactly once per recipient`,
  { timeout: 900_000 },
  async (t) => {
    for (const { url: to } of receivers) {
      await queryRows(
        db,
        'insert into sambatan.webhook_endpoints (endpoint_id, url, secret) values ($1, $2, $3)',
        newId(),
        to,
        newSecret(),
      );
    }
    const buyers = await createPeople(db, ...Array.from({ length: buyersEach }, () => ({})));
    for (let n = 0; n < campaigns; n++) {
      const id = await createTestCampaign(db, market, { totalSlots: buyersEach + 1 });
      const wishes = buyers.map((userId) => joinRequest(id, { userId }));
      for (let from = 0; from < wishes.length; from += 500) {
        await joinSuccessfully(db, ...wishes.slice(from, from + 500));
      }
    }
    const events = campaigns * (buyersEach + 1);

    const running = new Set<ChildProcess>();
    t.after(() => running.forEach((one) => one.kill('SIGKILL')));
    const begin = () => running.add(worker());
    begin();
    begin();
    let kills = 0;
    while (kills < mostKills && (await left()) > joins / 20) {
      const before = mailbox.arrived.length;
      const some = Math.floor((Math.random() * 1.4 * joins) / mostKills);
      await waitUntil(() => mailbox.arrived.length > before + some, { withinMs: 100_000 });
      const victim = [...running][Math.floor(Math.random() * running.size)]!;
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      running.delete(victim);
      kills++;
      begin();
    }
    await waitUntil(async () => (await left()) === 0, { withinMs: 400_000, everyMs: 200 });
    for (const one of running) {
      one.kill('SIGTERM');
      await once(one, 'exit');
    }
    running.clear();
    assert.ok(kills >= 3, `only ${kills} kills`);

    const outcomes = await queryRows<{ channel: string; status: string; n: number }>(
      db,
      `select channel, status, count(*)::integer as n from sambatan.deliveries
    group by channel, status order by channel`,
    );
    assert.deepEqual(outcomes, [
      { channel: 'email', status: 'delivered', n: campaigns * buyersEach },
      { channel: 'webhook', status: 'delivered', n: events * receivers.length },
    ]);

    // A mailbox shows only one e-mail of each Message-ID, so every buyer sees one e-mail per
    // campaign.
    const ids = new Set(mailbox.arrived.map(({ messageId }) => messageId));
    assert.equal(ids.size, campaigns * buyersEach);
    const toWhom = new Map(mailbox.arrived.map(({ messageId, to }) => [messageId, to]));
    const perBuyer = Map.groupBy(ids, (id) => toWhom.get(id)!);
    assert.equal(perBuyer.size, buyersEach);
    for (const theirs of perBuyer.values()) assert.equal(theirs.length, campaigns);
    const mailsAgain = mailbox.arrived.length - ids.size;
    assert.ok(mailsAgain <= kills * inHand.mails, `${mailsAgain} mails came again`);

    let webhooksAgain = 0;
    for (const { received } of receivers) {
      assert.equal(new Set(received.map(({ id }) => id)).size, events);
      webhooksAgain += received.length - events;
    }
    assert.ok(webhooksAgain <= kills * inHand.webhooks, `${webhooksAgain} webhooks came again`);

    const inbox = await queryRows<{ n: number }>(
      db,
      `select count(*)::integer as n from sambatan.notifications where kind = 'joined'
    group by user_id`,
    );
    assert.equal(inbox.length, buyersEach);
    assert.ok(inbox.every(({ n }) => n === campaigns));
    t.diagnostic(`${kills} kills; ${mailsAgain} mails and ${webhooksAgain} webhooks came again`);
  },
);
