import type pg from 'pg';

/**
 * The catalogue of both schemas as sorted lines: one for each column, constraint, index, trigger,
 * function, enum and privilege. The order of columns within a table is ignored.
 */
export async function catalogueOf(client: pg.Client): Promise<string[]> {
  // Without a search path the server writes the schema before every name.
  await client.query("set search_path = ''");
  const { rows } = await client.query<{ line: string }>(
    `with ours as (
      select oid, nspname, nspacl from pg_namespace where nspname in ('sambatan', 'sambatan_auth')
    ), relations as (
      select c.*, c.oid::regclass::text as name from pg_class c join ours on ours.oid = relnamespace
    )
    select concat_ws(' ', 'schema', nspname, nspacl) as line from ours
    union all
    select concat_ws(' ', 'relation', name, relkind, relpersistence, relrowsecurity, relacl,
      reloptions, case relkind when 'v' then pg_get_viewdef(oid) when 'i' then pg_get_indexdef(oid) end)
    from relations
    union all
    select concat_ws(' ', 'column', name, attname, format_type(atttypid, atttypmod), attnotnull,
      attgenerated, attstorage, attacl, pg_get_expr(adbin, adrelid))
    from relations r join pg_attribute a on a.attrelid = r.oid and attnum > 0 and not attisdropped
    left join pg_attrdef d on d.adrelid = r.oid and d.adnum = attnum where relkind <> 'i'
    union all
    select concat_ws(' ', 'constraint', name, conname, pg_get_constraintdef(k.oid))
    from relations r join pg_constraint k on k.conrelid = r.oid
    union all
    select concat_ws(' ', 'trigger', name, tgenabled, pg_get_triggerdef(t.oid))
    from relations r join pg_trigger t on t.tgrelid = r.oid and not tgisinternal
    union all
    select concat_ws(' ', 'function', proacl, case prokind
      when 'a' then (select to_jsonb(a)::text from pg_aggregate a where a.aggfnoid = p.oid)
      else pg_get_functiondef(p.oid) end)
    from pg_proc p join ours on ours.oid = pronamespace
    union all
    select concat_ws(' ', 'enum', t.oid::regtype, array_agg(enumlabel order by enumsortorder))
    from pg_type t join ours on ours.oid = typnamespace join pg_enum e on e.enumtypid = t.oid
    group by t.oid`,
  );
  return rows.map(({ line }) => line).toSorted();
}
