import { languages, translate, wording, type Translate } from '../../src/i18n/messages.ts';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import {
  DomainError,
  domainErrorNamed,
  errorCodes,
  errorTable,
  invalidField,
} from '../../src/errors/errors.ts';
import { proofFlaws, type ProofFlaw } from '../../src/errors/wording/proof-flaws.ts';
import type { ErrorCode } from '../../src/errors/errors.ts';
import { errorPage } from '../../src/server/site/error-page.ts';
import { progressBar } from '../../src/web/components.ts';
import { formatSlots } from '../../src/i18n/format.ts';
import type { PageContext } from '../../src/web/visit.ts';

/** Example parameters for every code that has parameters. The compiler checks their types. */
const examples = {
  method_not_allowed: { allowed: ['GET', 'HEAD'] },
  payload_too_large: { maximum_bytes: 65_536 },
  quantity_out_of_bounds: { minimum: 1, maximum: 5, held: 2 },
  campaign_not_active: { status: 'full' },
  proof_not_accepted: { reason: 'heic' },
  slots_unavailable: { remaining: 2 },
  slots_available: { remaining: 2 },
  waiting_list_full: { maximum: 1_000 },
  waiting_transition_not_allowed: { from: 'lapsed', event: 'waiting_accepted' },
  webhook_limit_reached: { maximum: 20 },
  transition_not_allowed: { from: 'completed', event: 'campaign_cancelled' },
  participation_transition_not_allowed: { from: 'refunded', event: 'participant_cancelled' },
  sign_in_code_wrong: { remaining: 3 },
  account_has_participations: { count: 2 },
  account_owns_brand: { brand_id: '018f8a4e-7b1d-7000-8000-000000000001', brand: 'Melati' },
  account_has_campaigns: { count: 1 },
  too_many_addresses: { maximum: 10 },
  export_too_large: { maximum_rows: 20_000 },
  statement_not_readable: {
    reason: 'amount',
    line: 3,
    column: 'Jumlah',
    cell: '1.5e6',
    expected: '1.000,00',
    found: '900,00',
  },
  more_slots_by_joining: { quantity: 2 },
  shortfall_not_possible: { minimum: 2, maximum: 9 },
  payment_not_open: { status: 'settled' },
  movement_transition_not_allowed: { from: 'settled', event: 'refund_failed' },
  payout_not_covered: { free: 125_000 },
  rate_limited: { retry_after_seconds: 42 },
  mail_budget_spent: { retry_after_seconds: 42 },
  statement_lines_too_little: { participation_id: newId(), missing: 97_500 },
  statement_parts_exceed_line: { amount: 390_000, parts: 400_000 },
} as const;

function example(code: ErrorCode): DomainError {
  const params = Object.hasOwn(examples, code) ? examples[code as keyof typeof examples] : {};
  return new DomainError(code, params as never);
}

test('docs/errors.md lists exactly the error codes with their status and parameters', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \| ([^|]*)\|/gm)];
  const documented = rows.map(([, code, status, params = '']) => ({
    code,
    status: Number(status),
    params: [...params.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  }));
  const inTheTable = errorCodes.map((code) => ({
    code,
    status: errorTable[code].status,
    params: Object.keys(example(code).params),
  }));
  const byCode = (a: { code?: string | undefined }, b: { code?: string | undefined }) =>
    String(a.code).localeCompare(String(b.code));
  assert.deepEqual(documented.toSorted(byCode), inTheTable.toSorted(byCode));
});

test('no code is in two tables', async () => {
  const folder = new URL('../../src/errors/tables/', import.meta.url);
  const codes: string[] = [];
  for (const name of readdirSync(folder).filter((file) => file !== 'definition.ts')) {
    const tables = (await import(new URL(name, folder).href)) as Record<string, object>;
    codes.push(...Object.values(tables).flatMap((table) => Object.keys(table)));
  }
  assert.deepEqual(codes.toSorted(), errorCodes.toSorted());
});

test('every error has a complete title and detail in each language', () => {
  for (const code of errorCodes) {
    const texts = languages().map((language) => example(code).text(language));
    for (const { title, detail } of texts) {
      assert.match(title, /^\p{Lu}.+[^.]$/u, code);
      assert.match(detail, /[.!]$/, code);
      assert.doesNotMatch(title + detail, /undefined|NaN|\[object|null/, code);
    }
    assert.notEqual(texts[0]?.detail, texts[1]?.detail, code);
  }
});

test('temporary errors have a Retry-After header', () => {
  for (const code of errorCodes) {
    const comesAgain = [429, 503].includes(errorTable[code].status);
    assert.equal(example(code).retryAfterSeconds !== undefined, comesAgain, code);
  }
  assert.equal(example('rate_limited').retryAfterSeconds, 42);
});

test('a message uses the right words for its parameters', () => {
  const none = new DomainError('slots_unavailable', { remaining: 0 });
  assert.match(none.text('id').detail, /semua slot sudah terisi/);
  const some = new DomainError('slots_unavailable', { remaining: 3 });
  assert.match(some.text('en').detail, /Only 3 slots are left/);
  const unbounded = new DomainError('quantity_out_of_bounds', {
    minimum: 2,
    maximum: null,
    held: 0,
  });
  assert.match(unbounded.text('en').detail, /at least 2 slots/);
  const full = new DomainError('campaign_not_active', { status: 'full' });
  assert.match(full.text('id').detail, /sudah penuh/);
});

/** The statuses in which each event is refused. The database and the operations decide that. */
const refusedIn = {
  transition_not_allowed: {
    campaign_opened: ['active', 'full', 'verifying', 'completed', 'failed', 'cancelled'],
    campaign_edited: ['verifying', 'completed', 'failed', 'cancelled'],
    deadline_extended: ['inactive', 'scheduled', 'verifying', 'completed', 'failed', 'cancelled'],
    campaign_cancelled: ['completed', 'failed', 'cancelled'],
    campaign_shipped: [
      'inactive',
      'scheduled',
      'active',
      'full',
      'verifying',
      'failed',
      'cancelled',
    ],
    campaign_shortfall: ['inactive', 'active', 'full', 'verifying', 'failed', 'cancelled'],
  },
  participation_transition_not_allowed: {
    participant_confirmed: ['confirmed', 'cancelled', 'refunded', 'fulfilled'],
    participant_cancelled: ['reserved', 'confirmed', 'cancelled', 'refunded', 'fulfilled'],
    participant_changed: ['cancelled', 'refunded', 'fulfilled'],
    participant_fulfilled: ['reserved', 'confirmed', 'cancelled', 'refunded', 'fulfilled'],
    dispute_opened: ['reserved', 'confirmed', 'cancelled', 'refunded'],
  },
} as const satisfies Partial<Record<ErrorCode, Record<string, readonly string[]>>>;

test('each refused transition has a sentence of its own', () => {
  for (const language of languages()) {
    for (const [code, events] of Object.entries<Record<string, readonly string[]>>(refusedIn)) {
      const detailOf = (event: string, from: string) =>
        new DomainError(code as 'transition_not_allowed', { from, event }).text(language).detail;
      const sentences = Object.entries(events).map(([event, statuses]) => {
        const said = new Set(statuses.map((from) => detailOf(event, from)));
        assert.ok(said.size > 1, `${code} ${event} does not depend on the status`);
        assert.ok(!said.has(detailOf('something_else', 'active')), `${code} ${event}`);
        return [...said];
      });
      const all = sentences.flat();
      assert.equal(new Set(all).size, all.length, `${code}: two events have one sentence`);
      for (const sentence of all) assert.doesNotMatch(sentence, /[a-z]_[a-z]|[{}]|  /, sentence);
    }
  }
});

test('a long wait is given in minutes on pages, in seconds to programs', () => {
  const short = new DomainError('rate_limited', { retry_after_seconds: 42 });
  const long = new DomainError('rate_limited', { retry_after_seconds: 601 });
  assert.match(short.text('en').detail, /in 42 seconds/);
  assert.match(long.text('en').detail, /in 11 minutes/);
  assert.match(long.apiText('en').detail, /in 601 seconds/);
  const mails = new DomainError('mail_budget_spent', { retry_after_seconds: 120 });
  assert.match(mails.text('id').detail, /dalam 2 menit/);
});

test('an unknown outcome reassures a buyer on a page, and tells a program what to repeat', () => {
  const error = new DomainError('outcome_unknown', {});
  assert.match(error.text('id').detail, /tidak akan ditagih dua kali/);
  assert.match(error.text('en').detail, /won’t be charged twice/);
  assert.match(error.apiText('en').detail, /same Idempotency-Key/);
});

test('an error raised in the database by name is the same error', () => {
  const error = domainErrorNamed('slots_unavailable', { remaining: 1 });
  assert.equal(error?.status, 409);
  assert.deepEqual(error?.params, { remaining: 1 });
  assert.equal(domainErrorNamed('no_such_code', {}), undefined);
  assert.equal(domainErrorNamed('toString', {}), undefined);
});

test('an operation can report an error of one field', () => {
  const error = invalidField('opens_at', wording('errors.field.required'));
  assert.equal(error.status, 422);
  assert.equal(error.fields[0]?.field, 'opens_at');
});

/** Technical words that a page must not show. */
const machineWords =
  /Idempotency-Key|application\/|JSON|UTF-8|UUID|\bAPI\b|\b(?:GET|HEAD|POST|PUT|PATCH|DELETE)\b|\bbytes?\b|65.?536|\bsambatan [a-z]+-[a-z]+|[Hh]eaders?\b|Content-|charset|server key|database|[Bb]asis data|undefined|NaN|\[object/;

test('every error page has a readable text in both languages', () => {
  for (const code of errorCodes) {
    for (const language of languages()) {
      const error = example(code);
      const visit = {
        language,
        t: (id: unknown, en: unknown) => (language === 'id' ? id : en),
        url: (path: string) => path,
      } as unknown as PageContext;
      const page = errorPage(visit, error, { requestId: '', again: '/' });
      assert.doesNotMatch(`${page.title} ${String(page.main)}`, machineWords, code);
      // The text of a page may leave out fields that only programs need.
      assert.notEqual(error.text(language).detail, '', code);
    }
  }
});

test('errors about one thing use the singular', () => {
  const numbered = {
    quantity_out_of_bounds: (n: number) => ({ minimum: n, maximum: n, held: n }),
    slots_unavailable: (n: number) => ({ remaining: n }),
    slots_available: (n: number) => ({ remaining: n }),
    waiting_list_full: (n: number) => ({ maximum: n }),
    more_slots_by_joining: (n: number) => ({ quantity: n }),
    shortfall_not_possible: (n: number) => ({ minimum: n, maximum: n }),
    account_has_participations: (n: number) => ({ count: n }),
    account_has_campaigns: (n: number) => ({ count: n }),
    too_many_addresses: (n: number) => ({ maximum: n }),
    webhook_limit_reached: (n: number) => ({ maximum: n }),
    export_too_large: (n: number) => ({ maximum_rows: n }),
    rate_limited: (n: number) => ({ retry_after_seconds: n }),
    mail_budget_spent: (n: number) => ({ retry_after_seconds: n }),
  } as const satisfies Partial<Record<ErrorCode, (n: number) => object>>;
  for (const [code, params] of Object.entries(numbered)) {
    for (const n of [0, 1, 2]) {
      const { detail } = new DomainError(code as ErrorCode, params(n) as never).text('en');
      assert.doesNotMatch(
        detail,
        /\b1 (?:slots|buyers|orders|campaigns|addresses|webhooks|rows|seconds)\b/,
        code,
      );
      assert.doesNotMatch(
        detail,
        /\b[02] (?:slot|buyer|order|campaign|address|webhook|row|second)\b/,
        code,
      );
    }
  }
});

test('quantities of slots agree with their noun everywhere', () => {
  for (const language of languages()) {
    const visit = {
      language,
      t: ((key, ...values) => translate(language, key, ...values)) as Translate,
    } as PageContext;
    for (const total of [1, 2]) {
      const bar = String(progressBar(visit, { taken: 0, total }));
      assert.ok(
        bar.includes(
          language === 'id'
            ? `0 dari ${total} slot terisi`
            : `0 of ${total} slot${total === 1 ? '' : 's'} taken`,
        ),
        bar,
      );
    }
    for (const value of [0, 1, 2]) {
      const noun = language === 'id' || value === 1 ? 'slot' : 'slots';
      assert.equal(formatSlots(value, language), `${value} ${noun}`);
      assert.equal(formatSlots(BigInt(value), language), `${value} ${noun}`);
    }
  }
});

test('each fault of a proof has its own message', () => {
  const flaws = Object.keys(proofFlaws) as ProofFlaw[];
  for (const language of languages()) {
    const details = flaws.map(
      (reason) => new DomainError('proof_not_accepted', { reason }).text(language).detail,
    );
    assert.equal(new Set(details).size, flaws.length);
  }
});
