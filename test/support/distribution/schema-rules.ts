import type { Catalog } from './catalog.ts';

/** One place that breaks a rule. */
export interface Offender {
  readonly rule: string;
  /** What breaks the rule, with its kind: `table campaigns`, `function join_campaigns`. */
  readonly object: string;
  /** What is wrong, and what to do instead. */
  readonly reason: string;
}

/** The names of the rules about tables and signatures. */
export const schemaRules = [
  'key-without-campaign',
  'foreign-key',
  'row-trigger',
  'statement-trigger',
  'row-type-in-signature',
] as const;

/** Finds tables, keys and triggers that Citus cannot distribute by campaign_id. */
export function schemaOffenders(catalog: Catalog): Offender[] {
  const { tables, keys, foreignKeys, triggers, functions } = catalog;
  const placementOf = (name: string) => tables.get(name)?.placement ?? 'local';
  return [
    ...keys
      .filter(({ table, columns }) => {
        return placementOf(table) === 'distributed' && !columns.includes('campaign_id');
      })
      .map(({ table, name }) => ({
        rule: 'key-without-campaign',
        object: `index ${name}`,
        reason: `the unique index of ${table} lacks campaign_id, so no node can check it`,
      })),
    ...foreignKeys.flatMap((key) => {
      const reason = foreignKeyFault(key, placementOf);
      if (reason === undefined) return [];
      return [{ rule: 'foreign-key', object: `constraint ${key.name}`, reason }];
    }),
    ...triggers
      .filter(({ table }) => placementOf(table) !== 'local')
      .map(({ table, name, isRowTrigger }) => ({
        rule: isRowTrigger ? 'row-trigger' : 'statement-trigger',
        object: `trigger ${name}`,
        reason: isRowTrigger
          ? `Citus refuses the trigger on ${table}; check the rule in the function that writes`
          : `Citus has no statement triggers (${table}); revoke the privilege instead`,
      })),
    ...functions
      .filter(({ rowTypes }) => rowTypes.some((table) => placementOf(table) !== 'local'))
      .map(({ name, rowTypes }) => ({
        rule: 'row-type-in-signature',
        object: `function ${name}`,
        reason: `Citus drops it when it distributes ${rowTypes.join(', ')}; pass columns instead of rows`,
      })),
  ];
}

function foreignKeyFault(
  key: Catalog['foreignKeys'][number],
  placementOf: (name: string) => string,
): string | undefined {
  const { table, target } = key;
  const [from, to] = [placementOf(table), placementOf(target)];
  if (from !== 'distributed' && to !== 'distributed') return undefined;
  if (to === 'local') return `the distributed table ${table} references the local table ${target}`;
  if (to === 'reference') return undefined;
  if (from !== 'distributed') return `${table} is not distributed, but references ${target}`;
  const place = key.columns.indexOf('campaign_id');
  if (place === -1 || key.targetColumns[place] !== 'campaign_id')
    return `the key from ${table} to ${target} does not contain campaign_id on both sides`;
  if (key.nullableColumns.includes('campaign_id'))
    return `campaign_id in the key from ${table} to ${target} may be null`;
  return undefined;
}
