import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { extendDeadline } from '../../src/lifecycle/queries.ts';
import { settleDue } from '../../src/lifecycle/due.ts';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { openMailbox } from '../support/fakes/mailbox.ts';
import {
  queryRows,
  keepTransactionOpen,
  joinSuccessfully,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  pastDeadline,
  joinRequest,
} from '../support/builders/market.ts';
import { addMember, createPeople } from '../support/builders/people.ts';
import { expectStatus } from '../support/builders/shop.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';
import { waitUntil } from '../support/server/until.ts';

const mailbox = await openMailbox();
const service = await startHttpService({
  messages: true,
  environment: {
    SMTP_URL: mailbox.url,
    SAMBATAN_PUBLIC_URL: 'https://sambatan.example',
    SAMBATAN_DIGEST_MINUTES: '15',
  },
});
const { db, app } = service;
after(async () => {
  await service.close();
  await mailbox.close();
});
const market = await createBrandAndProduct(db);

interface Told {
  readonly kind: string;
  readonly n: number;
}

/** A person's notifications about a campaign, each kind with its number. */
const toldOf = (campaignId: string, userId: string) =>
  queryRows<Told>(
    db,
    `select kind, count(*)::integer as n from sambatan.notifications
    where campaign_id = $1 and user_id = $2 group by kind order by kind`,
    campaignId,
    userId,
  );
const addressOf = (userId: string) => `u${userId}@example.com`;
const mailsTo = (userId: string) =>
  mailbox.arrived.filter(({ to }) => to === addressOf(userId)).map((mail) => mail.parsed());

test('a buyer who joins is notified once, in the inbox and by e-mail, in their language', async () => {
  const [sari = '', ben = ''] = await createPeople(
    db,
    {},
    { locale: 'en', timeZone: 'Europe/Amsterdam' },
  );
  const deadline = new Date(Date.now() + 40 * 3_600_000);
  const id = await createTestCampaign(db, market, { title: 'Melati <Senja>', deadline });
  await joinSuccessfully(
    db,
    joinRequest(id, { userId: sari, quantity: 2 }),
    joinRequest(id, { userId: ben }),
  );
  app.changeNotifier.notifyChanged(id);
  await waitUntil(() => mailbox.arrived.length === 2);
  const [indonesian] = await Promise.all(mailsTo(sari));
  const [english] = await Promise.all(mailsTo(ben));
  assert.equal(indonesian!.subject, 'Kamu sudah memesan Melati <Senja>');
  assert.match(indonesian!.text, /2 slot di Melati <Senja> dari Melati Wangi/);
  assert.match(indonesian!.text, /WIB/);
  assert.equal(english!.subject, 'You’ve joined Melati <Senja>');
  assert.match(english!.text, /1 slot of/);
  assert.match(english!.text, /CET/);
  assert.match(english!.text, new RegExp(`https://sambatan.example/en/sambatan/${id}`));
  for (const { html } of [indonesian!, english!]) {
    assert.match(html, /<html lang="(id|en)">/);
    assert.match(html, /Melati &lt;Senja&gt;/);
    assert.doesNotMatch(html, /<img|<script|<link|src=|url\(/i);
  }
  // Nobody can unsubscribe from receipts, so the e-mail has no header for one click.
  assert.equal(indonesian!.headers.get('list-unsubscribe'), undefined);
  const inbox = expectStatus(await (await service.user(sari)).get('/notifications'), 200);
  assert.deepEqual(
    inbox.items.map((one) => [one['kind'], one['title'], one['read_at']]),
    [['joined', 'Kamu sudah memesan Melati <Senja>', null]],
  );
});

test('rolled-back events notify nobody, and uncommitted events do not hide committed ones', async () => {
  const [first = '', second = ''] = await createPeople(db, {}, {});
  const id = await createTestCampaign(db, market);
  const open = await keepTransactionOpen(db, (tx) =>
    joinSuccessfully(tx, joinRequest(id, { userId: first })),
  );
  app.changeNotifier.notifyChanged(id);
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, first), []);
  await open.commit();
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, first), [{ kind: 'joined', n: 1 }]);
  await assert.rejects(
    db.transaction(async (tx) => {
      await joinSuccessfully(tx, joinRequest(id, { userId: second }));
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, second), []);
  await queryRows(
    db,
    'update sambatan.notification_cursors set seq = 0 where campaign_id = $1',
    id,
  );
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, first), [{ kind: 'joined', n: 1 }], 'told once all the same');
});

test('sellers get one notification about a burst of joins, and one at once about a full campaign', async () => {
  const [seller = ''] = await createPeople(db, {});
  const { brandId, productId } = await createBrandAndProduct(db);
  await addMember(db, brandId, seller);
  const id = await createTestCampaign(db, { brandId, productId }, { totalSlots: 400 });
  for (let i = 0; i < 2; i++) {
    await joinSuccessfully(db, ...Array.from({ length: 200 }, () => joinRequest(id)));
    await app.notifications.plan();
  }
  assert.deepEqual(await toldOf(id, seller), [{ kind: 'seller_full', n: 1 }]);
  await queryRows(
    db,
    'update sambatan.seller_digests set due_at = now() where campaign_id = $1',
    id,
  );
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, seller), [
    { kind: 'seller_digest', n: 1 },
    { kind: 'seller_full', n: 1 },
  ]);
  const inbox = expectStatus(await (await service.user(seller)).get('/notifications'), 200);
  const digest = inbox.items.find((one) => one['kind'] === 'seller_digest')!;
  assert.deepEqual(digest['paragraphs'], [
    '400 pembeli memesan (400 slot).',
    'Sekarang terisi 400 dari 400 slot.',
  ]);
});

test('a notification that cannot be written does not delay the others', async () => {
  const [seller = ''] = await createPeople(db, {});
  const shop = await createBrandAndProduct(db);
  await addMember(db, shop.brandId, seller);
  const [bad = '', good = ''] = [
    await createTestCampaign(db, shop),
    await createTestCampaign(db, shop),
  ];
  for (const id of [bad, good]) await joinSuccessfully(db, joinRequest(id));
  await app.notifications.plan();
  await queryRows(
    db,
    `do $$ begin
      create function refuse_this() returns trigger language plpgsql as
        'begin raise exception ''no words for it''; end';
      execute format('create trigger refuse_this before insert on sambatan.notifications
        for each row when (new.campaign_id = %L) execute function refuse_this()', '${bad}');
    end $$`,
  );
  for (const [id, minutes] of [
    [bad, 2],
    [good, 1],
  ] as const) {
    await queryRows(
      db,
      `update sambatan.seller_digests set due_at = now() - $2 * interval '1 minute'
      where campaign_id = $1`,
      id,
      minutes,
    );
  }
  await assert.rejects(app.notifications.plan(), /no words for it/);
  assert.deepEqual(await toldOf(good, seller), [{ kind: 'seller_digest', n: 1 }]);
  await queryRows(db, 'drop function refuse_this cascade');
  await app.notifications.plan();
  assert.deepEqual(await toldOf(bad, seller), [{ kind: 'seller_digest', n: 1 }]);
});

test('a disabled topic sends no e-mail, or nothing at all', async () => {
  const [noMail = '', nothing = ''] = await createPeople(db, {}, {});
  const set = async (userId: string, body: object) =>
    expectStatus(
      await (
        await service.user(userId)
      ).send({
        method: 'PUT',
        path: '/notifications/settings/orders',
        body,
      }),
      200,
    );
  await set(noMail, { email: false });
  await set(nothing, { email: false, in_app: false });
  const id = await createTestCampaign(db, market);
  await joinSuccessfully(
    db,
    joinRequest(id, { userId: noMail }),
    joinRequest(id, { userId: nothing }),
  );
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, noMail), [{ kind: 'joined', n: 1 }]);
  assert.deepEqual(await toldOf(id, nothing), []);
  const sent = await queryRows(
    db,
    `select from sambatan.deliveries where campaign_id = $1 and channel = 'email'`,
    id,
  );
  assert.deepEqual(sent, []);
});

test('every participant is notified of a later deadline, with an unsubscribe link', async () => {
  const [stays = '', left = ''] = await createPeople(db, {}, { locale: 'en' });
  const id = await createTestCampaign(db, market);
  const [, gone] = await joinSuccessfully(
    db,
    joinRequest(id, { userId: stays, quantity: 1 }),
    joinRequest(id, { userId: left }),
  );
  await queryRows(
    db,
    `select sambatan.release_participation($1, $2, 'buyer', 'service')`,
    id,
    gone,
  );
  const later = new Date(Date.now() + 7_200_000);
  await db.one(extendDeadline, id, later, 'Menunggu gajian', 'service');
  await app.notifications.plan();
  assert.ok((await toldOf(id, stays)).some(({ kind }) => kind === 'deadline_extended'));
  assert.ok((await toldOf(id, left)).every(({ kind }) => kind !== 'deadline_extended'));
  await waitUntil(async () =>
    (await Promise.all(mailsTo(stays))).some(({ subject }) => subject.includes('diperpanjang')),
  );
  const mails = await Promise.all(mailsTo(stays));
  const mail = mails.find(({ subject }) => subject.includes('diperpanjang'))!;
  const raw = mailbox.arrived
    .filter(({ to }) => to === addressOf(stays))
    .map((one) => one.raw.toString())
    .find((text) => /list-unsubscribe-post: List-Unsubscribe=One-Click/i.test(text));
  assert.ok(raw, 'the header of RFC 8058');
  assert.match(mail.text, /“Menunggu gajian”/);
  const unfolded = raw.replaceAll(/\r\n\s+/g, ' ');
  const [, token = ''] = /list-unsubscribe: <\S+\/unsubscribe\/(\S+)>/i.exec(unfolded) ?? [];
  const answer = await service.visitor.send({
    method: 'POST',
    path: `/unsubscribe/${token}`,
    body: 'List-Unsubscribe=One-Click',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.deepEqual(expectStatus(answer, 200), { topic: 'campaigns', email: false, in_app: true });
});

test('a failed campaign notifies its buyers of their refunds, once, and its sellers', async () => {
  const [buyer = '', seller = ''] = await createPeople(db, {}, {});
  const { brandId, productId } = await createBrandAndProduct(db);
  await addMember(db, brandId, seller);
  const id = await createTestCampaign(db, { brandId, productId });
  await joinSuccessfully(db, joinRequest(id, { userId: buyer }));
  await letTimePass(db, id, pastDeadline);
  await settleDue({ db, log: app.log, paysOnline: false }, { completeFull: false });
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, buyer), [
    { kind: 'joined', n: 1 },
    { kind: 'refunded_failed', n: 1 },
  ]);
  assert.deepEqual(await toldOf(id, seller), [{ kind: 'seller_failed', n: 1 }]);
});

const kindsOf = async (campaignId: string, userId: string) =>
  (await toldOf(campaignId, userId)).flatMap(({ kind, n }) =>
    Array.from({ length: n }, () => kind),
  );

test('partial payments and overpayments are named as such, and automatic refunds too', async () => {
  const [buyer = ''] = await createPeople(db, {});
  const id = await createTestCampaign(db, market, { paymentTiming: 'upfront' });
  const [held] = await joinSuccessfully(db, joinRequest(id, { userId: buyer }));
  const arrives = (amount: number) =>
    queryRows(
      db,
      "select sambatan.receive_money($1, $2, $3, 'service', null, $4)",
      id,
      held,
      amount,
      `line:${amount}`,
    );
  await arrives(1);
  await app.notifications.plan();
  assert.deepEqual(await kindsOf(id, buyer), ['joined_upfront', 'payment_too_little']);
  await arrives(900_000_000);
  await queryRows(db, "select sambatan.cancel_campaign($1, 'Bahan habis', 'service')", id);
  await queryRows(db, 'select sambatan.settle_campaign($1, false, 100)', id);
  await queryRows(
    db,
    `select sambatan.mark_pending(t.transaction_id, 'refund', 'midtrans', t.cause),
      sambatan.settle_ledger_entry(t.transaction_id, 'refund', t.cause, 'system')
    from sambatan.transactions t where t.campaign_id = $1 and t.cause = 'refund:' || $2::uuid`,
    id,
    held,
  );
  await app.notifications.plan();
  assert.deepEqual(await kindsOf(id, buyer), [
    'joined_upfront',
    'payment_too_little',
    'payment_too_much',
    'payment_verified',
    'refund_settled_online',
    'refunded_cancelled',
  ]);
});

test('a buyer who is written off is notified once and not asked for another proof', async () => {
  const [buyer = ''] = await createPeople(db, {});
  const id = await createTestCampaign(db, market, { totalSlots: 1, minimumSlots: 1 });
  const [held] = await joinSuccessfully(db, joinRequest(id, { userId: buyer }));
  await app.notifications.plan();
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', id);
  await queryRows(
    db,
    "select sambatan.write_off_payment($1, $2, 'Tidak membayar', 'service')",
    id,
    held,
  );
  await app.notifications.plan();
  assert.deepEqual(await kindsOf(id, buyer), ['joined', 'order_confirmed', 'order_unpaid']);
});

test('an order that is paid before the deadline causes one payment notification', async () => {
  const [buyer = ''] = await createPeople(db, {});
  const id = await createTestCampaign(db, market);
  const [held] = await joinSuccessfully(db, joinRequest(id, { userId: buyer }));
  await queryRows(db, "select sambatan.confirm_participation($1, $2, 'service')", id, held);
  await app.notifications.plan();
  assert.deepEqual(await kindsOf(id, buyer), ['joined', 'payment_verified']);
});

test('reminders are sent a day and an hour before the deadline on request, and move with it', async () => {
  const [asks = ''] = await createPeople(db, {});
  const client = await service.user(asks);
  const id = await createTestCampaign(db, market, {
    deadline: new Date(Date.now() + 48 * 3_600_000),
  });
  const put = { method: 'PUT', path: `/campaigns/${id}/reminder` };
  const { at } = expectStatus(await client.send(put), 200) as unknown as { at: string[] };
  assert.equal(at.length, 2);
  const comeNearer = (seconds: number) =>
    Promise.all([
      letTimePass(db, id, seconds),
      queryRows(
        db,
        `update sambatan.reminders set due_at = due_at - $2 * interval '1 second'
        where campaign_id = $1`,
        id,
        seconds,
      ),
    ]);
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, asks), []);
  await comeNearer(25 * 3_600);
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, asks), [{ kind: 'deadline_day', n: 1 }]);
  // The deadline was moved after the reminder was planned, so the reminder must be planned again.
  await queryRows(
    db,
    `update sambatan.campaign_details set deadline = deadline + interval '3 days' where campaign_id = $1`,
    id,
  );
  await comeNearer(22 * 3_600 + 60);
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, asks), [{ kind: 'deadline_day', n: 1 }]);
  await comeNearer(3 * 86_400);
  await app.notifications.plan();
  assert.deepEqual(await toldOf(id, asks), [
    { kind: 'deadline_day', n: 1 },
    { kind: 'deadline_hour', n: 1 },
  ]);
});

test('an unpaid buyer is reminded before the hold lapses, a paid one is not', async () => {
  const [pays = '', waits = ''] = await createPeople(db, {}, {});
  const id = await createTestCampaign(db, market, {
    paymentTiming: 'upfront',
    holdSeconds: 86_400,
    deadline: new Date(Date.now() + 60 * 3_600_000),
  });
  const [paid] = await joinSuccessfully(
    db,
    joinRequest(id, { userId: pays }),
    joinRequest(id, { userId: waits }),
  );
  await app.notifications.plan();
  await queryRows(db, `select sambatan.confirm_participation($1, $2, 'service')`, id, paid);
  await letTimePass(db, id, 23.5 * 3_600);
  await queryRows(db, 'update sambatan.reminders set due_at = now() where campaign_id = $1', id);
  await app.notifications.plan();
  const kinds = async (userId: string) => (await toldOf(id, userId)).map(({ kind }) => kind);
  assert.deepEqual(await kinds(pays), ['joined_upfront', 'payment_verified']);
  assert.deepEqual(await kinds(waits), ['hold_ending', 'joined_upfront']);
});

test('a buyer is told the sum with its code or where to find it, never the bare price', async () => {
  const english = { locale: 'en' } as const;
  const [looks = '', waits = '', looksToo = '', waitsToo = ''] = await createPeople(
    db,
    {},
    {},
    english,
    english,
  );
  await createReceivingAccount(db);
  const terms = { paymentTiming: 'upfront', holdSeconds: 86_400, pricePerSlot: 34_567n } as const;
  const deadline = new Date(Date.now() + 60 * 3_600_000);
  const id = await createTestCampaign(db, market, { ...terms, deadline });
  const everybody = [looks, looksToo, waits, waitsToo].map((userId) => joinRequest(id, { userId }));
  const ids = await joinSuccessfully(db, ...everybody);
  const sums = new Map<string, string>();
  for (const [n, userId] of [looks, looksToo].entries()) {
    const made = 'select amount + unique_code as sum from sambatan.open_payment($1, $2)';
    const [row] = await queryRows<{ sum: bigint }>(db, made, id, ids[n]);
    sums.set(userId, String(row!.sum));
  }
  await app.notifications.plan();
  await letTimePass(db, id, 23.5 * 3_600);
  await queryRows(db, 'update sambatan.reminders set due_at = now() where campaign_id = $1', id);
  await app.notifications.plan();
  const pledge = await createTestCampaign(db, market, {
    ...terms,
    paymentTiming: 'on_completion',
    totalSlots: 2,
    minimumSlots: 2,
  });
  await joinSuccessfully(
    db,
    joinRequest(pledge, { userId: waits }),
    joinRequest(pledge, { userId: waitsToo }),
  );
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', pledge);
  await app.notifications.plan();
  for (const userId of [looks, looksToo, waits, waitsToo]) {
    const answer = await (await service.user(userId)).get('/notifications?limit=50');
    const told = expectStatus(answer, 200).items as unknown as {
      kind: string;
      paragraphs: string[];
    }[];
    const sum = sums.get(userId);
    const asks = told.filter(({ kind }) =>
      ['joined_upfront', 'hold_ending', 'order_confirmed'].includes(kind),
    );
    assert.equal(asks.length, sum === undefined ? 3 : 2);
    for (const { kind, paragraphs } of asks) {
      const text = paragraphs.join(' ');
      assert.doesNotMatch(text, /34[.,]567/, `${kind}: ${text}`);
      if (sum !== undefined && kind === 'hold_ending') {
        assert.ok(text.replaceAll(/[.,]/g, '').includes(sum), text);
      } else {
        assert.match(
          text,
          /Buka Sambatan untuk melihat total persisnya|Open Sambatan to see the exact total/,
          kind,
        );
      }
    }
  }
});

test('a permanently rejected e-mail has failed and can be sent again', async () => {
  const [refused = ''] = await createPeople(db, {});
  mailbox.refuse(550, (address) => address === addressOf(refused));
  const id = await createTestCampaign(db, market);
  await joinSuccessfully(db, joinRequest(id, { userId: refused }));
  await app.notifications.plan();
  const find = async () =>
    (
      await queryRows<{ id: string; status: string; last_result: string }>(
        db,
        `select delivery_id as id, status, last_result from sambatan.deliveries
        where campaign_id = $1`,
        id,
      )
    )[0]!;
  await waitUntil(async () => (await find()).status === 'failed');
  assert.equal((await find()).last_result, 'SMTP 550 EENVELOPE');
  mailbox.refuse(550, () => false);
  const operator = await service.operator();
  const failed = expectStatus(await operator.get('/deliveries?status=failed'), 200);
  assert.ok(failed.items.some((one) => one['campaign_id'] === id));
  expectStatus(await operator.post(`/deliveries/${(await find()).id}/resend`), 200);
  await waitUntil(async () => (await find()).status === 'delivered');
  assert.equal(mailsTo(refused).length, 1);
});

test('a user marks notifications as read, one or all, and nobody else can', async () => {
  const reader = await service.user();
  const id = await createTestCampaign(db, market);
  await joinSuccessfully(
    db,
    ...Array.from({ length: 3 }, () => joinRequest(id, { userId: reader.userId })),
  );
  await app.notifications.plan();
  assert.equal(expectStatus(await reader.get('/notifications/unread'), 200)['unread'], 3);
  const page = expectStatus(await reader.get('/notifications?limit=2'), 200);
  const next = await reader.get(`/notifications?limit=2&cursor=${page.next_cursor}`);
  assert.equal(page.items.length + expectStatus(next, 200).items.length, 3);
  const [first] = page.items;
  expectStatus(await reader.post(`/notifications/${first!.id}/read`), 200);
  assert.equal(expectStatus(await reader.get('/notifications?unread=true'), 200).items.length, 2);
  assert.equal(expectStatus(await reader.post('/notifications/read'), 200)['read'], 2);
  assert.equal(expectStatus(await reader.get('/notifications/unread'), 200)['unread'], 0);
  const stranger = await service.user(newId());
  assert.equal((await stranger.post(`/notifications/${first!.id}/read`)).status, 404);
});

test('health and metrics report that notifications run and what was delivered', async () => {
  const health = expectStatus(await service.visitor.get('/health'), 200);
  assert.equal(health['messages_running'], true);
  assert.equal(typeof health['outbox_lag_seconds'], 'number');
  const { text } = await service.visitor.get('//metrics');
  assert.match(text, /sambatan_deliveries_total\{channel="email",outcome="delivered"\} [1-9]/);
  assert.match(text, /sambatan_outbox_lag_seconds \d/);
});

test('a buyer who owes money after success is reminded at half of the term and 12 hours before its end', async () => {
  const [pays = '', waits = ''] = await createPeople(db, {}, {});
  const [payer, waiter] = [await service.user(pays), await service.user(waits)];
  await createReceivingAccount(db, '5270099133');
  const id = await createTestCampaign(db, market, { totalSlots: 2, minimumSlots: 2 });
  const [paid] = await joinSuccessfully(
    db,
    joinRequest(id, { userId: pays }),
    joinRequest(id, { userId: waits }),
  );
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', id);
  await app.notifications.plan();
  const reminders = async (buyer: typeof payer) => {
    const answer = await buyer.get('/notifications?limit=50');
    const items = expectStatus(answer, 200).items as unknown as {
      kind: string;
      text: string;
      campaign_id: string;
    }[];
    return items.filter((one) => one.campaign_id === id && one.kind === 'payment_reminder').length;
  };
  /** The number of reminders that each buyer has received after this many hours. */
  const hoursLater = async (hours: number) => {
    await queryRows(
      db,
      `update sambatan.reminders set due_at = due_at - $2 * interval '1 hour'
      where campaign_id = $1`,
      id,
      hours,
    );
    await letTimePass(db, id, hours * 3_600);
    await app.notifications.plan();
    return [await reminders(payer), await reminders(waiter)];
  };
  // The payment term is 72 hours. Reminders are sent after 36 and after 60 hours.
  assert.deepEqual(await hoursLater(35), [0, 0]);
  assert.deepEqual(await hoursLater(2), [1, 1]);
  const verified = await service.service.post(`/participations/${paid}/payment/verify`, {});
  expectStatus(verified, 200);
  assert.deepEqual(await hoursLater(22), [1, 1]);
  assert.deepEqual(await hoursLater(2), [1, 2]);
});
