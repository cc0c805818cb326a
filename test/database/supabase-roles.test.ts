import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { readMigrations } from '../../src/database/migrate.ts';
import { testDatabase } from '../support/database/database.ts';

/**
 * The worst configuration that a Supabase project could have. The browser roles exist before the
 * migrations, and default privileges grant them everything. All of this is in one transaction that
 * is rolled back, because roles belong to the whole server.
 */
const { url, close } = await testDatabase({ empty: true });
const client = new pg.Client({ connectionString: url });
const browsers = ['anon', 'authenticated'] as const;

before(async () => {
  await client.connect();
  await client.query('begin');
  for (const role of browsers) {
    const { rows } = await client.query('select from pg_roles where rolname = $1', [role]);
    if (rows.length === 0) await client.query(`create role ${role}`);
    for (const objects of ['tables', 'sequences', 'functions', 'types', 'schemas']) {
      await client.query(`alter default privileges grant all on ${objects} to ${role}`);
    }
  }
  for (const { sql } of readMigrations()) await client.query(sql);
  // Without a search path the server writes the schema before every name.
  await client.query("set local search_path = ''");
});
after(async () => {
  await client.query('rollback');
  await client.end();
  await close();
});

interface Thing {
  /** The kind and the name of the object, such as `table sambatan.campaigns`. */
  readonly name: string;
  /** The privileges that the role has on the object. There must be none. */
  readonly may: readonly string[];
}

/** Every object in the schemas of the service, with the privileges of a role on it. */
async function everything(role: string): Promise<Thing[]> {
  const { rows } = await client.query<Thing>(
    `with s as (select oid, nspname from pg_namespace where nspname like 'sambatan%'),
    things as (
      select 'schema ' || nspname as name, p as privilege,
        has_schema_privilege($1, oid, p) as allowed
      from s, unnest(array['usage', 'create']) p
      union all
      select case relkind when 'v' then 'view ' when 'm' then 'view ' else 'table ' end
          || c.oid::regclass, p, has_table_privilege($1, c.oid, p)
            or (p in ('select', 'insert', 'update', 'references')
              and has_any_column_privilege($1, c.oid, p))
      from pg_class c join s on s.oid = relnamespace, unnest(array['select', 'insert', 'update',
        'delete', 'truncate', 'references', 'trigger']) p
      where relkind in ('r', 'p', 'v', 'm', 'f')
      union all
      select 'sequence ' || c.oid::regclass, p, has_sequence_privilege($1, c.oid, p)
      from pg_class c join s on s.oid = relnamespace, unnest(array['usage', 'select', 'update']) p
      where relkind = 'S'
      union all
      select 'function ' || f.oid::regprocedure, 'execute',
        has_function_privilege($1, f.oid, 'execute')
      from pg_proc f join s on s.oid = pronamespace
    )
    select name, coalesce(array_agg(privilege) filter (where allowed), '{}') as may
    from things group by name order by name`,
    [role],
  );
  return rows;
}

/** Whether a role may run a statement. If not, the reason must be missing privileges. */
async function isLet(role: string, statement: string): Promise<boolean> {
  await client.query('savepoint before');
  try {
    await client.query(`set local role ${role}`);
    await client.query(statement);
    return true;
  } catch (error) {
    assert.ok(error instanceof pg.DatabaseError, String(error));
    assert.equal(error.code, '42501', `${statement}: ${error.message}`);
    return false;
  } finally {
    await client.query('rollback to savepoint before');
  }
}

for (const role of browsers) {
  test(`${role} has no privileges on the objects of the migrations`, async () => {
    const things = await everything(role);
    assert.ok(things.length > 60, `only ${things.length} things were found`);
    assert.deepEqual(
      things.filter(({ may }) => may.length > 0),
      [],
    );
  });

  test(`the server refuses statements of ${role}`, async () => {
    for (const { name } of await everything(role)) {
      const [kind = '', what = ''] = name.split(/ (.*)/);
      if (kind === 'table' || kind === 'view') {
        assert.equal(await isLet(role, `select from ${what}`), false, name);
        assert.equal(await isLet(role, `delete from ${what}`), false, name);
      }
      if (kind === 'sequence') {
        assert.equal(await isLet(role, `select nextval('${what}')`), false, name);
      }
    }
  });

  test(`control: a table, a view, a sequence and a function granted to ${role} are found`, async () => {
    await client.query('savepoint control');
    try {
      await client.query(`create table sambatan.forgotten (id bigserial);
        create view sambatan.overlooked as select 1 as one;
        create function sambatan.left_open() returns integer language sql as 'select 1';
        grant select (id) on sambatan.forgotten to ${role};
        grant select on sambatan.overlooked to ${role};
        grant usage on sequence sambatan.forgotten_id_seq to ${role};
        grant execute on function sambatan.left_open() to ${role}`);
      const found = (await everything(role)).filter(({ may }) => may.length > 0);
      assert.deepEqual(
        found.map(({ name }) => name),
        [
          'function sambatan.left_open()',
          'sequence sambatan.forgotten_id_seq',
          'table sambatan.forgotten',
          'view sambatan.overlooked',
        ],
      );
    } finally {
      await client.query('rollback to savepoint control');
    }
  });
}

test('every table of the service has row-level security on, without a policy', async () => {
  const { rows } = await client.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
    join pg_namespace n on n.oid = relnamespace and nspname like 'sambatan%'
    where relkind in ('r', 'p') and not relispartition and (not relrowsecurity
      or exists (select from pg_policy where polrelid = c.oid))`,
  );
  assert.deepEqual(rows, []);
});
