import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { newId } from '../../src/identity/ids.ts';
import { mailWindows } from '../../src/overload/rate-limiter.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { openMailbox } from '../support/fakes/mailbox.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectStatus, openShop } from '../support/builders/shop.ts';

const people = 2_000;
/**
 * The number of users who really send requests. The limits count all 2,000.
 * SAMBATAN_TEST_CROWD=2000 lets all of them send requests.
 */
const present = Number(process.env['SAMBATAN_TEST_CROWD'] ?? 400);
/** After this many users, the other users who send no requests are added to the limits. */
const first = 50;
/** The number of users who send requests at the same time. */
const atOnce = 16;

const mailbox = await openMailbox();
// All limits have the values of production.
const service = await startHttpService({
  environment: {
    SMTP_URL: mailbox.url,
    SAMBATAN_TRUSTED_PROXIES: '127.0.0.1',
    SAMBATAN_JOIN_RATE_LIMIT: '10',
  },
});
after(async () => {
  agent.destroy();
  await service.close();
  await mailbox.close();
});

/** The address of a mobile network that all users share. */
const sharedAddress = '203.0.113.7';

/** The connections of the reverse proxy through which the requests of all users arrive. */
const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
const formType = 'application/x-www-form-urlencoded';
const spentBudget = /sedang mengirim sangat banyak e-mail/;

interface Answer {
  readonly status: number;
  readonly location: string;
  /** Whether the service sends no more e-mails to strangers, because too many were sent. */
  readonly isBudgetSpent: boolean;
}

/**
 * A browser behind a proxy, which tells the service the browser's IP address. It keeps cookies and
 * follows no redirects.
 */
class Visitor {
  readonly #cookies = new Map<string, string>();
  readonly #address: string;

  constructor(address = sharedAddress) {
    this.#address = address;
  }

  /** Sends a form. Repeats it while the service is busy. */
  async post(path: string, body: string | Buffer, type = formType): Promise<Answer> {
    for (;;) {
      const asked = request(service.url + path, {
        method: 'POST',
        agent,
        headers: {
          'content-type': type,
          'content-length': Buffer.byteLength(body),
          'sec-fetch-site': 'same-origin',
          'x-forwarded-for': this.#address,
          cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        },
      });
      asked.end(body);
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      const page = await text(response);
      const { statusCode: status = 0, headers } = response;
      const isBudgetSpent = status === 503 && spentBudget.test(page);
      if (status === 503 && !isBudgetSpent) {
        await setTimeout(Number(headers['retry-after'] ?? 1) * 1_000);
        continue;
      }
      for (const line of headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        this.#cookies.set(name, value);
      }
      return { status, location: headers.location ?? '/', isBudgetSpent };
    }
  }

  async form(path: string, fields: Record<string, string>): Promise<Answer> {
    return await this.post(path, new URLSearchParams(fields).toString());
  }
}

const emailOf = (n: number) => `orang${n}@example.org`;
const codes = new Map<string, string>();
let read = 0;
/** The code in the last e-mail to a person, which is in the subject. */
function codeFor(email: string): string {
  for (; read < mailbox.arrived.length; read++) {
    const { to, raw } = mailbox.arrived[read]!;
    const code = /^subject: (\d{6}) /im.exec(raw.toString('latin1'))?.[1];
    if (code !== undefined) codes.set(to, code);
  }
  return codes.get(email)!;
}

/** Runs a function for all present users, some at a time. Counts each kind of answer. */
async function everybody(run: (n: number) => Promise<string>, count = present, from = 0) {
  const told = new Map<string, number>();
  let next = from;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let n = next++; n < count; n = next++) {
        const outcome = await run(n);
        told.set(outcome, (told.get(outcome) ?? 0) + 1);
      }
    }),
  );
  return Object.fromEntries(told);
}

/**
 * Adds the absent users to each limit that has counted all of the first users. Returns the number
 * of changed limits.
 */
async function countAbsent(): Promise<number> {
  const counted = await queryRows(
    service.db,
    `update sambatan_auth.attempts set attempts = attempts + $2 where attempts >= $1
    returning key`,
    first,
    people - present,
  );
  return counted.length;
}

const crowd = Array.from({ length: present }, () => ({
  visitor: new Visitor(),
  signInId: '',
}));

test('2,000 users behind one IPv4 address sign in, join and send a proof of payment within five minutes', async () => {
  const staff = service.service;
  const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
  expectStatus(await staff.post('/receiving-accounts', bank), 201);
  const shop = await openShop(service);
  const { id } = await shop.campaign({
    payment_timing: 'upfront',
    hold_seconds: 3_600,
    total_slots: people,
  });
  const photo = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } })
    .jpeg()
    .toBuffer();
  const form = new FormData();
  form.set('picture', new Blob([new Uint8Array(photo)], { type: 'image/jpeg' }), 'bukti.jpg');
  const packed = new Response(form);
  const proof = Buffer.from(await packed.arrayBuffer());
  const proofType = packed.headers.get('content-type')!;
  // All users request a code before any of them enters it.
  const askForCode = async (n: number) => {
    const { status, location } = await crowd[n]!.visitor.form('/masuk', {
      email: emailOf(n),
      back: '/',
    });
    crowd[n]!.signInId = new URL(location, service.url).searchParams.get('id') ?? '';
    return String(status);
  };
  assert.deepEqual(await everybody(askForCode, first), { 303: first });
  const shared = await countAbsent();
  assert.ok(shared >= 3, 'the network and both windows of the mail budget');
  assert.deepEqual(await everybody(askForCode, present, first), { 303: present - first });
  const full = await queryRows(
    service.db,
    'select from sambatan_auth.attempts where attempts = $1',
    people,
  );
  assert.equal(full.length, shared, 'the limits have counted 2,000 people');
  const bought = await everybody(async (n) => {
    const { visitor, signInId } = crowd[n]!;
    const code = codeFor(emailOf(n));
    // At least one tenth of all 2,000 users enter a wrong code first.
    if (n < people / 10 || n % 10 === 0) {
      const wrong = code === '000000' ? '000001' : '000000';
      const { status } = await visitor.form('/masuk/kode', { id: signInId, code: wrong });
      if (status !== 422) return `wrong: ${status}`;
    }
    const entered = await visitor.form('/masuk/kode', { id: signInId, code });
    const joined = await visitor.form(`/sambatan/${id}/ikut`, {
      key: newId(),
      quantity: '1',
      shipping_address: 'Jalan Melati 5, Yogyakarta',
    });
    const order = /\/ikutan\/[\da-f-]{36}/.exec(joined.location)?.[0];
    if (order === undefined) return `${entered.status}, joined: ${joined.status}`;
    const proved = await visitor.post(`${order}/bukti`, proof, proofType);
    return `${entered.status}, joined: ${joined.status}, proved: ${proved.status}`;
  });
  assert.deepEqual(bought, { '303, joined: 303, proved: 303': present });
  const [proofs] = await queryRows<{ count: string }>(
    service.db,
    'select count(*)::text as count from sambatan.payment_proofs where campaign_id = $1',
    id,
  );
  assert.equal(proofs!.count, String(present));
});

test('an attacker with 1,000 networks uses up only the e-mail budget of strangers, and known users still sign in', async () => {
  // A slow machine may need more than the five minutes of the limit, so its window is started
  // again.
  await queryRows(
    service.db,
    `insert into sambatan_auth.attempts (key, attempts, ends_at)
    values ($1, $2, now() + interval '5 minutes')
    on conflict (key) do update set attempts = excluded.attempts, ends_at = excluded.ends_at`,
    mailWindows.five_minutes,
    people,
  );
  const before = mailbox.arrived.length;
  const told = await everybody(async (n) => {
    const attacker = new Visitor(`198.${18 + (n >> 8)}.${n & 255}.9`);
    const email = `sasaran${n}@example.net`;
    const { status, isBudgetSpent } = await attacker.form('/masuk', { email });
    return isBudgetSpent ? 'budget spent' : String(status);
  }, 1_000);
  assert.deepEqual(told, { 303: 400, 'budget spent': 600 });
  assert.equal(mailbox.arrived.length - before, 400);
  const { visitor } = crowd[7]!;
  const again = await visitor.form('/masuk', { email: emailOf(7) });
  assert.equal(again.status, 303);
  const id = new URL(again.location, service.url).searchParams.get('id')!;
  const entered = await visitor.form('/masuk/kode', { id, code: codeFor(emailOf(7)) });
  assert.equal(entered.status, 303);
  const metrics = await service.app.metrics.registry.metrics();
  assert.match(metrics, /sambatan_mails_refused_total\{kind="stranger"\} 600/);
});
