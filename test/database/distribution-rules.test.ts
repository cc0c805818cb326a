import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import pg from 'pg';
import { allQueries } from '../../src/database/query.ts';
import { testDatabase } from '../support/database/database.ts';
import { loadEveryQuery } from '../support/database/queries.ts';
import { readCatalog } from '../support/distribution/catalog.ts';
import { ruleExamples, type RuleExample } from '../support/distribution/rule-examples.ts';
import {
  schemaOffenders,
  schemaRules,
  type Offender,
} from '../support/distribution/schema-rules.ts';
import { statementOffenders, statementRules } from '../support/distribution/statement-rules.ts';
import { parse, sourcesInFolder, sourcesOf } from '../support/distribution/statements.ts';

// The tables are meant to be distributed by campaign_id with Citus, which accepts only a part of
// what PostgreSQL accepts. The rules find the rest on plain PostgreSQL.
const { url, close } = await testDatabase();
const client = new pg.Client({ connectionString: url });
await client.connect();
after(async () => {
  await client.end();
  await close();
});
await loadEveryQuery();

const catalog = await readCatalog(client);
const queries = allQueries().map(({ name, text }) => ({
  object: `query ${name}`,
  statements: parse(text),
}));
const sources = [
  ...sourcesOf(catalog),
  ...queries,
  ...sourcesInFolder('invariant', 'sql/invariants'),
  ...sourcesInFolder('migration', 'supabase/migrations'),
];
const offenders = [...schemaOffenders(catalog), ...statementOffenders(sources, catalog)];

const path = join(import.meta.dirname, 'distribution-exceptions.json');
const exceptions = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string[]>;

suite('SQL that can be distributed by campaign_id', () => {
  for (const rule of [...schemaRules, ...Object.keys(statementRules)]) {
    const excepted = new Set(exceptions[rule]);
    const found = offenders.filter((offender) => offender.rule === rule);

    test(`follows the rule ${rule}`, () => {
      const faults = found
        .filter(({ object }) => !excepted.has(object))
        .map(({ object, reason }) => `${object}: ${reason}`);
      assert.deepEqual(faults, [], `these break the rule ${rule}; do not add them as exceptions`);
    });

    test(`has no exception from the rule ${rule} that is no longer needed`, () => {
      const objects = new Set(found.map(({ object }) => object));
      const unneeded = [...excepted].filter((object) => !objects.has(object));
      assert.deepEqual(unneeded, [], `remove these from "${rule}" in distribution-exceptions.json`);
    });
  }

  test('has exceptions only from rules that exist', () => {
    const rules = new Set([...schemaRules, ...Object.keys(statementRules)]);
    assert.deepEqual(
      Object.keys(exceptions).filter((rule) => !rules.has(rule)),
      [],
    );
  });
});

/** What an example breaks. Its tables and functions are created in a transaction and rolled back. */
async function offendersOf({ definitions = '', query }: RuleExample): Promise<Offender[]> {
  await client.query('begin');
  try {
    await client.query(definitions);
    const changed = await readCatalog(client);
    const before = new Set(offenders.map(({ rule, object }) => `${rule} ${object}`));
    const known = new Set(catalog.functions.map(({ name }) => name));
    const added = sourcesOf(changed).filter(
      ({ definition }) => definition !== undefined && !known.has(definition.name),
    );
    const statements = query === undefined ? [] : parse(query);
    const examples = [...added, { object: 'query example', statements }];
    return [...schemaOffenders(changed), ...statementOffenders(examples, changed)].filter(
      ({ rule, object }) => !before.has(`${rule} ${object}`),
    );
  } finally {
    await client.query('rollback');
  }
}

suite('the rules of distribution', () => {
  test('all have an example', () => {
    const rules = [...schemaRules, ...Object.keys(statementRules)].toSorted();
    assert.deepEqual(Object.keys(ruleExamples).toSorted(), rules);
  });

  for (const [rule, { offending, allowed }] of Object.entries(ruleExamples)) {
    test(`${rule} finds its examples, and accepts what replaces them`, async () => {
      for (const example of offending) {
        const found = await offendersOf(example);
        assert.deepEqual([...new Set(found.map((offender) => offender.rule))], [rule]);
      }
      assert.deepEqual(await offendersOf(allowed), []);
    });
  }
});
