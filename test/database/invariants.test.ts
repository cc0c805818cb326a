import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findViolations, invariantCount } from '../../src/database/invariants.ts';
import type { Tx } from '../../src/database/transaction.ts';
import { newId } from '../../src/identity/ids.ts';
import { updateCampaign } from '../support/database/campaign-update.ts';
import { testDatabase } from '../support/database/database.ts';
import { createLogWriter } from '../support/builders/public-log.ts';
import {
  queryRows,
  joinSuccessfully,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  pastDeadline,
  campaignState,
  joinWaitingList,
  joinRequest,
} from '../support/builders/market.ts';

const { db, url, close } = await testDatabase();
after(close);

const directory = join(import.meta.dirname, '../../sql/invariants');
const invariants = readdirSync(directory)
  .sort()
  .map((file) => ({
    name: file.replace(/\.sql$/, ''),
    text: readFileSync(join(directory, file), 'utf8'),
  }));

/** Campaigns of different kinds. All their data comes from the real functions. */
const market = await createBrandAndProduct(db);
const campaigns: Record<string, string> = {};
const settle = (id: string, completeFull = false) =>
  queryRows(db, 'select sambatan.settle_campaign($1, $2, 1000)', id, completeFull);
const release = (id: string, participation: string) =>
  queryRows(
    db,
    "select sambatan.release_participation($1, $2, 'buyer', 'service')",
    id,
    participation,
  );
const confirm = (id: string, participation: string) =>
  queryRows(
    db,
    "select sambatan.confirm_participation($1, $2, 'service', 'BCA')",
    id,
    participation,
  );

/** An open campaign with one cancelled, one confirmed and two reserved participations. */
async function livelyCampaign(
  wanted: Parameters<typeof createTestCampaign>[2] = {},
): Promise<string> {
  const id = await createTestCampaign(db, market, { minimumSlots: 3, ...wanted });
  const [first, second] = await joinSuccessfully(
    db,
    joinRequest(id, { quantity: 2 }),
    joinRequest(id, { quantity: 3, key: 'a' }),
    joinRequest(id, { key: 'b' }),
    joinRequest(id),
  );
  await release(id, first!);
  await confirm(id, second!);
  return id;
}

/**
 * A campaign of ten slots with a waiting list. Three slots are offered and one is free, which is
 * too little for two of the waiting entries. The first of them was overtaken as often as is
 * allowed. A third entry waits behind them.
 */
async function waitedFor(): Promise<string> {
  const id = await createTestCampaign(db, market, { totalSlots: 10 });
  const wishes = [
    joinRequest(id, { quantity: 6 }),
    joinRequest(id),
    joinRequest(id),
    joinRequest(id),
    joinRequest(id),
  ];
  const [, ...singles] = await joinSuccessfully(db, ...wishes);
  await joinWaitingList(db, id, 5);
  await joinWaitingList(db, id, 4);
  for (const single of singles.slice(0, 3)) {
    await joinWaitingList(db, id);
    await release(id, single!);
  }
  await joinWaitingList(db, id);
  await release(id, singles[3]!);
  return id;
}

/** A completed campaign. One statement line has paid an order, and another line is still open. */
async function paidByTransfer(): Promise<string> {
  const id = await livelyCampaign({ pricePerSlot: 50_000n });
  await letTimePass(db, id, pastDeadline);
  await settle(id);
  const [till, paying, waiting] = [newId(), newId(), newId()];
  await queryRows(
    db,
    `with a as (insert into sambatan.receiving_accounts (account_id, bank, number, holder)
      values ($1, 'BCA', '5270099001', 'PT Sambatan'))
    insert into sambatan.statement_lines (line_id, account_id, fingerprint, booked_on, amount,
      description, imported_by, imported_at)
    select u.line_id, $1, sha256(u.line_id::text::bytea), current_date, u.amount, 'TRSF', 'service',
      now()
    from unnest($2::uuid[], $3::bigint[]) as u (line_id, amount)`,
    till,
    [paying, waiting],
    [151_000, 40_000],
  );
  const parts = `select sambatan.allocate_line(l.line_id, array[p.campaign_id],
      array[p.participation_id], array[l.amount - 1000], 'service')
    from sambatan.statement_lines l, (select * from sambatan.participants
      where campaign_id = $1 and quantity = 3 and status = 'confirmed' limit 1) p
    where l.account_id = $2`;
  await queryRows(db, parts, id, till);
  await queryRows(db, "select sambatan.count_lines(array[$1::uuid], false, 'service')", paying);
  return id;
}

/**
 * Two buyers paid in time, but their payments were found when other buyers had their slots. One has
 * got slots for the money since then. The money of the other still waits for slots.
 */
async function withKeptMoney(): Promise<string> {
  const id = await createTestCampaign(db, market, { totalSlots: 2, paymentTiming: 'upfront' });
  const lapsed = await joinSuccessfully(db, joinRequest(id), joinRequest(id));
  await queryRows(
    db,
    `with h as (update sambatan.participants set hold_expires_at = now() where campaign_id = $1)
    update sambatan.campaign_states set next_run_at = now() where campaign_id = $1`,
    id,
  );
  await settle(id);
  const [leaver] = await joinSuccessfully(db, joinRequest(id), joinRequest(id));
  for (const buyer of lapsed) {
    await queryRows(
      db,
      `select sambatan.receive_money($1, $2::uuid, 125000, 'service', null, 'seen:' || $2::uuid,
        now() - interval '1 day')`,
      id,
      buyer,
    );
  }
  await queryRows(
    db,
    `select sambatan.wait_with_retained_refund(campaign_id, transaction_id, gen_random_uuid(), 'service')
    from sambatan.transactions where campaign_id = $1 and paid_in_time is not null`,
    id,
  );
  await release(id, leaver!);
  return id;
}

/** A campaign whose log has a full tile, and checkpoints of several sizes. */
async function longLog(): Promise<string> {
  const id = await createTestCampaign(db, market, { totalSlots: 1_000 });
  const { writer } = createLogWriter(db);
  await writer.drain();
  for (const count of [100, 200]) {
    await joinSuccessfully(db, ...Array.from({ length: count }, () => joinRequest(id)));
    await writer.drain();
  }
  return id;
}

async function makeHistory(): Promise<void> {
  campaigns['with kept money'] = await withKeptMoney();
  campaigns['paid by transfer'] = await paidByTransfer();
  campaigns['draft'] = await createTestCampaign(db, market, { publish: false });
  campaigns['scheduled'] = await createTestCampaign(db, market, {
    opensAt: new Date(Date.now() + 60_000),
  });
  campaigns['long log'] = await longLog();
  campaigns['active'] = await livelyCampaign();
  campaigns['full'] = await createTestCampaign(db, market, { totalSlots: 2 });
  await joinSuccessfully(db, joinRequest(campaigns['full'], { quantity: 2 }));
  campaigns['reopened'] = await createTestCampaign(db, market, { totalSlots: 2 });
  const [leaver] = await joinSuccessfully(db, joinRequest(campaigns['reopened'], { quantity: 2 }));
  await release(campaigns['reopened'], leaver!);
  campaigns['waited for'] = await waitedFor();
  campaigns['completed'] = await livelyCampaign({ pricePerSlot: 33_333n });
  campaigns['completed upfront'] = await livelyCampaign({ paymentTiming: 'upfront' });
  campaigns['failed'] = await livelyCampaign({ minimumSlots: 9 });
  for (const name of ['completed', 'completed upfront', 'failed']) {
    await letTimePass(db, campaigns[name]!, pastDeadline);
    await settle(campaigns[name]!);
  }
  campaigns['cancelled'] = await livelyCampaign();
  campaigns['closing'] = await livelyCampaign();
  for (const name of ['cancelled', 'closing']) {
    await queryRows(db, "select sambatan.cancel_campaign($1, 'batal', 'service')", campaigns[name]);
  }
  await settle(campaigns['cancelled']);
  await queryRows(db, 'select sambatan.settle_campaign($1, false, 1)', campaigns['closing']);
  // The id of an account can be any uuid. The account gets the id of a campaign, so that a
  // corruption can refer to it.
  for (const event of ['code_requested', 'signed_in', 'signed_out']) {
    const account = campaigns['active'];
    await queryRows(db, "select sambatan.record_access($1, $2, '', 'Chrome')", account, event);
  }
  const [received] = await queryRows<{ id: string }>(
    db,
    `select participation_id as id from sambatan.participants p
    join sambatan.transactions t using (campaign_id, participation_id)
    where campaign_id = $1 and p.status = 'confirmed' and t.kind = 'payment'
      and t.status = 'settled' limit 1`,
    campaigns['completed'],
  );
  await queryRows(
    db,
    "select sambatan.fulfil_participation($1, $2, 'service')",
    campaigns['completed'],
    received!.id,
  );
  await createLogWriter(db).writer.drain();
}
before(makeHistory);

test('no invariant reports a valid history', async () => {
  const states = await Promise.all(Object.values(campaigns).map((id) => campaignState(db, id)));
  const reached = new Set(states.map(({ status }) => status));
  assert.deepEqual([...reached].sort(), [
    'active',
    'cancelled',
    'draft',
    'expired',
    'fulfilled',
    'locked',
    'scheduled',
  ]);
  assert.deepEqual(await findViolations(url), []);
  assert.equal(invariantCount(), invariants.length);
});

const isUndone = new Error('the test is over');

/** Runs a statement without the rules of the schema, then the invariants, and rolls back. */
async function corrupted(statement: string, id: string, look: (tx: Tx) => Promise<void>) {
  const attempt = db.transaction(async (tx) => {
    await queryRows(
      tx,
      `do $$
      declare
        r record;
      begin
        for r in select conrelid::regclass as relation, conname from pg_constraint
          where connamespace = 'sambatan'::regnamespace and (contype in ('f', 'c', 'u')
            or contype = 'p' and conrelid not in ('sambatan.campaign_details'::regclass,
              'sambatan.campaign_states'::regclass))
          order by contype = 'f' desc
        loop
          execute format('alter table %s drop constraint if exists %I cascade',
            r.relation, r.conname);
        end loop;
        drop index sambatan.idempotency_keys_one_participation;
        for r in select oid::regclass as relation from pg_class where relkind = 'r'
          and relnamespace in ('sambatan'::regnamespace, 'sambatan_auth'::regnamespace)
        loop
          execute format('alter table %s disable trigger user', r.relation);
        end loop;
      end $$`,
    );
    await queryRows(tx, statement, ...(statement.includes('$1') ? [id] : []));
    await look(tx);
    throw isUndone;
  });
  await assert.rejects(attempt, isUndone);
}

/** Adds an expression of the WITH clause to a statement. */
const together = (expression: string, statement: string): string =>
  statement.startsWith('with ')
    ? statement.replace('with ', `with ${expression}, `)
    : `with ${expression} ${statement}`;

const livingWorker = `w as (insert into sambatan.workers (worker_id, started_at, seen_at)
    values (gen_random_uuid(), now() - interval '5 minutes', now()))`;

const one = (status: string) =>
  `participation_id = (select participation_id from sambatan.participants
    where campaign_id = $1 and status = '${status}' limit 1)`;

/** Changes the second row of the audit log of a campaign. */
const ofLog = (set: string) =>
  `update sambatan.audit_logs ${set} where campaign_id = $1 and seq = 2`;

const last = `entry_id = (select entry_id from sambatan.waiting_entries where campaign_id = $1
    order by position desc limit 1)`;

/** For each invariant, statements that violate it, with the campaign that they change. */
const corruptions: Record<string, Record<string, [campaign: string, statement: string]>> = {
  '01_counters': {
    'a slot too many in filled_slots': [
      'active',
      updateCampaign('filled_slots = filled_slots + 1'),
    ],
    'a slot too few in confirmed_slots': [
      'active',
      updateCampaign('confirmed_slots = confirmed_slots - 1'),
    ],
    'a participation too many in participant_count': [
      'active',
      updateCampaign('participant_count = 9'),
    ],
    'a participation that nobody counted': [
      'active',
      `insert into sambatan.participants
      (campaign_id, participation_id, user_id, quantity, joined_at, updated_at, shipping_address,
        joined_seq)
      values ($1, gen_random_uuid(), gen_random_uuid(), 1, now(), now(), 'Jalan Melati 5', 1)`,
    ],
    'more slots taken than there are': [
      'full',
      together(
        'p as (update sambatan.participants set quantity = 3 where campaign_id = $1)',
        updateCampaign('filled_slots = 3'),
      ),
    ],
    'taken slots that no event has': [
      'active',
      'update sambatan.campaign_states set logged_slots = 0 where campaign_id = $1',
    ],
    'slots of a draft': ['draft', updateCampaign('filled_slots = 1')],
  },
  '02_full_is_full': {
    'an active campaign without a free slot': ['full', updateCampaign(`status = 'active'`)],
    'a full campaign with a free slot': ['active', updateCampaign(`status = 'locked'`)],
    'a status that only one of the two tables has': [
      'draft',
      `update sambatan.campaign_states set status = 'scheduled' where campaign_id = $1`,
    ],
    'a total that only one of the two tables has': [
      'active',
      'update sambatan.campaign_details set total_slots = total_slots + 1 where campaign_id = $1',
    ],
    'a campaign without its counters': [
      'draft',
      'delete from sambatan.campaign_states where campaign_id = $1',
    ],
  },
  '03_final_campaigns_are_settled': {
    'a reservation left in a completed campaign': [
      'completed',
      `update sambatan.participants
      set status = 'pending_payment' where campaign_id = $1 and ${one('confirmed')}`,
    ],
    'a reservation left in a failed campaign': [
      'failed',
      `update sambatan.participants
      set status = 'pending_payment' where campaign_id = $1 and ${one('refunded')}`,
    ],
    'a confirmed participation in a cancelled campaign': [
      'cancelled',
      `update
      sambatan.participants set status = 'confirmed' where campaign_id = $1
      and ${one('refunded')}`,
    ],
    'goods received of a failed campaign': [
      'failed',
      `update sambatan.participants
      set status = 'fulfilled' where campaign_id = $1 and ${one('refunded')}`,
    ],
  },
  '04_audit_replays': {
    'a status without its event': ['draft', updateCampaign(`status = 'active'`)],
    'an event that is not in the log': [
      'full',
      `delete from sambatan.audit_logs
      where campaign_id = $1 and event = 'campaign_full'`,
    ],
    'a participation confirmed in silence': [
      'active',
      `update sambatan.participants
      set status = 'confirmed' where campaign_id = $1 and ${one('pending_payment')}`,
    ],
    'a participation of another size than was joined': [
      'active',
      `update sambatan.participants
      set quantity = quantity + 1 where campaign_id = $1 and ${one('pending_payment')}`,
    ],
    'a participation that the log does not know': [
      'draft',
      `insert into sambatan.participants
      (campaign_id, participation_id, user_id, quantity, joined_at, updated_at, shipping_address,
        joined_seq)
      values ($1, gen_random_uuid(), gen_random_uuid(), 1, now(), now(), 'Jalan Melati 5', 1)`,
    ],
    'a participation that the log knows and nobody else': [
      'active',
      `delete from
      sambatan.participants where campaign_id = $1 and ${one('pending_payment')}`,
    ],
    'a participation whose event has another number': [
      'active',
      `update sambatan.participants set joined_seq = joined_seq + 1 where campaign_id = $1
      and ${one('confirmed')}`,
    ],
    'a counter that the log does not give': [
      'active',
      updateCampaign('filled_slots = filled_slots - 1'),
    ],
    'an offer that is not in the log': [
      'waited for',
      `delete from sambatan.audit_logs where campaign_id = $1 and seq = (select max(seq)
        from sambatan.audit_logs where campaign_id = $1 and event = 'waiting_offered')`,
    ],
    'a waiting entry declined in silence': [
      'waited for',
      `update sambatan.waiting_entries set status = 'declined'
      where campaign_id = $1 and status = 'offered'`,
    ],
    'a waiting entry of another size': [
      'waited for',
      `update sambatan.waiting_entries set quantity = quantity + 1
      where campaign_id = $1 and overtaken > 0`,
    ],
    'a waiting entry that went ahead of its turn': [
      'waited for',
      `update sambatan.waiting_entries set position = 1 where campaign_id = $1 and ${last}`,
    ],
    'slots kept for nobody': ['active', updateCampaign('reserved_slots = 1')],
    'slots that were never there': ['active', updateCampaign('total_slots = total_slots + 1')],
  },
  '05_books_balance': {
    'a refund that was never made': [
      'failed',
      `delete from sambatan.transactions
      where campaign_id = $1 and kind = 'refund'`,
    ],
    'a refund of less than was paid': [
      'cancelled',
      `update sambatan.transactions
      set amount = amount - 1 where campaign_id = $1 and kind = 'refund'`,
    ],
    'a refund made twice': [
      'failed',
      `insert into sambatan.transactions (campaign_id, kind, status,
        participation_id, amount, cause, actor, created_at)
      select campaign_id, kind, status, participation_id, amount, cause || ':2', actor, created_at
      from sambatan.transactions where campaign_id = $1 and kind = 'refund'`,
    ],
    'a refund sent twice, without a claim': [
      'failed',
      `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
        cause, actor, created_at, settled_at)
      select campaign_id, kind, 'settled', participation_id, amount, 'duplicate:2', actor, now(),
        now()
      from sambatan.transactions where campaign_id = $1 and kind = 'refund'`,
    ],
    'a claim for what was sent once': [
      'failed',
      `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
        cause, actor, created_at, purpose)
      select campaign_id, 'adjustment', 'due', participation_id, amount, 'overpaid:2', actor, now(),
        'overpaid_refund'
      from sambatan.transactions where campaign_id = $1 and kind = 'refund'`,
    ],
    'a payment settled after the refunds were made': [
      'failed',
      `insert into sambatan.transactions
        (campaign_id, kind, status, participation_id, amount, cause, actor, created_at, settled_at)
      select campaign_id, 'payment', 'settled', participation_id, 5, 'payment:2', actor, now(),
        now()
      from sambatan.transactions where campaign_id = $1 and kind = 'refund'`,
    ],
    'a payout of a rupiah too much': [
      'completed',
      `update sambatan.transactions
      set amount = amount + 1 where campaign_id = $1 and kind = 'payout'`,
    ],
    'a second payout': [
      'completed',
      `insert into sambatan.transactions (campaign_id, kind, status,
        amount, cause, actor, created_at)
      select campaign_id, kind, status, amount, 'payout:2', actor, created_at
      from sambatan.transactions where campaign_id = $1 and kind = 'payout'`,
    ],
    'a payout that is missing': [
      'completed',
      `delete from sambatan.transactions
      where campaign_id = $1 and kind = 'payout'`,
    ],
    'more paid out than came in': [
      'completed',
      `update sambatan.transactions
      set status = 'settled', settled_at = now() where campaign_id = $1 and kind = 'payout'`,
    ],
    'a code that was received and is in no payment': [
      'completed',
      `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
        cause, actor, created_at, settled_at, purpose)
      select campaign_id, 'adjustment', 'settled', participation_id, 37, 'code', 'service', now(),
        now(), 'unique_code'
      from sambatan.transactions where campaign_id = $1 and kind = 'payment' limit 1`,
    ],
    'money that was credited and is due back to nobody': [
      'failed',
      `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
        cause, actor, created_at, settled_at, purpose)
      select campaign_id, 'adjustment', 'settled', participation_id, 5000, 'credit:x', 'service',
        now(), now(), 'credit'
      from sambatan.transactions where campaign_id = $1 and kind = 'refund' limit 1`,
    ],
    'slots that are not delivered and not refunded': [
      'completed',
      `update sambatan.participants set undelivered_slots = 1
      where campaign_id = $1 and ${one('confirmed')}`,
    ],
    'a refund to somebody who never paid': [
      'active',
      `with paid as (select participation_id, amount from sambatan.transactions
        where campaign_id = $1 and kind = 'payment')
      update sambatan.transactions t set participation_id = (select participation_id
          from sambatan.participants where campaign_id = $1 and status = 'pending_payment' limit 1),
        kind = 'refund', status = 'due', settled_at = null, cause = 'refund:x'
      where t.campaign_id = $1 and t.kind = 'payment'`,
    ],
    'a surcharge that is not in the books': [
      'active',
      `update sambatan.transactions set surcharge = 5 where campaign_id = $1 and kind = 'payment'`,
    ],
    'a payout of a campaign that is still open': [
      'active',
      `insert into sambatan.transactions
      (campaign_id, kind, status, amount, cause, actor, created_at)
      values ($1, 'payout', 'due', 1, 'payout', 'system', now())`,
    ],
  },
  '06_deadlines_are_kept': {
    'a campaign that a living worker leaves open': [
      'active',
      together(livingWorker, updateCampaign(`deadline = now() - interval '15 seconds'`)),
    ],
    'a campaign that waits for payments longer than it may': [
      'active',
      together(
        livingWorker,
        updateCampaign(`status = 'verifying', verifying_at = now() - interval '1 hour', filled_at = null,
        deadline = now() - verification_seconds * interval '1 second' - interval '15 seconds'`),
      ),
    ],
    'a closing that is never finished': [
      'closing',
      together(livingWorker, updateCampaign(`deadline = now() - interval '2 minutes'`)),
    ],
  },
  '07_one_participation_per_key': {
    'one participation of two keys': [
      'active',
      `update sambatan.idempotency_keys set
      participation_id = (select participation_id from sambatan.idempotency_keys
        where campaign_id = $1 and key = 'a') where campaign_id = $1 and key = 'b'`,
    ],
    "a key that names another buyer's participation": [
      'active',
      `update sambatan.idempotency_keys
      set participation_id = (select participation_id from sambatan.participants
        where campaign_id = $1 and ${one('cancelled')})
      where campaign_id = $1 and key = 'b'`,
    ],
    'a key that names a participation that is not there': [
      'active',
      `update
      sambatan.idempotency_keys set participation_id = gen_random_uuid()
      where campaign_id = $1 and key = 'b'`,
    ],
  },
  '08_audit_log_is_whole': {
    'a row that was changed': ['active', ofLog('set total_slots = total_slots + 1')],
    'an actor who was replaced': ['active', ofLog(`set actor_kind = 'system', actor_id = null`)],
    'a time that was changed': ['active', ofLog(`set occurred_at = occurred_at + interval '1 us'`)],
    'another quantity in the metadata': ['active', ofLog(`set metadata = '{"quantity": 9}'`)],
    'a commitment that was replaced': ['active', ofLog(`set commitment = sha256('')`)],
    'a hash that was replaced': ['active', ofLog(`set leaf_hash = sha256('')`)],
    'slots that do not follow': [
      'active',
      `update sambatan.audit_logs set slots = slots + 1, leaf_hash = sambatan.leaf_hash(
        sambatan.public_record(seq, occurred_at, event, slots + 1, slots_taken, total_slots,
          price_per_slot, commitment))
      where campaign_id = $1 and seq = 2`,
    ],
    'a checkpoint with another root': [
      'active',
      `update sambatan.log_checkpoints set root = sha256('') where campaign_id = $1`,
    ],
    'an older checkpoint with another root': [
      'long log',
      `update sambatan.log_checkpoints set root = sha256('') where campaign_id = $1 and size = 1`,
    ],
    'a signed record that was removed': [
      'active',
      `with s as (update sambatan.campaign_states set audit_seq = audit_seq - 1
        where campaign_id = $1 returning audit_seq)
      delete from sambatan.audit_logs where campaign_id = $1 and seq > (select audit_seq from s)`,
    ],
    'a stored tree of another log': [
      'active',
      `update sambatan.log_trees set subtrees = overlay(subtrees placing sha256('') from 1)
      where campaign_id = $1`,
    ],
    'a tree without its checkpoint': [
      'active',
      'delete from sambatan.log_checkpoints where campaign_id = $1',
    ],
    'a tile with another root': [
      'long log',
      `update sambatan.log_tiles set root = sha256('') where campaign_id = $1`,
    ],
    'a tile with another hash': [
      'long log',
      `update sambatan.log_tiles set hashes = set_byte(hashes, 99, get_byte(hashes, 99) # 1)
      where campaign_id = $1`,
    ],
    'a salt that was replaced': [
      'active',
      `update sambatan.participants set salt = sambatan.new_salt() where campaign_id = $1
      and ${one('confirmed')}`,
    ],
    'a salt of the campaign that was replaced': [
      'draft',
      updateCampaign('log_salt = sambatan.new_salt()'),
    ],
    'a row that was removed': [
      'completed',
      'delete from sambatan.audit_logs where campaign_id = $1 and seq = 4',
    ],
    'an end that was moved': ['full', updateCampaign('audit_seq = audit_seq - 1')],
  },
  '09_offers_are_kept': {
    'an offered slot that strangers may join': [
      'waited for',
      updateCampaign('reserved_slots = reserved_slots - 1'),
    ],
    'somebody who waits and is not counted': [
      'waited for',
      updateCampaign('waiting_entries = waiting_entries - 1'),
    ],
    'an offer of slots that are taken': [
      'waited for',
      `update sambatan.waiting_entries set quantity = 9 where campaign_id = $1
      and status = 'offered'`,
    ],
  },
  '10_waiting_is_fair': {
    'somebody overtaken once too often': [
      'waited for',
      `update sambatan.waiting_entries set overtaken = 4 where campaign_id = $1
      and overtaken = 3`,
    ],
    'an overtaking that nobody counted': [
      'waited for',
      `update sambatan.waiting_entries set overtaken = 2 where campaign_id = $1
      and overtaken = 3`,
    ],
    'a free slot withheld from the first who fits': [
      'waited for',
      `update sambatan.waiting_entries set status = 'withdrawn' where campaign_id = $1
      and overtaken = 3`,
    ],
  },
  '11_waiting_ends_with_its_campaign': {
    'somebody who waits for a campaign that failed': [
      'waited for',
      updateCampaign(`status = 'expired'`),
    ],
  },
  '12_access_log_is_whole': {
    'a row that was changed': [
      'active',
      `update sambatan_auth.access_log set browser = 'Edge' where user_id = $1 and seq = 2`,
    ],
    'a first row that was removed': [
      'active',
      'delete from sambatan_auth.access_log where user_id = $1 and seq = 1',
    ],
    'a row in the middle that was removed': [
      'active',
      'delete from sambatan_auth.access_log where user_id = $1 and seq = 2',
    ],
    'a last row that was removed': [
      'active',
      'delete from sambatan_auth.access_log where user_id = $1 and seq = 3',
    ],
    'a log that was removed': ['active', 'delete from sambatan_auth.access_log where user_id = $1'],
    'a head that was removed': [
      'active',
      'delete from sambatan_auth.access_heads where user_id = $1',
    ],
    'a head that was moved': [
      'active',
      'update sambatan_auth.access_heads set seq = seq + 1 where user_id = $1',
    ],
    'a head that says another hash': [
      'active',
      "update sambatan_auth.access_heads set hash = sha256('x') where user_id = $1",
    ],
  },
  '13_pay_by_is_in_time': {
    'a buyer who is told to pay after the deadline': [
      'active',
      `insert into sambatan.transactions (campaign_id, kind, participation_id, amount, cause, actor,
        created_at, pay_by)
      select campaign_id, 'payment', participation_id, 1, 'payment:' || participation_id, 'system',
        now(), now() + interval '2 hours'
      from sambatan.participants where campaign_id = $1 and status = 'pending_payment' limit 1`,
    ],
    'a buyer who is told to pay after the grace': [
      'completed',
      `update sambatan.transactions set pay_by = pay_by + interval '1 second'
      where campaign_id = $1 and kind = 'payment' and status = 'due'`,
    ],
  },
  '14_money_has_an_order': {
    'a payment that is about nothing': [
      'completed',
      `update sambatan.transactions set participation_id = gen_random_uuid()
      where campaign_id = $1 and kind = 'payment' and status = 'due'`,
    ],
  },
  '15_statement_lines_add_up': {
    'a counted line of which a rupiah is for nobody': [
      'paid by transfer',
      `update sambatan.statement_line_parts set amount = amount - 1
      where campaign_id = $1 and outcome is not null`,
    ],
    'a line that is for more than it brought': [
      'paid by transfer',
      `update sambatan.statement_line_parts set amount = 40001
      where campaign_id = $1 and outcome is null`,
    ],
    'a line that waits and was counted': [
      'paid by transfer',
      `update sambatan.statement_line_parts set outcome = 'known', receipt = 'line:x'
      where campaign_id = $1 and outcome is null`,
    ],
    'an open line that somebody has divided': [
      'paid by transfer',
      `update sambatan.statement_lines set status = 'unmatched' where status = 'allocated'`,
    ],
    'another sum in the books than on the statement': [
      'paid by transfer',
      `update sambatan.transactions set amount = amount + 1
      where campaign_id = $1 and purpose = 'credit'`,
    ],
  },
  '16_kept_money': {
    'a refund that was sent although its money is kept': [
      'with kept money',
      `update sambatan.transactions set status = 'settled', settled_at = now()
      where campaign_id = $1 and kind = 'refund' and status = 'due'`,
    ],
    'another sum kept than is to be refunded': [
      'with kept money',
      `update sambatan.waiting_entries set kept_amount = kept_amount + 1
      where campaign_id = $1 and status = 'waiting'`,
    ],
    'slots that were given and not paid': [
      'with kept money',
      `update sambatan.transactions t set status = 'void', settled_at = null
      from sambatan.waiting_entries w where w.campaign_id = $1 and w.status = 'accepted'
        and t.campaign_id = w.campaign_id and t.cause = 'payment:' || w.participation_id`,
    ],
    'kept money that pays and is refunded as well': [
      'with kept money',
      `update sambatan.transactions t set status = 'due'
      from sambatan.waiting_entries w where w.campaign_id = $1 and w.status = 'accepted'
        and t.campaign_id = w.campaign_id and t.transaction_id = w.refund_id`,
    ],
  },
  '17_sums_are_published': {
    'a released payout without a sum checkpoint': [
      'completed upfront',
      `with n as (insert into sambatan.notification_cursors as n (campaign_id, seq)
        select campaign_id, audit_seq from sambatan.campaign_states where campaign_id = $1)
      update sambatan.transactions set released_at = now() where campaign_id = $1
      and kind = 'payout'`,
    ],
  },
};

test('every invariant has a corruption that it must find', () => {
  assert.deepEqual(
    Object.keys(corruptions),
    invariants.map(({ name }) => name),
  );
});

for (const { name, text } of invariants) {
  for (const [what, [campaign, statement]] of Object.entries(corruptions[name] ?? {})) {
    test(`${name} finds ${what}`, async () => {
      const id = campaigns[campaign]!;
      await corrupted(statement, id, async (tx) => {
        const found = await queryRows<{ campaign_id?: string; user_id?: string }>(tx, text);
        assert.ok(found.length > 0, 'it found nothing');
        assert.ok(found.every((row) => (row.campaign_id ?? row.user_id) === id));
      });
    });
  }
}

test('a deadline that passed while no worker ran is not a violation', async () => {
  const text = invariants.find(({ name }) => name === '06_deadlines_are_kept')!.text;
  const late = updateCampaign(`deadline = now() - interval '1 hour'`);
  await corrupted(late, campaigns['active']!, async (tx) => {
    assert.deepEqual(await queryRows(tx, text), []);
    await queryRows(
      tx,
      `insert into sambatan.workers (worker_id, started_at, seen_at)
      values (gen_random_uuid(), now() - interval '1 hour', now() - interval '1 minute')`,
    );
    assert.deepEqual(await queryRows(tx, text), []);
  });
});

test('the database is consistent again after each corruption test', async () => {
  assert.deepEqual(await findViolations(url), []);
});
