import { updateCampaign } from '../support/database/campaign-update.ts';
import { participationStatuses, toDbParticipationStatus } from '../../src/database/status-words.ts';
import { campaignStatuses, toDbStatus } from '../../src/database/status-words.ts';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import pg from 'pg';
import { auditEvents, waitingEvents } from '../../src/audit/events.ts';
import { paymentTimings } from '../../src/campaigns/campaign.ts';
import { readMigrations } from '../../src/database/migrate.ts';
import { brandRoles } from '../../src/identity/policy.ts';
import { newId } from '../../src/identity/ids.ts';
import { waitingAfter, waitingStatuses } from '../../src/waiting/status.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';

const { url, db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);
const campaignId = await createTestCampaign(db, market, { totalSlots: 10 });
const [participationId] = await joinSuccessfully(
  db,
  joinRequest(campaignId, { quantity: 2, key: 'a key' }),
);
await queryRows(
  db,
  `select sambatan.confirm_participation($1, $2, 'service')`,
  campaignId,
  participationId,
);

/** Every table and view in the schemas of the service, with the name of its schema. */
const relations = await queryRows<{ name: string; isTable: boolean; isSecured: boolean }>(
  db,
  `select format('%I.%I', nspname, relname) as name, relkind in ('r', 'p') as "isTable",
    relrowsecurity as "isSecured"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where nspname in ('sambatan', 'sambatan_auth') and relkind in ('r', 'p', 'v', 'm', 'f')
  order by 1`,
);

const functionsOf = (client: pg.Client) =>
  client.query<{ oid: number; name: string; source: string }>(
    `select p.oid::integer as oid, p.proname as name,
      case p.prokind when 'a' then to_jsonb(a)::text else pg_get_functiondef(p.oid) end as source
    from pg_proc p left join pg_aggregate a on a.aggfnoid = p.oid
    where pronamespace = 'sambatan'::regnamespace order by p.proname`,
  );

/** Runs a function with a separate connection, in a transaction that is rolled back. */
async function undone<T>(run: (client: pg.Client) => Promise<T>, on = url): Promise<T> {
  const client = new pg.Client({ connectionString: on });
  await client.connect();
  try {
    await client.query('begin');
    return await run(client);
  } finally {
    await client.query('rollback');
    await client.end();
  }
}

/** The SQLSTATE with which a statement is refused; undefined if the database accepts it. */
async function refusalOf(statement: string, ...values: unknown[]): Promise<string | undefined> {
  return await undone(async (client) => {
    try {
      await client.query(statement, values);
      return undefined;
    } catch (error) {
      if (error instanceof pg.DatabaseError) return error.constraint ?? error.code;
      throw error;
    }
  });
}

suite('migrations', () => {
  test('equal what scripts/baseline.js writes from sql/schema and sql/functions', (t) => {
    const written = mkdtempSync(join(tmpdir(), 'sambatan-baseline-'));
    t.after(() => rmSync(written, { recursive: true, force: true }));
    const root = join(import.meta.dirname, '../..');
    const migrations = join(root, 'supabase/migrations');
    cpSync(migrations, written, { recursive: true });
    execFileSync(process.execPath, [join(root, 'scripts/baseline.js'), '--directory', written]);
    assert.deepEqual(readdirSync(migrations).toSorted(), readdirSync(written).toSorted());
    for (const file of readdirSync(written)) {
      assert.equal(
        readFileSync(join(migrations, file), 'utf8'),
        readFileSync(join(written, file), 'utf8'),
        `${file}: run node scripts/baseline.js`,
      );
    }
  });

  test('are plain SQL that a simple transaction applies without our runner', async (t) => {
    const bare = await testDatabase({ empty: true });
    t.after(() => bare.close());
    const client = new pg.Client({ connectionString: bare.url });
    await client.connect();
    for (const { sql } of readMigrations()) {
      assert.doesNotMatch(sql, /^\\/m, 'no commands of psql');
      assert.doesNotMatch(sql, /\bconcurrently\b|^\s*(begin|commit)\s*;/im);
      // Without a search path the migration cannot depend on the role that applies it.
      await client.query(`begin; set local search_path = ''; ${sql}; commit`);
    }
    const { rows } = await functionsOf(client);
    await client.end();
    const ours = await undone(functionsOf);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ours.rows.map(({ name }) => name),
    );
  });

  test('install exactly the functions of sql/functions', async () => {
    const directory = join(import.meta.dirname, '../../sql/functions');
    const sources = readdirSync(directory).toSorted();
    await undone(async (client) => {
      const { rows: migrated } = await functionsOf(client);
      for (const file of sources) {
        await client.query(readFileSync(join(directory, file), 'utf8'));
      }
      assert.deepEqual((await functionsOf(client)).rows, migrated);
      const declared = sources
        .map((file) => readFileSync(join(directory, file), 'utf8'))
        .flatMap((text) =>
          [...text.matchAll(/create or replace (?:function|aggregate) sambatan\.(\w+)/g)].map(
            ([, name]) => name!,
          ),
        );
      // Functions for triggers, generated columns and indexes are in sql/schema, because tables
      // there need them.
      const schemaDirectory = join(import.meta.dirname, '../../sql/schema');
      const ofTables = readdirSync(schemaDirectory)
        .map((file) => readFileSync(join(schemaDirectory, file), 'utf8'))
        .flatMap((text) => [...text.matchAll(/create function sambatan\.(\w+)/g)])
        .map(([, name]) => name!);
      const named = migrated.map(({ name }) => name);
      assert.deepEqual(named.toSorted(), [...declared, ...ofTables].toSorted());
    });
  });

  test('the functions take typed parameters and build no SQL from text', async () => {
    const { rows } = await undone(functionsOf);
    for (const { name, source } of rows) {
      assert.doesNotMatch(source, /\bexecute\b(?! function)/i, name);
    }
  });
});

suite('vocabularies', () => {
  const labelsOf = async (type: string) =>
    (
      await queryRows<{ label: string }>(
        db,
        `select e.enumlabel as label from pg_enum e join pg_type t on t.oid = e.enumtypid
        where t.typname = $1 order by enumsortorder`,
        type,
      )
    ).map(({ label }) => label);

  test('every value of an enum is known to the service', async () => {
    assert.deepEqual(await labelsOf('campaign_status'), campaignStatuses.map(toDbStatus));
    assert.deepEqual(
      await labelsOf('participant_status'),
      participationStatuses.map(toDbParticipationStatus),
    );
    assert.deepEqual(await labelsOf('waiting_status'), [...waitingStatuses]);
    assert.deepEqual(await labelsOf('payment_timing'), [...paymentTimings]);
    assert.deepEqual(await labelsOf('brand_role'), [...brandRoles]);
  });

  test('the audit log accepts exactly the events of the service', async () => {
    for (const event of [...auditEvents, 'campaign_vanished']) {
      const refusal = await refusalOf(
        `insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
          actor_kind, slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
        values ($1, 999, now(), $2, $3::text::sambatan.audit_event, 'service', 0, 0, 10, 150000, '', '')`,
        campaignId,
        /^(participant|payment|refund|dispute)_/.test(event) ? participationId : null,
        event,
      );
      const known = event !== 'campaign_vanished';
      assert.equal(refusal, known ? undefined : '22P02', event);
    }
  });
});

suite('tables of a campaign', () => {
  test('have keys and foreign keys that start with campaign_id', async () => {
    const keys = await queryRows<{
      table: string;
      name: string;
      first: string;
      target: string | null;
    }>(
      db,
      `select t.relname as table, c.conname as name, a.attname as first,
        r.relname as target
      from pg_constraint c join pg_class t on t.oid = c.conrelid
      left join pg_class r on r.oid = c.confrelid join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
      where c.connamespace = 'sambatan'::regnamespace and c.contype in ('p', 'u', 'f')
        -- A line of a bank statement and its parts belong to its account.
        and t.relname <> 'statement_line_parts' and exists (select from pg_attribute own where own.attrelid = c.conrelid
          and own.attname = 'campaign_id' and own.attnotnull)`,
    );
    const ofCampaign = [...new Set(keys.map(({ table }) => table))];
    assert.deepEqual(ofCampaign.toSorted(), [
      'audit_logs',
      'campaign_details',
      'campaign_states',
      'deliveries',
      'dispute_pictures',
      'disputes',
      'gateway_calls',
      'idempotency_keys',
      'log_checkpoints',
      'log_sum_leaves',
      'log_sums',
      'log_sums_due',
      'log_tiles',
      'log_trees',
      'notification_cursors',
      'notification_fanouts',
      'notifications',
      'participants',
      'payment_proofs',
      'refused_joins',
      'reminders',
      'seller_digests',
      'transactions',
      'waiting_entries',
    ]);
    // There are few products and receiving accounts, so every node of a distributed database can
    // have a copy of them.
    const everywhere = ['products', 'receiving_accounts'];
    const wrong = keys.filter(
      ({ first, target }) => first !== 'campaign_id' && !everywhere.includes(target ?? ''),
    );
    assert.deepEqual(wrong, []);
    // A unique index that does not begin with the campaign would need a check on every node, too.
    const indexes = await queryRows<{ name: string }>(
      db,
      `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where c.relnamespace = 'sambatan'::regnamespace and i.indisunique
        and a.attname <> 'campaign_id' and exists (
          select from pg_attribute own where own.attrelid = i.indrelid
            and own.attname = 'campaign_id')`,
    );
    // The only exceptions are indexes on ids from a bank or a provider, which must be unique over
    // all campaigns.
    assert.deepEqual(indexes.map(({ name }) => name).toSorted(), [
      'gateway_calls_by_reference',
      'statement_line_parts_pkey',
      'statement_lines_account_id_fingerprint_key',
      'statement_lines_pkey',
      'transactions_by_provider',
      'transactions_one_of_a_kind',
    ]);
  });
});

suite('rules that hold for every writer', () => {
  const change = (set: string) => updateCampaign(set);
  const changes: Record<string, string> = {
    'filled_slots = total_slots + 1': 'campaign_states_slots',
    'filled_slots = -1': 'campaign_states_',
    'confirmed_slots = filled_slots + 1': 'campaign_states_slots',
    'confirmed_slots = -1': 'campaign_states_slots',
    'participant_count = filled_slots + 1': 'campaign_states_slots',
    'minimum_slots = total_slots + 1': 'campaign_details_minimum_slots',
    'minimum_slots = 0': 'campaign_details_minimum_slots',
    'total_slots = 0': '',
    'price_per_slot = 0': 'campaign_details_price_per_slot_check',
    'price_per_slot = 1000000001': 'campaign_details_price_per_slot_check',
    'platform_fee_basis_points = 10001': 'campaign_details_platform_fee_basis_points_check',
    'min_slots_per_user = 3, max_slots_per_user = 2': 'campaign_details_slots_per_user',
    'max_slots_per_user = total_slots + 1': 'campaign_details_slots_per_user',
    'hold_seconds = 59': 'campaign_details_hold_seconds_check',
    'opens_at = deadline': 'campaign_details_opens_before_deadline',
    'next_run_at = null': 'campaign_states_lifecycle',
    'filled_slots = total_slots': 'campaign_states_lifecycle',
    "status = 'locked'": 'campaign_states_lifecycle',
    "status = 'fulfilled', next_run_at = null": 'campaign_details_completed_at',
    "status = 'expired', next_run_at = null": 'campaign_details_failed_at',
    "status = 'cancelled', next_run_at = null": 'campaign_details_cancelled_at',
    'completed_at = now()': 'campaign_details_completed_at',
    'opened_at = null': 'campaign_details_opened_at',
    "closing_outcome = 'expired'": 'campaign_states_lifecycle',
    "closing_outcome = 'draft', closing_actor = 'system'": 'campaign_states_lifecycle',
    "status = 'draft'": 'SB001',
    "title = 'x'": 'campaign_details_title_check',
    'product_id = gen_random_uuid()': 'campaign_details_brand_id_product_id_fkey',
    'campaign_id = gen_random_uuid()': '',
  };
  for (const [set, constraint] of Object.entries(changes)) {
    test(`a campaign may not have ${set}`, async () => {
      const refusal = await refusalOf(change(set), campaignId);
      assert.ok(refusal?.startsWith(constraint), `${refusal} refused it`);
    });
  }

  const statements: Record<string, [statement: string, refusal: string, ...values: unknown[]]> = {
    'change a row of the audit log': [
      `update sambatan.audit_logs set actor_kind = 'system' where campaign_id = $1`,
      'SB001',
      campaignId,
    ],
    'delete a row of the audit log': [
      'delete from sambatan.audit_logs where campaign_id = $1',
      'SB001',
      campaignId,
    ],
    'empty the audit log': ['truncate sambatan.audit_logs', 'SB001'],
    'empty it with what it belongs to': ['truncate sambatan.campaign_details cascade', 'SB001'],
    'delete a movement of money': [
      'delete from sambatan.transactions where campaign_id = $1',
      'SB001',
      campaignId,
    ],
    'empty the books': ['truncate sambatan.transactions', 'SB001'],
    'put two rows at one place of the log': [
      `insert into sambatan.audit_logs
      select * from sambatan.audit_logs where campaign_id = $1 limit 1`,
      'audit_logs_pkey',
      campaignId,
    ],
    'name nobody known in the log': [
      `insert into sambatan.audit_logs (campaign_id, seq, occurred_at, event, actor_kind, slots,
        slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
      values ($1, 99, now(), 'campaign_edited', 'user', 0, 0, 10, 150000, '', '')`,
      'audit_logs_values',
      campaignId,
    ],
    'give one cause two movements': [
      `insert into sambatan.transactions
        (campaign_id, kind, participation_id, amount, cause, actor, created_at)
      select campaign_id, 'payment', participation_id, 1, cause, 'system', now()
      from sambatan.transactions where campaign_id = $1`,
      'transactions_campaign_id_cause_key',
      campaignId,
    ],
    'move nothing': [
      `insert into sambatan.transactions (campaign_id, kind, amount, cause, actor, created_at)
      values ($1, 'payout', 0, 'payout', 'system', now())`,
      'transactions_amount',
      campaignId,
    ],
    'refund nobody': [
      `insert into sambatan.transactions (campaign_id, kind, amount, cause, actor, created_at)
      values ($1, 'refund', 5, 'refund', 'system', now())`,
      'transactions_of_participation',
      campaignId,
    ],
    'settle without a time': [
      `insert into sambatan.transactions
        (campaign_id, kind, status, amount, cause, actor, created_at)
      values ($1, 'payout', 'settled', 5, 'payout', 'system', now())`,
      'transactions_settled_at',
      campaignId,
    ],
    'delete a campaign that people joined': [
      'delete from sambatan.campaigns where campaign_id = $1',
      '',
      campaignId,
    ],
    'give one key two answers': [
      `insert into sambatan.idempotency_keys select * from sambatan.idempotency_keys`,
      'idempotency_keys_',
    ],
    'give one participation two keys': [
      `insert into sambatan.idempotency_keys
      select campaign_id, user_id, 'another', request_hash, outcome, params, participation_id, now()
      from sambatan.idempotency_keys`,
      'idempotency_keys_one_participation',
    ],
    'join without a row in the audit log': [
      `insert into sambatan.participants (campaign_id, participation_id, user_id, quantity,
        joined_at, updated_at, shipping_address, joined_seq)
      values ($1, $1, $1, 1, now(), now(), 'Jalan Melati 5', 0)`,
      'participants_values',
      newId(),
    ],
    'take no slot': [
      'update sambatan.participants set quantity = 0 where campaign_id = $1',
      'participants_values',
      campaignId,
    ],
    'send it nowhere': [
      `update sambatan.participants set shipping_address = 'here' where campaign_id = $1`,
      'participants_values',
      campaignId,
    ],
    'be reserved again': [
      `update sambatan.participants set status = 'pending_payment', confirmed_at = null
      where campaign_id = $1`,
      'SB001',
      campaignId,
    ],
    'be refunded without a time': [
      `update sambatan.participants set status = 'refunded' where campaign_id = $1`,
      'participants_status_times',
      campaignId,
    ],
  };
  for (const [what, [statement, constraint, ...values]] of Object.entries(statements)) {
    test(`nobody can ${what}`, async () => {
      const refusal = await refusalOf(statement, ...values);
      assert.ok(refusal?.startsWith(constraint), `${refusal} refused it`);
    });
  }
});

suite('an entry of a waiting list', () => {
  const [listId, entryId] = [newId(), newId()];
  const at = {
    waiting: 'offered_at = null, offer_expires_at = null',
    offered: 'offered_at = now(), offer_expires_at = now()',
    accepted: `accepted_at = now(), participation_id = '${participationId}'`,
    declined: 'declined_at = now()',
    lapsed: 'lapsed_at = now()',
    withdrawn: 'withdrawn_at = now()',
    closed: 'closed_at = now()',
  } as const;
  /** Inserts an entry with one status and then tries to change it to another status. */
  const moved = (from: keyof typeof at, to: keyof typeof at) =>
    undone(async (client) => {
      const set = (status: keyof typeof at) =>
        `update sambatan.waiting_entries set status = '${status}', ${at[status]}
        where entry_id = '${entryId}'`;
      await client.query(
        `insert into sambatan.waiting_entries (campaign_id, entry_id, user_id, position, quantity,
          status, shipping_address, created_at, updated_at, offered_at, offer_expires_at)
        values ('${campaignId}', '${entryId}', '${listId}', 1, 1, 'offered', 'Jalan Melati 5', now(),
          now(), now(), now())`,
      );
      await client.query('set local session_replication_role = replica');
      await client.query(set(from));
      await client.query('set local session_replication_role = origin');
      try {
        await client.query(set(to));
        return 'moved';
      } catch (error) {
        if (error instanceof pg.DatabaseError) return error.code;
        throw error;
      }
    });

  for (const from of waitingStatuses) {
    test(`with status ${from} follows only the transitions of the table`, async () => {
      for (const to of waitingStatuses.filter((status) => status !== from)) {
        const leads = waitingEvents.some((event) => waitingAfter(from, event) === to);
        assert.equal(await moved(from, to), leads ? 'moved' : 'SB001', `${from} to ${to}`);
      }
    });
  }

  test('is the only open one of its buyer', async () => {
    const insert = (position: number) =>
      `insert into sambatan.waiting_entries (campaign_id, entry_id, user_id, position, quantity,
        shipping_address, created_at, updated_at)
      values ($1, gen_random_uuid(), $2, ${position}, 1, 'Jalan Melati 5', now(), now())`;
    const both = `with first as (${insert(1)}) ${insert(2)}`;
    assert.equal(await refusalOf(both, campaignId, listId), 'waiting_entries_one_open');
    assert.equal(await refusalOf(insert(1), campaignId, listId), undefined);
  });

  test('reserves at most the free slots, and none if nobody waits', async () => {
    for (const set of ['waiting_entries = 1, reserved_slots = 9', 'reserved_slots = 1']) {
      const statement = updateCampaign(set);
      assert.equal(await refusalOf(statement, campaignId), 'campaign_states_slots');
    }
  });
});

suite('row-level security', () => {
  test('is on for every table of both schemas, without a policy that grants access', async () => {
    const open = relations.filter(({ isTable, isSecured }) => isTable && !isSecured);
    assert.deepEqual(open, []);
    const policies = `select * from pg_policies where schemaname in ('sambatan', 'sambatan_auth')`;
    assert.deepEqual(await queryRows(db, policies), []);
    for (const name of ['sambatan.campaigns', 'sambatan.orders', 'sambatan_auth.sessions']) {
      assert.ok(
        relations.some((relation) => relation.name === name),
        name,
      );
    }
  });

  test('no privilege on a schema, table, view or function is granted to public', async () => {
    const granted = await queryRows(
      db,
      `with ours as (
        select oid, nspname, nspacl, nspowner from pg_namespace
        where nspname in ('sambatan', 'sambatan_auth')
      ), objects as (
        select nspname as name, coalesce(nspacl, acldefault('n', nspowner)) as acl from ours
        union all
        select c.oid::regclass::text, coalesce(c.relacl, acldefault('r', c.relowner))
        from pg_class c join ours on ours.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        union all
        select p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        from pg_proc p join ours on ours.oid = p.pronamespace
      )
      select name, privilege_type from objects, aclexplode(acl) where grantee = 0`,
    );
    assert.deepEqual(granted, []);
  });

  /** Runs a statement as a browser role of Supabase. Returns whether it was allowed. */
  const isLet = async (client: pg.Client, statement: string): Promise<boolean> => {
    await client.query('savepoint before');
    try {
      await client.query(statement);
      return true;
    } catch (error) {
      assert.ok(error instanceof pg.DatabaseError, String(error));
      assert.equal(error.code, '42501', `${statement}: ${error.message}`);
      return false;
    } finally {
      await client.query('rollback to savepoint before');
    }
  };

  // Creates roles with the names that Supabase uses. The transaction is rolled back, because roles
  // belong to the whole server.
  const asBrowser = (role: string, run: (client: pg.Client) => Promise<void>) =>
    undone(async (client) => {
      await client.query(
        `do $$ begin
          if not exists (select from pg_roles where rolname = '${role}') then
            create role ${role};
          end if;
        end $$`,
      );
      await run(client);
    });

  for (const role of ['anon', 'authenticated']) {
    test(`${role} can read, write and execute nothing`, async () => {
      await asBrowser(role, async (client) => {
        const { rows } = await functionsOf(client);
        await client.query(`set local role ${role}`);
        for (const { name, isTable } of relations) {
          assert.equal(await isLet(client, `select * from ${name}`), false);
          if (!isTable) continue;
          assert.equal(await isLet(client, `insert into ${name} default values`), false);
          assert.equal(await isLet(client, `delete from ${name}`), false);
          assert.equal(await isLet(client, `truncate ${name}`), false);
        }
        for (const { oid, name } of rows) {
          const { rows: may } = await client.query<{ schema: boolean; function: boolean }>(
            `select has_schema_privilege('sambatan', 'usage') as schema,
              has_function_privilege($1::oid, 'execute') as function`,
            [oid],
          );
          assert.deepEqual(may, [{ schema: false, function: false }], name);
        }
      });
    });

    test(`${role} sees no row even with granted access to the schema and its tables`, async () => {
      await asBrowser(role, async (client) => {
        await client.query(`grant usage on schema sambatan, sambatan_auth to ${role};
          grant all on all tables in schema sambatan, sambatan_auth to ${role}`);
        await client.query(`set local role ${role}`);
        // Row-level security does not protect views. They are protected because no role has
        // privileges on them.
        for (const { name } of relations.filter(({ isTable }) => isTable)) {
          const { rows } = await client.query(`select * from ${name}`);
          assert.deepEqual(rows, [], name);
        }
        assert.equal(
          await isLet(client, `insert into sambatan.brands values (gen_random_uuid(), 'Palsu')`),
          false,
        );
        assert.equal(
          await isLet(client, `select sambatan.cancel_campaign('${campaignId}', 'x', 'system')`),
          false,
        );
      });
    });
  }
});
