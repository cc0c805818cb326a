import { updateCampaign } from '../support/database/campaign-update.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import pg from 'pg';
import { allQueries } from '../../src/database/query.ts';
import { loadEveryQuery } from '../support/database/queries.ts';
import { testDatabase } from '../support/database/database.ts';
import { waitUntil } from '../support/server/until.ts';

const { url, close } = await testDatabase({ invariants: false });
const client = new pg.Client({ connectionString: url });
await client.connect();
after(async () => {
  await client.end();
  await close();
});
await loadEveryQuery();

const large = [
  'campaign_details',
  'campaign_states',
  'participants',
  'audit_logs',
  'transactions',
  'idempotency_keys',
  'waiting_entries',
  'notifications',
  'deliveries',
  'reminders',
  'notification_cursors',
  'log_trees',
  'log_checkpoints',
  'access_log',
  'profiles',
];

/**
 * The maximum number of rows that one statement may read from a table or index: those of a page or
 * of a batch.
 */
const mostRows = 12_000;

/** An id as large-market.sql computes it. */
const id = (kind: number, n: number) =>
  `${kind.toString(16).padStart(8, '0')}-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const brand = id(1, 7);
const product = id(2, 7);
const owner = id(9, 7);
const campaign = {
  active: id(3, 101),
  completed: id(3, 110),
  draft: id(3, 1_005),
  full: id(3, 1_003),
};
/** The first of the five entries on the waiting list of the full campaign. */
const waiting = id(7, 5_015);
const home = 'Jalan Melati 5, Yogyakarta';
const reserved = id(4, 1_003);
const confirmed = id(4, 1_091);
const anybody = id(5, 123);
const soon = new Date(Date.now() + 86_400_000);
const digest = Buffer.alloc(32);
const nobody = '00000000-0000-7000-8000-0000000000ff';

interface Case {
  /** A name of the case, if a query has several cases. */
  readonly when?: string;
  readonly parameters: readonly unknown[];
  /** Statements that run before the query, in the same transaction. */
  readonly before?: string;
}

const setUp = (set: string) => updateCampaign(set, `campaign_id = '${campaign.active}'`);
const passed = "deadline = now() - interval '1 second', next_run_at = now() - interval '1 second'";

/** Frees two slots of the full campaign and offers them to its waiting list. */
const offered = `${updateCampaign(
  "filled_slots = 18, status = 'active'",
  `campaign_id = '${campaign.full}'`,
)};
  select sambatan.offer_freed_slots('${campaign.full}', now())`;

/** Publishes the sums of the completed campaign. */
const sumsPublished = `insert into sambatan.log_sums (campaign_id, version, seq, root_hash, paid,
    receivable, payout, fee, refunds, kept, checkpoint)
  values ('${campaign.completed}', 1, 7, sha256('root'), 0, 0, 0, 0, 0, 0, 'a signed note')`;

const statuses = ['scheduled', 'active', 'locked', 'fulfilled', 'expired', 'cancelled'];
const lists = (deadline: unknown): Record<string, readonly Case[]> =>
  Object.fromEntries(
    Object.entries({
      all: [null, null],
      of_brand: [brand, null],
      matching: [null, 'senja:*'],
    }).flatMap(([kind, [brandId, words]]) =>
      ['deadline', 'progress', 'newest'].map((sort) => [
        `list_campaigns_${kind}_by_${sort}`,
        [
          { when: 'its first page', parameters: [statuses, 21, null, null, brandId, words] },
          {
            when: 'a later page',
            parameters: [
              statuses,
              21,
              { deadline, progress: 50, newest: null }[sort],
              campaign.active,
              brandId,
              words,
            ],
          },
          { when: 'one status', parameters: [['active'], 21, null, null, brandId, words] },
        ],
      ]),
    ),
  );

const everyStatus = ['pending_payment', 'confirmed', 'cancelled', 'refunded', 'fulfilled'];

const joinParameters = (campaignId: string, key: string | null): unknown[] => [
  [campaignId],
  [nobody],
  [anybody],
  [1],
  ['Jalan Melati 5, Yogyakarta'],
  [null],
  [null],
  [digest],
  [key],
  [key === null ? null : Buffer.from('x')],
  ['service'],
  [anybody],
  10,
  true,
  false,
];

/** Makes the rows of an access log older than the time for which they are kept. */
const agedAccess = `insert into sambatan_auth.access_heads (user_id, seq, hash)
    values ('${nobody}', 9, '');
  insert into sambatan_auth.access_log (user_id, seq, occurred_at, event, method, browser, hash)
  select '${nobody}', n, now() - make_interval(days => 405 - n), 'signed_in', 'code', '', ''
  from generate_series(1, 9) n`;

const till = id(7, 1);
const [refund, payout, claim] = [id(7, 2), id(7, 3), id(7, 4)];
const makeTill = `insert into sambatan.receiving_accounts (account_id, bank, number, holder)
  values ('${till}', 'BCA', '5270099001', 'PT Sambatan')`;
const upfront = `${makeTill}; ${setUp("payment_timing = 'upfront'")}`;
const opened = `${upfront}; select sambatan.open_payment('${campaign.active}', '${reserved}')`;
const proven = `${opened}; select sambatan.submit_proof('${campaign.active}', '${reserved}',
  'application/pdf', 'x', 'service')`;
const lined = `${opened}; insert into sambatan.statement_lines (line_id, account_id, fingerprint,
    booked_on, amount, description, imported_by, imported_at)
  values ('${nobody}', '${till}', sha256('x'), '2026-11-25', 150500, 'TRF', 'service', now())`;
const divided = `${lined}; select sambatan.allocate_line('${nobody}', array['${campaign.active}'::uuid],
    array['${reserved}'::uuid], array[150500], 'service')`;
const imported = id(7, 9);
const uploadedFile = `${makeTill}; insert into sambatan.statement_imports (import_id, account_id, state,
    file_name, file_hash, content, mapping, created_by, created_at)
  values ('${imported}', '${till}', 'uploaded', 'a.csv', sha256('x'), 'x', '{}', 'service', now())`;
const startedFile = `${uploadedFile}; update sambatan.statement_imports set state = 'storing',
    started_at = now(), started_by = 'service', total_lines = 1, lease_token = '${nobody}'`;
const movement = (movementId: string, kind: string, participation: string, amount: number) =>
  `insert into sambatan.transactions (campaign_id, transaction_id, kind, status, participation_id,
    amount, cause, actor, created_at)
  values ('${campaign.completed}', '${movementId}', '${kind}', 'due', ${participation}, ${amount},
    '${kind}:test', 'service', now())`;
const refunded = movement(refund, 'refund', `'${confirmed}'`, 5);
/** Lets the reserved participation lapse, and makes its payment, which came in time, due back. */
const paidInTime = `update sambatan.participants set status = 'cancelled',
    cancel_reason = 'hold_lapsed', cancelled_at = now()
  where campaign_id = '${campaign.active}' and participation_id = '${reserved}';
  insert into sambatan.transactions (campaign_id, transaction_id, kind, status, participation_id,
    amount, cause, actor, created_at, settled_at, purpose, paid_in_time)
  select p.campaign_id, m.id::uuid, m.kind::sambatan.transaction_kind,
    m.status::sambatan.transaction_status, p.participation_id, p.quantity * c.price_per_slot,
    m.cause, 'service', now(), case m.status when 'settled' then now() end, m.purpose,
    case m.kind when 'refund' then now() end
  from sambatan.participants p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  cross join (values
    ('${id(7, 11)}', 'adjustment', 'settled', 'credit:test', 'credit'),
    ('${refund}', 'refund', 'due', 'refund:credit:test', null)) m (id, kind, status, cause, purpose)
  where p.campaign_id = '${campaign.active}' and p.participation_id = '${reserved}'`;
const doubled = `insert into sambatan.transactions (campaign_id, transaction_id, kind, status,
    participation_id, amount, cause, actor, created_at, purpose)
  values ('${campaign.completed}', '${claim}', 'adjustment', 'due', '${confirmed}', 5, 'overpaid:test',
    'system', now(), 'overpaid_refund')`;
const called = `${refunded}; insert into sambatan.gateway_calls (campaign_id, reference,
    transaction_id, participation_id, kind, provider, order_reference, amount, next_check_at,
    expires_at, created_at)
  values ('${campaign.completed}', 'SBT-a-reference', '${refund}', '${confirmed}', 'refund',
    'midtrans', 'SBT-an-order', 5, now(), now(), now())`;
/**
 * Creates the received payment and the money to be sent, which large-market.sql does not have for
 * this campaign.
 */
const paidOut = (amount: number) => `${movement(payout, 'payout', 'null', amount)};
  update sambatan.campaign_details set platform_fee_basis_points = 0
    where campaign_id = '${campaign.completed}';
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
    actor, created_at, settled_at)
  values ('${campaign.completed}', 'payment', 'settled', '${confirmed}', 150000, 'payment:test',
    'service', now(), now())`;
/** Marks the confirmed participation as paid. */
const paid = `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
    cause, actor, created_at, settled_at)
  values ('${campaign.completed}', 'payment', 'settled', '${confirmed}', 150000,
    'payment:${confirmed}', 'service', now(), now())`;
const allOwed = `insert into sambatan.transactions (campaign_id, kind, status, participation_id,
    amount, cause, actor, created_at)
  select campaign_id, 'payment', 'due', participation_id, 150000, 'payment:' || participation_id,
    'service', now() from sambatan.participants
  where campaign_id = '${campaign.completed}' on conflict do nothing;
  update sambatan.campaign_states set confirmed_slots = 10, filled_slots = 10, logged_slots = 10,
    participant_count = 10
  where campaign_id = '${campaign.completed}'`;
const owed = allOwed;

/** The parameters of every query that requests or the scheduler run. */
const cases: Record<string, readonly Case[]> = {
  take_from_limit: [{ parameters: ['x', 900, 5] }],
  give_back_to_limit: [{ parameters: ['x'] }],
  wait_for_limit: [{ parameters: ['x'] }],
  mail_budget_use: [{ parameters: [['x', 'y']] }],
  insert_sign_in: [
    {
      parameters: [
        nobody,
        'x@y.id',
        Buffer.from('c'),
        Buffer.from('l'),
        15,
        Buffer.from('b'),
        true,
      ],
    },
  ],
  unmail_sign_in: [{ parameters: [nobody] }],
  find_mailed_codes: [{ parameters: ['x@y.id', 3] }],
  has_mailed_code: [{ parameters: ['x@y.id', 2] }],
  find_link: [{ parameters: [Buffer.from('l')] }],
  remember_origins: [{ parameters: [['x', 'y'], 180] }],
  find_known_origins: [{ parameters: [['x', 'y']] }],
  spend_attempt: [{ parameters: [nobody, 5] }],
  use_sign_in: [{ parameters: [nobody] }],
  use_link: [{ parameters: [Buffer.from('l')] }],
  upsert_account: [{ parameters: [nobody, 'x@y.id'] }],
  start_profile: [{ parameters: [nobody, 'Sari', 'id', 'x@y.id'] }],
  insert_session: [{ parameters: [nobody, Buffer.from('t'), nobody, [], '', 720, false, null] }],
  insert_proof: [
    { parameters: [nobody, 'x@y.id', Buffer.from('c'), Buffer.from('n'), 15, nobody] },
  ],
  spend_proof: [{ parameters: [nobody, 5, nobody] }],
  reauthenticate_session: [{ parameters: [nobody, nobody, Buffer.from('t'), true] }],
  find_session: [{ parameters: [Buffer.from('t'), 15] }],
  touch_session: [{ parameters: [nobody, 720, 4_320] }],
  delete_session_by_token: [{ parameters: [Buffer.from('t')] }],
  delete_session: [{ parameters: [nobody, nobody] }],
  delete_sessions: [{ parameters: [nobody] }],
  list_sessions: [{ parameters: [nobody] }],
  delete_expired_sign_ins: [{ parameters: [] }],
  find_factor: [{ parameters: [nobody] }],
  lock_factor: [{ parameters: [nobody] }],
  begin_factor: [{ parameters: [nobody, Buffer.from('s')] }],
  confirm_factor: [{ parameters: [nobody, Buffer.from('s'), 1n] }],
  take_step: [{ parameters: [nobody, 1n] }],
  delete_factor: [{ parameters: [nobody] }],
  delete_recovery_codes: [{ parameters: [nobody] }],
  insert_recovery_codes: [{ parameters: [nobody, [Buffer.from('h')]] }],
  use_recovery_code: [{ parameters: [nobody, Buffer.from('h')] }],
  factor_state: [{ parameters: [nobody] }],
  insert_mfa_challenge: [{ parameters: [Buffer.from('t'), nobody, [], '', 720, 15] }],
  find_mfa_challenge: [{ parameters: [Buffer.from('t')] }],
  consume_mfa_challenge: [{ parameters: [Buffer.from('t'), 5] }],
  delete_mfa_challenge: [{ parameters: [Buffer.from('t')] }],
  delete_mfa_challenges: [{ parameters: [nobody] }],
  delete_expired_mfa_challenges: [{ parameters: [] }],
  mark_session: [{ parameters: [nobody, nobody] }],
  unmark_sessions: [{ parameters: [nobody] }],
  record_access: [{ parameters: [nobody, 'signed_in', 'code', 'Chrome · Android'] }],
  recent_access: [{ parameters: [anybody, 20] }],
  delete_old_access: [
    { parameters: [50] },
    { when: 'some are old', parameters: [50], before: agedAccess },
  ],
  find_profile: [{ parameters: [nobody] }],
  lock_profile: [{ parameters: [nobody] }],
  update_profile: [{ parameters: [nobody, 'Sari', null, null] }],
  list_addresses: [{ parameters: [nobody] }],
  find_address: [{ parameters: [nobody, nobody] }],
  clear_default_address: [{ parameters: [nobody] }],
  save_address: [
    {
      parameters: [nobody, nobody, 'Rumah', 'Sari', '08123456789', 'Jalan 1', 'Jawa', 'Kota']
        .concat(['Kecamatan', '40132'])
        .concat([true] as never[]),
    },
  ],
  delete_address: [{ parameters: [nobody, nobody] }],
  default_newest_address: [{ parameters: [nobody] }],
  export_account: [{ parameters: [anybody] }],
  count_ties: [{ parameters: [anybody] }, { when: 'of an owner', parameters: [owner] }],
  lock_owned_brands: [{ parameters: [owner] }],
  find_brand_to_hand_over: [{ parameters: [owner] }],
  lock_waited_for: [{ parameters: [anybody] }],
  leave_waiting_lists: [{ parameters: [anybody, `user:${anybody}`] }],
  delete_person: [{ parameters: [anybody] }],
  list_operators: [{ parameters: [] }],
  named_operators: [{ parameters: [] }],
  find_account_by_email: [{ parameters: ['x@y.id'] }],
  insert_operator: [{ parameters: [nobody, 'service'] }],
  delete_operator: [{ parameters: [nobody] }],
  record_operator_change: [{ parameters: [nobody, nobody, 'granted', 'service'] }],
  notify: [{ parameters: ['test', 'x'] }],
  find_quarantine: [{ parameters: [] }],
  is_quarantined: [{ parameters: [] }],
  collect_gauges: [{ parameters: [] }],
  free_codes: [{ parameters: [], before: opened }],
  know_invariants: [{ parameters: [['01_counters']] }],
  claim_invariant: [{ parameters: [['01_counters'], 24] }],
  note_invariant: [{ parameters: ['01_counters', 0] }],
  invariant_checks: [{ parameters: [['01_counters']] }],
  ping: [{ parameters: [] }],
  database_now: [{ parameters: [] }],
  record_event: [
    { parameters: [campaign.active, 'campaign_edited', 'service', new Date(), null, {}] },
  ],
  list_audit: [
    { parameters: [campaign.active, null, 21] },
    { when: 'a later page', parameters: [campaign.active, 3n, 21] },
  ],
  campaign_events_after: [
    {
      parameters: [
        [campaign.active, campaign.completed],
        [0n, 0n],
      ],
    },
  ],
  list_market_audit: [
    { parameters: [51, null, null, null] },
    { when: 'a later page', parameters: [51, new Date(), campaign.active, 3n] },
  ],
  list_market_audit_of_event: [{ parameters: [51, null, null, null, 'campaign_failed'] }],
  search_audit: [
    { parameters: [campaign.active, null, 51, null, null, null] },
    { when: 'of one actor', parameters: [campaign.active, 9n, 51, null, 'service', null] },
  ],
  list_undecided: [{ parameters: [20] }],
  list_workers: [{ parameters: [] }],
  list_overdue: [
    { parameters: [30, 20] },
    { when: 'something is overdue', parameters: [0, 20], before: setUp(passed) },
  ],
  look_up_participation: [{ parameters: [reserved] }],
  look_up_users_participations: [{ parameters: [[anybody], 100] }],
  people_by_email: [{ parameters: ['siti@example.org', 20] }],
  people_by_words: [{ parameters: ['sari:* & 1234:*', 20] }],
  people_by_phone: [{ parameters: ['81234567890', 20] }],
  find_participation: [{ parameters: [reserved] }],
  page_of_participants: [
    { parameters: [campaign.active, everyStatus, null, null, null, false, 'joined', 0, 50] },
    {
      when: 'searched and filtered',
      parameters: [
        campaign.completed,
        everyStatus,
        ['paid'],
        ['%melati%'],
        '8123',
        false,
        'pay_by',
        50,
        50,
      ],
    },
  ],
  count_payment_states: [{ parameters: [campaign.completed] }],
  recent_contributions: [{ parameters: [campaign.active, 6] }],
  list_own_participations: [
    { parameters: [anybody, everyStatus, null, 21, null] },
    {
      when: 'a later page of what is due',
      parameters: [anybody, everyStatus, reserved, 21, ['due']],
    },
  ],
  find_own_participation: [{ parameters: [reserved, anybody] }],
  has_other_order: [{ parameters: [campaign.active, anybody, 'key'] }],
  own_in_campaign: [{ parameters: [anybody, campaign.active] }],
  participation_history: [
    { parameters: [campaign.active, reserved] },
    { when: 'it is over', parameters: [campaign.completed, confirmed] },
  ],
  release_participation: [{ parameters: [campaign.active, reserved, 'buyer', 'service', null] }],
  ship_campaign: [{ parameters: [campaign.completed, 14, 'service'] }],
  list_receipts_due: [{ parameters: [100] }],
  receive_unanswered: [{ parameters: [campaign.completed, 200] }],
  change_participation: [
    {
      parameters: [campaign.active, reserved, 1, 'Jalan Melati 5, Yogyakarta', '', 'service'],
    },
  ],
  confirm_participation: [{ parameters: [campaign.active, reserved, 'service', null] }],
  fulfil_participation: [
    {
      parameters: [campaign.completed, confirmed, 'service'],
      before: `insert into sambatan.transactions (campaign_id, kind, status, participation_id,
          amount, cause, actor, created_at, settled_at)
        values ('${campaign.completed}', 'payment', 'settled', '${confirmed}', 150000,
          'payment:${confirmed}', 'service', now(), now())
        on conflict (campaign_id, cause) do update set status = 'settled', settled_at = now()`,
    },
  ],
  campaign_progress: [{ parameters: [campaign.active] }],
  watched_campaigns: [{ parameters: [[campaign.active, campaign.completed], 6] }],
  watched_progress: [{ parameters: [[campaign.active, campaign.completed]] }],
  open_campaign: [
    {
      parameters: [campaign.draft, 'service', false],
    },
  ],
  extend_deadline: [{ parameters: [campaign.active, new Date('2030-01-01'), 'why', 'service'] }],
  cancel_campaign: [{ parameters: [campaign.active, 'why', 'service'] }],
  decide_below_minimum: [
    {
      parameters: [campaign.completed, true, false, null, 'service'],
      before: `update sambatan.campaign_details set decision_opened_at = now()
        where campaign_id = '${campaign.completed}'`,
    },
  ],
  has_receiving_account: [{ parameters: [] }],
  statement_imported: [{ parameters: [till, '2026-11-25'], before: makeTill }],
  schedule_run: [{ parameters: [campaign.completed] }],
  list_due: [
    { parameters: [10_000] },
    { when: 'something is due', parameters: [10_000], before: setUp(passed) },
  ],
  list_full: [{ parameters: [null, 10_000] }],
  settle_campaigns: [
    {
      when: 'completes',
      parameters: [[campaign.active], true, 2_000, null, false],
      before: setUp(passed),
    },
    {
      when: 'fails',
      parameters: [[campaign.active], true, 2_000, null, false],
      before: setUp(`minimum_slots = 20, ${passed}`),
    },
    {
      when: 'lets holds go',
      parameters: [[campaign.active], true, 2_000, null, false],
      before: `update sambatan.participants set hold_expires_at = now()
        where campaign_id = '${campaign.active}'`,
    },
    { when: 'looks early', parameters: [[campaign.active], true, 2_000, null, false] },
    {
      when: 'lapses offers',
      parameters: [[campaign.full], false, 2_000, null, false],
      before: `${offered}; update sambatan.waiting_entries set offer_expires_at = now()
        where status = 'offered'`,
    },
    {
      when: 'closes a waiting list',
      parameters: [[campaign.full], true, 2_000, null, false],
    },
  ],
  next_due: [{ parameters: [] }],
  beat: [{ parameters: [nobody, null, null] }],
  remove_worker: [{ parameters: [nobody] }],
  delete_expired_attempts: [{ parameters: [] }],
  delete_expired_idempotency_keys: [
    { parameters: [] },
    {
      when: 'some are old',
      parameters: [],
      before: `update sambatan.idempotency_keys set answered_at = now() - interval '40 days'
        where campaign_id = '${campaign.active}'`,
    },
  ],
  delete_expired_refused_joins: [{ parameters: [] }],
  delete_expired_request_keys: [{ parameters: [] }],
  find_request_key: [{ parameters: ['service', 'k'] }],
  claim_request_key: [{ parameters: ['service', 'k', Buffer.alloc(32)] }],
  keep_request_result: [{ parameters: ['service', 'k', Buffer.alloc(1)] }],
  keep_request_answer: [{ parameters: ['service', 'k', 200, null, null] }],
  void_abandoned_payments: [{ parameters: [] }],
  delete_expired_workers: [{ parameters: [] }],
  join_campaigns: [
    { parameters: joinParameters(campaign.active, null) },
    { when: 'with a key', parameters: joinParameters(campaign.active, 'a key') },
    {
      when: 'with bounds',
      parameters: joinParameters(campaign.active, null),
      before: setUp('max_slots_per_user = 5'),
    },
  ],
  wait_for_slots: [
    { parameters: [campaign.full, nobody, anybody, 1, home, null, null, null, 'service'] },
    {
      when: 'with a key',
      parameters: [campaign.full, nobody, anybody, 1, home, null, 'k', Buffer.from('x'), 'service'],
    },
  ],
  wait_with_retained_refund: [
    { parameters: [campaign.active, refund, nobody, 'service'], before: paidInTime },
  ],
  accept_offer: [{ parameters: [campaign.full, waiting, nobody, 'service'], before: offered }],
  withdraw_waiting_entry: [
    { parameters: [campaign.full, waiting, 'waiting_withdrawn', 'service'] },
    {
      when: 'with an offer',
      parameters: [campaign.full, waiting, 'waiting_declined', 'service'],
      before: offered,
    },
  ],
  find_waiting_entry: [{ parameters: [waiting] }],
  is_reminded: [{ parameters: [campaign.active, anybody] }],
  open_entries_of: [{ parameters: [id(5, 7), 20] }],
  find_own_waiting_entry: [{ parameters: [campaign.full, id(5, 7)] }],
  list_waiting: [
    { parameters: [campaign.full, null, 0n, 21] },
    { when: 'of one status', parameters: [campaign.full, 'waiting', 3n, 21] },
  ],
  make_cursor: [{ parameters: [nobody] }],
  lock_cursor: [{ parameters: [campaign.active] }],
  move_cursor: [{ parameters: [campaign.active, 3n] }],
  audit_after: [{ parameters: [campaign.active, 0n, 500] }],
  audit_entry: [{ parameters: [campaign.active, 1n] }],
  lagging: [{ parameters: [null, 5_000] }, { parameters: [campaign.active, 5_000] }],
  try_lock_log_writer: [{ parameters: [] }],
  end_log_pass: [{ parameters: [5n, null, 0] }],
  list_log_restores: [{ parameters: [] }],
  note_restore_by_hand: [{ parameters: [] }],
  uncovered_campaigns: [{ parameters: [null, 5_000] }, { parameters: [campaign.active, 5_000] }],
  changed_log_trees: [{ parameters: [[campaign.active, campaign.full]] }],
  log_leaves: [{ parameters: [[campaign.active], [1n], [3n]] }],
  insert_log_tiles: [
    {
      parameters: [[nobody], [0], [0n], [digest]],
      before: `insert into sambatan.audit_logs (campaign_id, seq, occurred_at, event, actor_kind,
          slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
        select '${nobody}', n, now(), 'campaign_edited', 'service', 0, 0, 20, 150000, sha256(''),
          sha256('') from generate_series(1, 256) n`,
    },
  ],
  save_log_trees: [{ parameters: [[nobody], [1n], [digest]] }],
  insert_log_checkpoints: [
    {
      parameters: [[nobody], [1n], [''], [digest], [Buffer.alloc(64)], 1, new Date(), 1_000_000n],
    },
  ],
  add_log_witness: [{ parameters: ['https://witness.example/'] }],
  claim_log_witness: [{ parameters: ['https://witness.example/', 30] }],
  move_log_witness: [{ parameters: ['https://witness.example/', 1n, 2n] }],
  delay_log_witness: [{ parameters: ['https://witness.example/', 5] }],
  list_log_keys: [{ parameters: [] }],
  lock_log_writer: [{ parameters: [] }],
  insert_log_key: [{ parameters: [1, 'localhost', Buffer.alloc(4), digest, null, false] }],
  activate_log_key: [{ parameters: [1] }],
  withdraw_log_key: [{ parameters: [] }],
  names_of_log_keys: [{ parameters: [[1]] }],
  newest_log_checkpoint: [{ parameters: [campaign.active] }],
  log_checkpoint_of_size: [{ parameters: [campaign.active, 3n] }],
  log_checkpoints_from: [{ parameters: [99_990n, 100] }],
  signed_log_size: [{ parameters: [campaign.active] }],
  read_log_tile: [
    { parameters: [campaign.active, 0, 0n, 3] },
    { when: 'of a higher level', parameters: [campaign.active, 1, 0n, 1] },
  ],
  read_log_entries: [{ parameters: [campaign.active, 0n, 3] }],
  campaign_facts: [{ parameters: [campaign.active] }],
  people_of: [{ parameters: [campaign.active, [reserved]] }],
  people_after: [{ parameters: [campaign.active, nobody, 1_000] }],
  insert_messages: [
    {
      parameters: [
        campaign.active,
        [nobody],
        [anybody],
        ['event:1'],
        ['joined'],
        [{}],
        ['orders'],
        [true],
        [true],
      ],
    },
  ],
  insert_webhook_deliveries: [{ parameters: [campaign.active, [nobody], [brand], [1n]] }],
  endpoints_for: [{ parameters: [brand] }],
  add_to_digest: [{ parameters: [campaign.active, 1n, 900, 1, 1n, 0, 0n, 0, 0n] }],
  list_digests: [{ parameters: [100] }],
  claim_digest: [{ parameters: [campaign.active] }],
  insert_fanout: [{ parameters: [campaign.active, 1n] }],
  list_fanouts: [{ parameters: [100] }],
  lock_fanout: [{ parameters: [campaign.active, 1n] }],
  move_fanout: [{ parameters: [campaign.active, 1n, nobody] }],
  remove_fanout: [{ parameters: [campaign.active, 1n] }],
  list_inbox: [
    { parameters: [anybody, false, null, 21] },
    { when: 'a later page', parameters: [anybody, true, reserved, 21] },
  ],
  count_unread: [{ parameters: [anybody, 1_000] }],
  mark_read: [{ parameters: [anybody, nobody] }],
  mark_all_read: [{ parameters: [anybody, null, 10_000] }],
  list_settings: [{ parameters: [anybody] }],
  put_setting: [{ parameters: [anybody, 'orders', false, null, true, true] }],
  set_reminders: [{ parameters: [campaign.active, [anybody], ['hold'], [nobody], [soon]] }],
  move_deadline_reminders: [{ parameters: [campaign.active, soon] }],
  remove_deadline_reminders: [{ parameters: [campaign.active, anybody] }],
  claim_reminders: [{ parameters: [200] }],
  claim_emails: [{ parameters: [5, nobody, 10] }],
  claim_webhooks: [{ parameters: [20, nobody, 10, 10, []] }],
  extend_leases: [{ parameters: [[campaign.active], [nobody], [nobody], 10] }],
  end_attempts: [
    { parameters: [[campaign.active], [nobody], [nobody], ['delivered'], [null], ['HTTP 200']] },
  ],
  list_endpoint_deliveries: [{ parameters: [brand, null, 21] }],
  list_deliveries: [{ parameters: ['failed', null, 21] }],
  find_delivery: [{ parameters: [nobody] }],
  resend_delivery: [{ parameters: [campaign.active, nobody] }],
  outbox_lag: [{ parameters: [] }],
  delete_expired_deliveries: [{ parameters: [] }],
  delete_expired_notifications: [{ parameters: [] }],
  delete_expired_reminders: [{ parameters: [] }],
  insert_endpoint: [{ parameters: [nobody, brand, 'https://x.example/', '', [], 'whsec_x'] }],
  count_endpoints: [{ parameters: [brand] }],
  find_endpoint: [{ parameters: [brand] }],
  list_endpoints: [{ parameters: [brand, null, 21] }],
  update_endpoint: [{ parameters: [brand, null, null, null, 'disabled', 'HTTP 410'] }],
  rotate_secret: [{ parameters: [brand, 'whsec_x', 60] }],
  drop_deliveries: [{ parameters: [brand, 'HTTP 410'] }],
  insert_brand: [{ parameters: [nobody, 'Merek baru'] }],
  find_brand: [{ parameters: [brand] }],
  insert_member: [{ parameters: [brand, anybody, 'admin'] }],
  find_role: [{ parameters: [brand, owner] }],
  insert_product: [{ parameters: [nobody, brand, 'Produk', '', 150_000n, true, 120] }],
  find_product: [{ parameters: [product] }],
  update_product: [{ parameters: [product, 'Nama', null, null, null, null] }],
  update_brand: [{ parameters: [brand, 'Nama lain'] }],
  list_brands_of: [{ parameters: [owner] }],
  lock_brand: [{ parameters: [brand] }],
  list_members: [{ parameters: [brand] }],
  count_owners: [{ parameters: [brand] }],
  update_member: [{ parameters: [brand, owner, 'admin'] }],
  delete_member: [{ parameters: [brand, owner] }],
  list_invitations: [{ parameters: [brand] }],
  find_invitation: [{ parameters: [digest] }],
  count_invitations: [{ parameters: [brand] }],
  replace_invitations: [{ parameters: [brand, 'tamu@contoh.id'] }],
  insert_invitation: [
    { parameters: [nobody, brand, 'tamu@contoh.id', 'admin', digest, 'service', 7] },
  ],
  cancel_invitation: [{ parameters: [brand, nobody] }],
  accept_invitation: [{ parameters: [digest, anybody] }],
  find_language_of: [{ parameters: ['tamu@contoh.id'] }],
  delete_expired_invitations: [{ parameters: [] }],
  list_enabled_products: [{ parameters: [brand] }],
  find_picture: [{ parameters: ['0'.repeat(32), '480.webp'] }],
  insert_picture: [{ parameters: ['0'.repeat(32), '480.webp', product, digest] }],
  delete_pictures: [{ parameters: [product, null] }],
  update_product_picture: [{ parameters: [product, '0'.repeat(32), 960, 720] }],
  list_participants: [
    { parameters: [campaign.active, everyStatus, null, null, null, false, null, 51] },
    {
      when: 'a later page of what is to pack',
      parameters: [campaign.completed, everyStatus, null, null, null, true, confirmed, 51],
    },
  ],
  list_expected_refunds: [
    { parameters: [campaign.completed, null, 51] },
    { when: 'a later page', parameters: [campaign.completed, confirmed, 51] },
  ],
  sum_expected_refunds: [{ parameters: [campaign.completed] }],
  slots_over_time: [
    { parameters: [campaign.completed, new Date(Date.now() - 86_400_000), new Date(), 60] },
  ],
  list_products: [{ parameters: [brand, null, 21] }, { parameters: [null, product, 21] }],
  find_campaign: [{ parameters: [campaign.active] }],
  find_campaigns: [{ parameters: [[campaign.active, campaign.completed]] }],
  lock_campaign: [{ parameters: [campaign.active] }],
  insert_campaign: [
    {
      parameters: [
        nobody,
        brand,
        product,
        'Senja',
        '',
        'active',
        'upfront',
        10,
        5,
        null,
        null,
        150_000n,
        86_400,
        soon,
        null,
        new Date(),
        900,
        259_200,
        86_400,
        172_800,
        259_200,
      ],
    },
  ],
  update_campaign: [
    {
      parameters: [
        campaign.draft,
        'Senja',
        '',
        'upfront',
        10,
        5,
        null,
        null,
        150_000n,
        86_400,
        soon,
        null,
      ],
    },
  ],
  list_receiving_accounts: [{ parameters: [] }],
  find_receiving_account: [{ parameters: [till] }],
  lock_receiving_accounts: [{ parameters: [] }],
  lock_endpoints: [{ parameters: [null] }],
  clear_default_account: [{ parameters: [] }],
  insert_receiving_account: [{ parameters: [nobody, 'BCA', '5270099001', 'PT Sambatan', false] }],
  update_receiving_account: [{ parameters: [till, 'PT Sambatan', null, null], before: makeTill }],
  find_refund_account: [{ parameters: [anybody] }],
  put_refund_account: [{ parameters: [anybody, 'BCA', '5270099001', 'Sari'] }],
  find_payout_account: [{ parameters: [brand] }],
  find_brand_setup: [{ parameters: [brand] }],
  put_payout_account: [{ parameters: [brand, 'BCA', '5270099001', 'Sari'] }],
  find_buyer: [{ parameters: [reserved] }],
  open_payment: [{ parameters: [campaign.active, reserved, false], before: upfront }],
  find_payment: [{ parameters: [campaign.active, reserved] }],
  list_payments: [
    { parameters: ['due', null, null, 21] },
    { when: 'a later page', parameters: ['proof_submitted', 1_700_000_000_000_000, nobody, 21] },
  ],
  submit_proof: [
    {
      parameters: [campaign.active, reserved, 'application/pdf', Buffer.from('x'), 'service'],
      before: opened,
    },
  ],
  find_proof: [{ parameters: [campaign.active, reserved] }],
  verify_payment: [
    {
      parameters: [campaign.active, reserved, null, 'service', null, '2026-11-30'],
      before: opened,
    },
  ],
  receive_money: [
    {
      parameters: [campaign.active, reserved, 150_500n, 'service', null, 'a', soon],
      before: opened,
    },
  ],
  reject_payment: [{ parameters: [campaign.active, reserved, 'why', 'service'], before: proven }],
  write_off_payment: [
    { parameters: [campaign.completed, confirmed, 'why', 'service'], before: owed },
  ],
  holds_about_to_lapse: [
    { parameters: [soon, null, null, 100] },
    { when: 'a later page', parameters: [soon, new Date(), nobody, 100] },
  ],
  insert_statement_lines: [
    {
      parameters: [
        till,
        imported,
        'service',
        [nobody],
        [0],
        [Buffer.alloc(32)],
        ['2026-11-25'],
        [null],
        [5n],
        ['TRF'],
        [null],
        [100n],
        [null],
      ],
      before: uploadedFile,
    },
  ],
  insert_statement_import: [
    {
      parameters: [imported, till, 'a.csv', digest, Buffer.from('x'), '{}', 'service'],
      before: makeTill,
    },
  ],
  find_statement_import: [{ parameters: [imported], before: uploadedFile }],
  find_statement_import_file: [{ parameters: [imported], before: uploadedFile }],
  list_statement_imports: [
    { parameters: [null, null, 21] },
    { when: 'a later page', parameters: [new Date(), nobody, 21] },
  ],
  list_skipped_rows: [{ parameters: [imported, 10], before: uploadedFile }],
  set_statement_import_mapping: [{ parameters: [imported, '{}'], before: uploadedFile }],
  start_statement_import: [
    { parameters: [imported, '{}', null, 1, 0, '[]', 'service'], before: uploadedFile },
  ],
  claim_statement_import: [
    { parameters: [nobody, null], before: startedFile },
    { when: 'one by its id', parameters: [nobody, imported], before: startedFile },
  ],
  lock_statement_import: [{ parameters: [imported, nobody], before: startedFile }],
  release_statement_import: [{ parameters: [imported, nobody], before: startedFile }],
  stored_statement_lines: [{ parameters: [till, '2026-11-01', '2026-11-30', imported] }],
  note_stored_lines: [{ parameters: [imported, 1, 1, 0, 'matching'], before: startedFile }],
  note_matched_lines: [{ parameters: [imported, 1, 1], before: startedFile }],
  finish_statement_import: [
    {
      parameters: [imported],
      before: `${startedFile}; update sambatan.statement_imports set state = 'matching'`,
    },
  ],
  refuse_statement_import: [{ parameters: [imported, '{}'], before: startedFile }],
  note_statement_through: [{ parameters: [till, null, '2026-11-25'], before: makeTill }],
  delete_statement_uploads: [{ parameters: [], before: uploadedFile }],
  find_statement_mapping: [{ parameters: [till] }],
  put_statement_mapping: [{ parameters: [till, '{}', 'service'], before: makeTill }],
  delete_statement_mapping: [{ parameters: [till] }],
  payments_for: [{ parameters: [till, [150_500n], ['2026-11-25']], before: opened }],
  open_lines_of: [
    { parameters: [till, null, null, 1_000] },
    { when: 'from a place on', parameters: [till, '2026-11-20', nobody, 1_000] },
  ],
  count_open_lines: [{ parameters: [till] }],
  match_lines: [{ parameters: [[nobody], 'service'], before: lined }],
  assign_line: [
    { parameters: [nobody, campaign.active, reserved, false, 'service'], before: lined },
  ],
  parts_of_lines: [{ parameters: [[nobody]], before: divided }],
  allocate_line: [
    { parameters: [nobody, [campaign.active], [reserved], [150_500n], 'service'], before: lined },
  ],
  count_lines: [{ parameters: [[nobody], true, 'service'], before: divided }],
  find_statement_lines: [{ parameters: [[nobody]] }],
  allocated_together: [{ parameters: [nobody], before: divided }],
  newest_open_payments: [{ parameters: [10_000], before: opened }],
  newest_open_lines: [{ parameters: [till, 500] }],
  find_statement_line: [{ parameters: [nobody] }],
  ignore_line: [{ parameters: [nobody, 'why', 'service'], before: lined }],
  list_open_lines: [
    { parameters: [null, null, 21] },
    { when: 'a later page', parameters: ['2026-11-25', nobody, 21] },
  ],
  refunds_of_participation: [
    { parameters: [campaign.active, reserved] },
    { when: 'with a choice', parameters: [campaign.active, reserved], before: paidInTime },
  ],
  list_retained_refunds: [
    { parameters: [null, null, 51] },
    { when: 'a later page', parameters: [1_700_000_000_000_000, nobody, 51] },
  ],
  find_refund_owner: [{ parameters: [refund], before: refunded }],
  last_dispute: [{ parameters: [campaign.active, reserved] }],
  describe_participations: [{ parameters: [[reserved, confirmed]] }],
  measure_queues: [
    { parameters: [1_000, null] },
    { when: 'with a gateway', parameters: [1_000, 'midtrans'] },
  ],
  measure_work: [{ parameters: [10_000] }],
  list_overdue_payments: [
    { parameters: [null, null, 21] },
    { when: 'a later page', parameters: [1_700_000_000_000_000, nobody, 21] },
  ],
  list_made: [{ parameters: ['refund', 20] }],
  list_refunds: [
    { parameters: [false, null, null, 21, null] },
    { when: 'failed ones', parameters: [true, 1_700_000_000_000_000, nobody, 21, null] },
    { when: 'with a gateway', parameters: [false, null, null, 21, 'midtrans'] },
  ],
  find_refund: [{ parameters: [campaign.completed, refund], before: refunded }],
  settle_refunds: [{ parameters: [[refund], 'TRF', 'service'], before: refunded }],
  fail_refund: [{ parameters: [refund, 'why', 'service'], before: refunded }],
  reverse_refund: [
    {
      parameters: [refund, 'why', 'service'],
      before: `${refunded}; select sambatan.settle_ledger_entry('${refund}', 'refund', 'TRF', 'service')`,
    },
  ],
  list_overpaid_refunds: [
    { parameters: [null, null, 21] },
    { when: 'a later page', parameters: [1_700_000_000_000_000, nobody, 21] },
  ],
  settle_overpaid_refund: [{ parameters: [claim, 'TRF', 'service'], before: doubled }],
  write_off_overpaid_refund: [{ parameters: [claim, 'why', 'service'], before: doubled }],
  refund_by_provider: [
    { parameters: [refund, 'midtrans', 'SBT-R-1', 'system'], before: refunded },
    {
      when: 'it was made by hand',
      parameters: [refund, 'midtrans', 'SBT-R-1', 'system'],
      before: `${refunded}; select sambatan.settle_ledger_entry('${refund}', 'refund', 'TRF', 'service')`,
    },
  ],
  refunds_not_made: [{ parameters: [campaign.completed, 'SBT-an-order'], before: called }],
  list_payouts: [
    { parameters: [false, null, null, 21] },
    { when: 'those that may leave', parameters: [true, 1_700_000_000_000_000, nobody, 21] },
  ],
  list_payouts_of_brand: [
    { parameters: [brand, null, null, 21] },
    { when: 'the next page', parameters: [brand, 1_700_000_000_000_000, nobody, 21] },
  ],
  statement_of_campaign: [{ parameters: [campaign.completed], before: paidOut(1) }],
  release_payout: [{ parameters: [payout, 'service'], before: paidOut(150_000) }],
  settle_payout: [
    {
      parameters: [payout, 'TRF', 'service'],
      before: `${paidOut(1)}; select sambatan.release_payout('${payout}', 'service')`,
    },
  ],
  reverse_payout: [
    {
      parameters: [payout, 'why', 'service'],
      before: `${paidOut(1)}; select sambatan.release_payout('${payout}', 'service');
        select sambatan.settle_ledger_entry('${payout}', 'payout', 'TRF', 'service')`,
    },
  ],
  mark_pending: [{ parameters: [refund, 'refund', 'midtrans', 'r-1'], before: refunded }],
  mark_failed: [
    {
      parameters: [refund, 'refund', 'why'],
      before: `${refunded}; select sambatan.mark_pending('${refund}', 'refund', 'midtrans', 'r')`,
    },
  ],
  find_by_provider: [{ parameters: ['midtrans', 'r-1'] }],
  insert_gateway_call: [
    {
      parameters: [
        campaign.completed,
        'SBT-a-reference',
        refund,
        confirmed,
        'refund',
        'midtrans',
        'SBT-an-order',
        5n,
        60,
      ],
      before: refunded,
    },
  ],
  gateway_minutes_to_pay: [{ parameters: [soon] }],
  lock_payments_of_campaign: [{ parameters: [campaign.active] }],
  find_gateway_call: [{ parameters: ['SBT-a-reference'], before: called }],
  lock_gateway_call: [{ parameters: ['SBT-a-reference'], before: called }],
  find_live_gateway_call: [{ parameters: [campaign.completed, refund], before: called }],
  open_gateway_call: [{ parameters: ['SBT-a-reference', 'https://a.page'], before: called }],
  close_gateway_call: [{ parameters: ['SBT-a-reference', 'made'], before: called }],
  expedite_gateway_call: [{ parameters: ['SBT-a-reference'], before: called }],
  claim_gateway_calls: [{ parameters: ['midtrans', 4], before: called }],
  list_refunds_to_send: [{ parameters: ['midtrans', 4], before: called }],
  campaign_books: [{ parameters: [campaign.completed] }],
  mark_sums_due: [{ parameters: [campaign.completed, 7n] }],
  list_sums_due: [{ parameters: [100] }],
  lock_sums_due: [{ parameters: [campaign.completed] }],
  remove_sums_due: [{ parameters: [campaign.completed] }],
  read_sums: [{ parameters: [campaign.completed] }],
  newest_sums: [{ parameters: [campaign.completed] }],
  insert_sums: [
    {
      parameters: [campaign.completed, 1, 7n, digest, 0n, 0n, 0n, 0n, 0n, 0n, 'a signed note'],
    },
  ],
  insert_sum_leaves: [
    {
      parameters: [campaign.completed, 1, [confirmed], ['00'.repeat(32)], [0n]],
      before: sumsPublished,
    },
  ],
  sum_leaves: [{ parameters: [campaign.completed, 1] }],
  find_sum_leaf: [{ parameters: [campaign.completed, confirmed, 1] }],
  find_receipt: [{ parameters: [campaign.completed, confirmed] }],
  is_log_written: [{ parameters: [] }],
  event_key_of_notification: [{ parameters: [campaign.active, nobody] }],
  range_of_shortfall: [{ parameters: [campaign.completed] }],
  sum_shares: [{ parameters: [campaign.completed, 1], before: allOwed }],
  list_shares: [
    { parameters: [campaign.completed, 1, null, 51], before: allOwed },
    { when: 'a later page', parameters: [campaign.completed, 1, 3, 51], before: allOwed },
  ],
  declare_shortfall: [{ parameters: [campaign.completed, 1, 'why', 'service'], before: allOwed }],
  open_dispute: [
    { parameters: [campaign.completed, confirmed, nobody, 'why', 'service'], before: paid },
  ],
  resolve_dispute: [
    {
      parameters: [nobody, 'dismissed', 'why', 'service'],
      before: `${paid}; select sambatan.open_dispute('${campaign.completed}', '${confirmed}', '${nobody}',
        'why', 'service')`,
    },
  ],
  lock_open_dispute: [{ parameters: [campaign.completed, confirmed] }],
  add_dispute_picture: [
    {
      parameters: [campaign.completed, nobody, Buffer.from('picture')],
      before: `${paid}; select sambatan.open_dispute('${campaign.completed}', '${confirmed}', '${nobody}',
        'why', 'service')`,
    },
  ],
  find_dispute: [{ parameters: [nobody] }],
  find_dispute_picture: [{ parameters: [campaign.completed, nobody, 1] }],
  list_disputes: [
    { parameters: [null, null, 21] },
    { when: 'a later page', parameters: [1_700_000_000_000_000, nobody, 21] },
  ],
  earlier_decisions: [{ parameters: [[nobody]] }],
  ...lists(soon),
  summarize: [{ parameters: [] }],
};

/** Queries that only commands run, each with its command. They may read everything. */
const ofCommands: Record<string, string> = {
  verify_audit: 'sambatan audit verify',
  verify_log_trees: 'sambatan audit verify',
  log_checkpoints_of_campaign: 'sambatan audit verify',
  campaign_ids_after: 'sambatan audit verify',
  verify_access: 'sambatan audit verify',
  access_logs_after: 'sambatan audit verify',
  begin_backup: 'sambatan backup',
  finish_backup: 'sambatan backup',
  delete_backup: 'sambatan backup',
  applied_migrations: 'sambatan backup',
  server_version: 'sambatan backup and restore',
  connected_services: 'sambatan restore',
  own_schemas: 'sambatan restore',
  schema_is_there: 'sambatan restore',
  market_is_there: 'sambatan restore',
  restored_backup: 'sambatan restore',
  release_installation: 'sambatan release-hold',

  find_brands_named: 'npm run demo',
  find_other_brand: 'npm run demo',
  find_titles: 'npm run demo',
};

/** Queries that may read more rows than a page, because an index was created for them. */
const wide: Record<string, string> = {
  summarize: 'counts what is over from the index campaigns_over',
};

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly 'Query Text': string;
  readonly Plan: PlanNode;
}

function* nodes(plan: PlanNode): Generator<PlanNode> {
  yield plan;
  for (const child of plan.Plans ?? []) yield* nodes(child);
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').slice(0, 160);

/** What is wrong with the plan of a statement, or of a statement inside one of its functions. */
function faults({ 'Query Text': text, Plan: plan }: Explained, most: number): string[] {
  return [...nodes(plan)].flatMap((node) => {
    const name = node['Relation Name'] ?? node['Index Name'] ?? '';
    if (node['Node Type'] === 'Seq Scan' && large.includes(name)) {
      return [`a sequential scan of ${name} in: ${oneLine(text)}`];
    }
    const read =
      ((node['Actual Rows'] ?? 0) +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0)) *
      (node['Actual Loops'] ?? 1);
    return node['Node Type'].includes('Scan') && read > most
      ? [`${read} rows by ${node['Node Type']} of ${name} in: ${oneLine(text)}`]
      : [];
  });
}

let plans: Explained[] = [];
client.on('notice', ({ message = '' }) => {
  const start = message.indexOf('{');
  if (message.startsWith('duration:') && start > 0) {
    plans.push(JSON.parse(message.slice(start)) as Explained);
  }
});

const flush = { name: 'flush', text: 'select 1 as flushed' };

/**
 * The plans of a statement and of the statements inside its functions. They are run in the same way
 * as by the service.
 */
async function plansOf(name: string, text: string, values: unknown[] = []): Promise<Explained[]> {
  await client.query(flush);
  plans = [];
  await client.query({ name, text, values });
  // auto_explain reports a statement only when it has ended, and that is when the next one begins.
  await client.query(flush);
  return plans.filter(({ 'Query Text': query }) => query !== flush.text);
}

test('every query has a plan test here or belongs to a command', () => {
  const known = new Set([...Object.keys(cases), ...Object.keys(ofCommands)]);
  assert.deepEqual(
    allQueries()
      .map(({ name }) => name)
      .filter((name) => !known.has(name)),
    [],
  );
});

suite('on 100,000 campaigns and 1,000,000 participations', () => {
  test('the test data is created', async () => {
    const market = readFileSync(
      join(import.meta.dirname, '../support/database/large-market.sql'),
      'utf8',
    );
    await client.query(market);
    // Runs vacuum, as autovacuum does after some time, because index-only scans need it. Rows that
    // an older transaction may still see are not covered, so it is repeated.
    await waitUntil(async () => {
      await client.query('vacuum analyze');
      const { rows } = await client.query<{ all: boolean }>(
        `select relallvisible = relpages as all from pg_class
        where oid = 'sambatan.campaigns'::regclass`,
      );
      return rows[0]!.all;
    });
    const { rows } = await client.query<{ campaigns: string; participants: string }>(
      `select (select count(*) from sambatan.campaigns) as campaigns,
        (select count(*) from sambatan.participants) as participants`,
    );
    assert.deepEqual(rows, [{ campaigns: '100000', participants: '1000000' }]);
    await client.query(`load 'auto_explain'; set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
      set auto_explain.log_timing = off; set auto_explain.log_format = json;
      set auto_explain.log_level = notice; set search_path = ''; set jit = off; set work_mem = '4MB'`);
  });

  test('a query without an index fails the check', async () => {
    const bad = {
      test_no_index: "select count(*) from sambatan.participants where note = 'x'",
      test_clock:
        'select campaign_id from sambatan.campaigns where next_run_at < clock_timestamp()',
    };
    for (const [name, text] of Object.entries(bad)) {
      const [plan] = await plansOf(name, text);
      assert.notDeepEqual(faults(plan!, 1_000), [], name);
    }
  });

  for (const mode of ['force_generic_plan', 'force_custom_plan']) {
    for (const [name, of] of Object.entries(cases)) {
      for (const { when, parameters, before } of of) {
        test(`${name}${when === undefined ? '' : ` (${when})`}, ${mode}`, async () => {
          const text = allQueries().find((statement) => statement.name === name)?.text;
          assert.ok(text !== undefined, 'there is no such query');
          await client.query(`begin; set local plan_cache_mode = ${mode}`);
          try {
            if (before !== undefined) await client.query(before);
            const explained = await plansOf(name, text, [...parameters]);
            assert.ok(explained.length > 0, 'nothing was explained');
            const most = name in wide ? Infinity : mostRows;
            assert.deepEqual(
              explained.flatMap((plan) => faults(plan, most)),
              [],
            );
          } finally {
            await client.query('rollback');
          }
        });
      }
    }
  }
});
