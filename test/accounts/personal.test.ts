import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';
import { signIn } from '../support/clients/sign-in.ts';

/*
 * Classifies every column that could contain text of a person. A new column must be added to this
 * list. In each personal column, `plant` stores a value. The tests check that the owner's export
 * contains the value, and that deleting the account erases it.
 */
interface Columns {
  /** Columns with personal data, each with the value that the test stores in it. */
  readonly personal?: Readonly<Record<string, string>>;
  /** Columns that contain no personal data except the id of a user. */
  readonly plain?: readonly string[];
}

const email = 'kenari.pribadi@example.org';
const kept: Readonly<Record<string, Columns>> = {
  'sambatan.addresses': {
    personal: {
      label: 'Kenari label',
      recipient: 'Kenari penerima',
      phone: '0812770001112',
      street: 'Jalan Kenari jalan',
      district: 'Kenari kecamatan',
      city: 'Kenari kota',
      province: 'Kenari provinsi',
      postal_code: '71913',
    },
  },
  'sambatan.audit_logs': { plain: ['commitment', 'leaf_hash', 'metadata'] },
  'sambatan.profiles': {
    personal: { display_name: 'Kenari nama', email },
    plain: ['locale', 'time_zone'],
  },
  'sambatan.participants': {
    personal: {
      shipping_address: 'Gang Kenari ikutan 9, 0812770009902',
      note: 'Kenari catatan',
      // The service finds this number in the address.
      phone: '812770009902',
    },
    // A test of its own checks that salts are exported and deleted.
    plain: ['cancel_reason', 'salt'],
  },
  'sambatan.waiting_entries': {
    personal: { shipping_address: 'Gang Kenari antrean 9', note: 'Kenari catatan antrean' },
    plain: ['salt'],
  },
  'sambatan.refund_accounts': {
    personal: { bank: 'Kenari bank', number: '77001122330001', holder: 'Kenari pemilik rekening' },
  },
  'sambatan.payout_accounts': {
    personal: { bank: 'Kenari bank toko', number: '77001122330002', holder: 'Kenari pemilik toko' },
  },
  'sambatan.payment_proofs': {
    personal: { content: 'kenari bukti bayar' },
    plain: ['content_type', 'uploaded_by'],
  },
  'sambatan.statement_lines': {
    personal: { description: 'TRSF DARI KENARI' },
    // The bank's reference of the transfer, which says nothing about the person.
    plain: ['fingerprint', 'handled_by', 'imported_by', 'outcome', 'reference'],
  },
  'sambatan.statement_line_parts': { plain: ['outcome', 'receipt', 'assigned_by'] },
  'sambatan.disputes': {
    personal: { reason: 'Kenari keluhan', explanation: 'Jawaban untuk Kenari' },
    plain: ['opened_by', 'resolution', 'resolved_by'],
  },
  'sambatan.dispute_pictures': {
    personal: { content: 'kenari foto keluhan' },
  },
  'sambatan.notifications': {
    personal: { params: '"Kabar untuk Kenari"' },
    plain: ['event_key', 'kind', 'topic'],
  },
  'sambatan.gateway_calls': {
    // Requests to the payment provider and their answers about a ledger entry. The books keep them.
    plain: ['order_reference', 'provider', 'redirect_url', 'reference', 'status'],
  },
  'sambatan.deliveries': {
    personal: { last_result: '550 Kenari tidak dikenal' },
    plain: ['channel', 'status'],
  },
  'sambatan.request_keys': {
    personal: { body: 'Kenari jawaban' },
    // The stored answer of a request is deleted together with the data that it describes.
    plain: ['caller', 'content_type', 'key', 'request_hash', 'result'],
  },
  'sambatan.message_settings': { plain: ['topic'] },
  'sambatan.reminders': { plain: ['kind'] },
  'sambatan.brand_invitations': { personal: { email }, plain: ['invited_by', 'token_hash'] },
  'sambatan_auth.accounts': { personal: { email } },
  'sambatan_auth.access_heads': { plain: ['hash', 'kept_hash'] },
  // The short name of a browser, such as "Chrome · Android", which identifies nobody.
  'sambatan_auth.access_log': { plain: ['browser', 'event', 'hash', 'method'] },
  'sambatan_auth.sign_ins': {
    personal: { email },
    plain: ['browser_hash', 'code_hash', 'link_hash'],
  },
  'sambatan_auth.second_factors': { plain: ['secret'] },
  'sambatan_auth.recovery_codes': { plain: ['code_hash'] },
  'sambatan_auth.mfa_challenges': {
    personal: { device: 'Kenari browser' },
    plain: ['roles', 'token_hash'],
  },
  'sambatan_auth.sessions': {
    personal: { device: 'Kenari browser' },
    plain: ['roles', 'token_hash'],
  },
};

/** Tables about things, about the platform, or for machines: they describe no person. */
const aboutNobody: Readonly<Record<string, Columns>> = {
  'sambatan.backups': { plain: ['migrations', 'sha256'] },
  'sambatan.brands': { plain: ['name'] },
  'sambatan.campaign_details': { plain: ['description', 'log_salt', 'search', 'title'] },
  'sambatan.campaign_states': { plain: ['closing_actor', 'closing_reason'] },
  'sambatan.idempotency_keys': { plain: ['key', 'outcome', 'params', 'request_hash'] },
  'sambatan.installation': { plain: ['quarantine_reason'] },
  'sambatan.invariant_checks': { plain: ['name'] },
  'sambatan.join_attempts': { plain: ['caller'] },
  // The public log has no names and no ids, and hashes that need a salt.
  'sambatan.log_checkpoints': { plain: ['lines', 'root', 'signature'] },
  'sambatan.log_keys': { plain: ['key_id', 'name', 'public_key', 'statement'] },
  'sambatan.log_sum_leaves': { plain: ['hash'] },
  'sambatan.log_sums': { plain: ['checkpoint', 'root_hash'] },
  'sambatan.log_tiles': { plain: ['hashes', 'root'] },
  'sambatan.log_trees': { plain: ['subtrees'] },
  'sambatan.log_witnesses': { plain: ['witness'] },
  'sambatan.pictures': { plain: ['bytes', 'digest', 'variant'] },
  'sambatan.products': { plain: ['description', 'name', 'picture_digest'] },
  'sambatan.refused_joins': { plain: ['outcome', 'params'] },
  'sambatan.receiving_accounts': { plain: ['bank', 'holder', 'number'] },
  // The books of the platform. Their notes are about a ledger entry, not about a person.
  'sambatan.transactions': {
    plain: [
      'actor',
      'cause',
      'provider',
      'provider_reference',
      'purpose',
      'reason',
      'receipt',
    ].concat('reference'),
  },
  'sambatan.webhook_endpoints': {
    plain: ['description', 'events', 'previous_secret', 'secret', 'status_reason', 'status', 'url'],
  },
  // A file is deleted when its lines are stored. The lines are classified above.
  'sambatan.statement_imports': {
    plain: [
      'content',
      'created_by',
      'error',
      'file_hash',
      'file_name',
      'mapping',
      'skipped',
      'started_by',
      'state',
    ],
  },
  'sambatan.statement_mappings': { plain: ['mapping', 'saved_by'] },
  'sambatan_auth.attempts': { plain: ['key'] },
  // A hash that can only be computed with a secret key.
  'sambatan_auth.known_origins': { plain: ['key'] },
  'sambatan_auth.operator_changes': { plain: ['actor', 'change'] },
  'sambatan_auth.operators': { plain: ['granted_by'] },
};

const service = await startHttpService();
after(service.close);
let userId: string;
let participationId: string;
const planted = Object.entries(kept).flatMap(([table, { personal = {} }]) =>
  Object.entries(personal).map(([column, value]) => ({ table, column, value })),
);

/** Creates a person who has data in every table and whose account can be deleted. */
before(async () => {
  const own = (table: string) => kept[`sambatan.${table}`]!.personal!;
  const device = kept['sambatan_auth.sessions']!.personal!['device']!;
  ({ userId } = await signIn(service, email, { 'user-agent': device }));
  const person = await service.user(userId);
  const { display_name } = own('profiles');
  expectStatus(await person.patch('/me', { display_name }), 200);
  expectStatus(await person.post('/me/addresses', own('addresses')), 201);
  const shop = await openShop(service);
  const { id } = await shop.campaign();
  const { phone: _, ...order } = own('participants');
  participationId = (await join(person, id, order)).id;
  expectStatus(await person.post(`/participations/${participationId}/cancel`), 200);
  const full = await shop.campaign({ total_slots: 1 });
  await join(await service.user(), full.id);
  const wish = { quantity: 1, ...own('waiting_entries') };
  expectStatus(await person.post(`/campaigns/${full.id}/waiting`, wish), 201);
  const brand = expectStatus(await person.post('/brands', { name: 'Melati' }), 201);
  await plantMoney(id, brand.id);
  await plantMessages(id);
  await plantHalfSignIn();
  await put('request_keys', {
    ...own('request_keys'),
    caller: `user:${userId}`,
    key: 'kunci',
    request_hash: Buffer.alloc(32),
    result: Buffer.from('Kenari jawaban'),
    status: 200,
  });
  await put('brand_invitations', {
    ...own('brand_invitations'),
    invitation_id: newId(),
    brand_id: shop.brandId,
    role: 'admin',
    token_hash: Buffer.alloc(32),
    invited_by: 'service',
    expires_at: new Date(),
  });
});

/** Stores values in the data about the money of a finished participation. */
async function plantMoney(campaignId: string, brandId: string): Promise<void> {
  const own = (table: string) => kept[`sambatan.${table}`]!.personal!;
  const at = new Date();
  const of = { campaign_id: campaignId, participation_id: participationId };
  await put('refund_accounts', { ...own('refund_accounts'), user_id: userId });
  await put('payout_accounts', { ...own('payout_accounts'), brand_id: brandId });
  await put('payment_proofs', {
    ...of,
    content: Buffer.from(own('payment_proofs')['content']!),
    content_type: 'image/webp',
    uploaded_by: `user:${userId}`,
    uploaded_at: at,
  });
  const account_id = newId();
  await put('receiving_accounts', { account_id, bank: 'BCA', number: '12345678', holder: 'Toko' });
  // One transfer pays only this participation. Another transfer was divided among several.
  for (const parts of [1, 2]) {
    const line_id = newId();
    await put('statement_lines', {
      ...(parts === 1 ? of : {}),
      ...own('statement_lines'),
      account_id,
      line_id,
      fingerprint: Buffer.alloc(32, parts),
      booked_on: '2026-11-25',
      amount: parts,
      status: 'matched',
      outcome: parts === 1 ? 'known' : 'divided',
      imported_by: 'service',
      imported_at: at,
      handled_by: 'service',
      handled_at: at,
    });
    for (let part = 1; part <= parts; part++) {
      await put('statement_line_parts', {
        ...of,
        line_id,
        part,
        amount: 1,
        assigned_by: 'service',
        assigned_at: at,
        outcome: 'known',
        receipt: `statement:${line_id}`,
      });
    }
  }
  const dispute_id = newId();
  await put('disputes', {
    ...of,
    ...own('disputes'),
    dispute_id,
    opened_by: `user:${userId}`,
    opened_at: at,
    resolution: 'dismissed',
    resolved_by: 'service',
    resolved_at: at,
  });
  await put('dispute_pictures', {
    campaign_id: campaignId,
    dispute_id,
    number: 1,
    content: Buffer.from(own('dispute_pictures')['content']!),
  });
}

/** Stores values in the person's notifications and e-mails. */
async function plantMessages(campaignId: string): Promise<void> {
  const own = (table: string) => kept[`sambatan.${table}`]!.personal!;
  for (const in_app of [true, false]) {
    const id = newId();
    const event_key = `test:${in_app}`;
    const of = { campaign_id: campaignId, user_id: userId, kind: 'joined', topic: 'joins' };
    await put('notifications', {
      ...of,
      ...own('notifications'),
      notification_id: id,
      event_key,
      in_app,
    });
    await put('deliveries', {
      ...own('deliveries'),
      campaign_id: campaignId,
      delivery_id: id,
      channel: 'email',
      status: 'failed',
      finished_at: new Date(),
    });
  }
  await put('message_settings', { user_id: userId, topic: 'joins', email: false, in_app: true });
  const due_at = new Date(Date.now() + 3_600_000);
  const about = { campaign_id: campaignId, subject_id: campaignId, kind: 'deadline_day', due_at };
  await put('reminders', { ...about, user_id: userId });
}

/** Starts a sign-in in another browser, which stops before the second factor. */
async function plantHalfSignIn(): Promise<void> {
  await queryRows(
    service.db,
    `insert into sambatan_auth.mfa_challenges (token_hash, user_id, device, hours, expires_at)
    values ($1, $2, $3, 720, now() + interval '15 minutes')`,
    Buffer.alloc(32),
    userId,
    kept['sambatan_auth.mfa_challenges']!.personal!['device'],
  );
}

async function put(table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  const text = `insert into sambatan.${table} (${names}) values (${places})`;
  await queryRows(service.db, text, ...Object.values(row));
}

/** Every column that could contain text of a person, as `schema.table.column`. */
async function wordyColumns(): Promise<string[]> {
  const rows = await queryRows(
    service.db,
    `select format('%s.%s.%s', n.nspname, c.relname, a.attname) as name
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
    join pg_namespace n on n.oid = c.relnamespace
    join pg_type t on t.oid = a.atttypid
    left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
    where n.nspname !~ '^(pg_|information_schema$|supabase_migrations$)'
      and a.attnum > 0 and not a.attisdropped
      and coalesce(e.typtype, t.typtype) <> 'e'
      and coalesce(e.typname, t.typname) !~ '^(uuid|bool|int[248]|numeric|float[48]|date|interval|timestamptz?)$'`,
  );
  return rows.map(({ name }) => String(name)).toSorted();
}

/** Columns that the list does not classify. */
async function unlisted(): Promise<string[]> {
  const listed = new Set(
    Object.entries({ ...kept, ...aboutNobody }).flatMap(([table, { personal = {}, plain = [] }]) =>
      [...Object.keys(personal), ...plain].map((column) => `${table}.${column}`),
    ),
  );
  return (await wordyColumns()).filter((name) => !listed.has(name));
}

/** The tables that contain any of these values in any column. */
async function tablesWith(values: readonly string[]): Promise<string[]> {
  const tables = await queryRows(
    service.db,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname !~ '^(pg_|information_schema$)'`,
  );
  const sought = values.flatMap((value) => [
    // A short value may be a part of an id by chance, so it must be equal to a whole field.
    value.length < 10 ? JSON.stringify(value) : value,
    Buffer.from(value).toString('hex'),
  ]);
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await queryRows(
      service.db,
      `select s from ${String(name)} t, unnest($1::text[]) s
      where strpos(lower(to_jsonb(t)::text), lower(s)) > 0`,
      sought,
    );
    found.push(...rows.map(({ s }) => `${String(name)}: ${String(s)}`));
  }
  return found;
}
const everything = [...new Set(planted.map(({ value }) => value))];

test('every text column is classified as personal data or not', async () => {
  assert.deepEqual(
    await unlisted(),
    [],
    'say in this file of each of these whether it is personal; what is has to be planted here, ' +
      'and be in export_account and delete_person (src/accounts/personal-queries.ts)',
  );
  const there = new Set(await wordyColumns());
  const gone = Object.entries({ ...kept, ...aboutNobody }).flatMap(
    ([table, { personal = {}, plain = [] }]) =>
      [...Object.keys(personal), ...plain].filter((column) => !there.has(`${table}.${column}`)),
  );
  assert.deepEqual(gone, [], 'these are no columns any more');
});

test('a new table or column with user data is detected', async () => {
  await queryRows(
    service.db,
    'create table sambatan.test_letters (user_id uuid, words text, at date)',
  );
  try {
    assert.deepEqual(await unlisted(), ['sambatan.test_letters.words']);
    await put('test_letters', { user_id: userId, words: 'Halo, Kenari kedua!' });
    assert.deepEqual(await tablesWith(['Kenari kedua']), ['sambatan.test_letters: Kenari kedua']);
  } finally {
    await queryRows(service.db, 'drop table sambatan.test_letters');
  }
});

test('an export contains all personal data of the user and none of others', async () => {
  for (const { table, column, value } of planted) {
    const rows = await queryRows(
      service.db,
      `select true from ${table} where ${column} = $1`,
      column === 'content' ? Buffer.from(value) : value,
    );
    assert.ok(rows.length > 0, `${table}.${column} was not planted`);
  }
  const { text } = await (await service.user(userId)).get('/me/export');
  assert.equal(text.split('TRSF DARI KENARI').length, 4, 'the transfer, and both parts of one');
  const missing = everything.filter(
    (value) => !text.includes(value) && !text.includes(Buffer.from(value).toString('base64')),
  );
  assert.deepEqual(missing, [], 'export_account has not these');
  const other = (await (await service.user()).get('/me/export')).text;
  assert.deepEqual(
    everything.filter((value) => other.includes(value)),
    [],
  );
});

/** The salts of the person's orders and waiting-list entries, as hex text. */
const salts = async () =>
  (
    await queryRows<{ salt: string | null }>(
      service.db,
      `select encode(salt, 'hex') as salt from sambatan.participants where user_id = $1
      union all
      select encode(salt, 'hex') from sambatan.waiting_entries where user_id = $1`,
      userId,
    )
  ).map(({ salt }) => salt);

test('account deletion erases personal data everywhere', async () => {
  const person = await service.user(userId);
  const own = await salts();
  assert.ok(own.length >= 2 && !own.includes(null));
  const { text } = await person.get('/me/export');
  assert.ok(
    own.every((salt) => text.includes(salt!)),
    'the export contains the salts',
  );
  const gone = await person.send({ method: 'DELETE', path: '/me' });
  assert.equal(gone.status, 204, gone.text);
  assert.deepEqual(await tablesWith(everything), [], 'delete_person leaves these');
  assert.ok((await salts()).every((salt) => salt === null));
  for (const table of ['notifications', 'message_settings', 'reminders']) {
    const left = await queryRows(
      service.db,
      `select true from sambatan.${table} where user_id = $1`,
      userId,
    );
    assert.deepEqual(left, [], table);
  }
});
