import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { variables } from '../../src/config/settings.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { noMetricSources } from '../support/fakes/metric-sources.ts';
import { testDatabase } from '../support/database/database.ts';
import { queryRows } from '../support/builders/market.ts';

/*
 * Names use the terms of docs/glossary.md: no name contains a word of its table "Do not use",
 * except the exceptions below. If an exception is not needed any more, a test fails, so the list
 * can only become shorter.
 */

const root = join(import.meta.dirname, '../..');
const { db, close } = await testDatabase();
after(close);

const exceptions: Readonly<Record<string, readonly string[]>> = {
  'exported identifiers': [
    'RosterView',
    'Standing',
    'TermsParts',
    'deleteHalfSignIn',
    'deleteHalfSignIns',
    'findHalfSignIn',
    'forgetBackup',
    'forgetOldAccess',
    'forgetPerson',
    'forgetUploads',
    'halfSignInMinutes',
    'insertHalfSignIn',
    'longestSessionHours',
    'noStanding',
    'rosterPage',
    'rosterPageSize',
    'spendHalfSignIn',
    'standingOf',
    'tidy',
    'tidyHalfSignIns',
    'tidySignIns',
    'wholeRoster',
  ],
  'SQL names': [],
  metrics: [],
  settings: [],
};

/** The words of the table "Do not use" in lower case. A suffix of type names begins with "…". */
function readForbidden(): string[] {
  const text = readFileSync(join(root, 'docs/glossary.md'), 'utf8');
  const [, table = ''] = text.split('\n## Do not use\n');
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, word]) => word!);
}

const forbidden = readForbidden();

/** The words of a name in lower case, from `readHTTPBody`, `read_body` or `READ_BODY`. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

/** The forbidden words that a name contains. */
function faultsOf(name: string): string[] {
  const words = ` ${wordsOf(name).join(' ')} `;
  return forbidden.filter((entry) =>
    entry.startsWith('…')
      ? /^[A-Z]/.test(name) && name.endsWith(entry.slice(1))
      : words.includes(` ${entry} `),
  );
}

/** Every name that a file in src exports, by a declaration, a list in braces or destructuring. */
function exportedNames(): string[] {
  const declared =
    /^export (?:declare )?(?:default )?(?:abstract )?(?:async )?(?:const enum|const|let|function\*?|class|interface|type|enum) (\w+)/gm;
  const lists = /^export (?:type |const |let )?\{([^}]*)\}/gm;
  return globSync('src/**/*.ts', { cwd: root }).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const listed = [...text.matchAll(lists)].flatMap(([, list = '']) =>
      list.split(',').map((one) => /(\w+)\s*$/.exec(one)?.[1] ?? ''),
    );
    return [...[...text.matchAll(declared)].map(([, name]) => name!), ...listed].filter(
      (name) => name !== '',
    );
  });
}

/** The names of tables, views, sequences, columns, functions and types in our schemas. */
async function sqlNames(): Promise<string[]> {
  const rows = await queryRows<{ name: string }>(
    db,
    `with ours as (
      select oid from pg_namespace where nspname in ('sambatan', 'sambatan_auth'))
    select relname::text as name from pg_class where relnamespace in (select oid from ours)
      and relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
    union select attname::text from pg_attribute join pg_class c on c.oid = attrelid
      where relnamespace in (select oid from ours) and attnum > 0 and not attisdropped
        and relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union select proname::text from pg_proc where pronamespace in (select oid from ours)
    union select typname::text from pg_type where typnamespace in (select oid from ours)
      and typtype in ('d', 'e')
    order by 1`,
  );
  return rows.map(({ name }) => name);
}

/**
 * Fails unless the names that contain a forbidden word are exactly the exceptions of their kind.
 */
function check(kind: string, names: readonly string[]): void {
  const wrong = [...new Set(names)].filter((name) => faultsOf(name).length > 0).toSorted();
  const allowed = exceptions[kind]!;
  const fresh = wrong.filter((name) => !allowed.includes(name));
  assert.deepEqual(
    fresh.map((name) => `${name}: ${faultsOf(name).join(', ')}`),
    [],
    `${kind} with a word that docs/glossary.md does not allow`,
  );
  const stale = allowed.filter((name) => !wrong.includes(name));
  assert.deepEqual(stale, [], `exceptions of ${kind} that no longer occur: remove them`);
}

test('exported identifiers use the terms of the glossary', () => {
  const names = exportedNames();
  assert.ok(names.length > 1_000, `${names.length}`);
  check('exported identifiers', names);
});

test('SQL names use the terms of the glossary', async () => {
  const names = await sqlNames();
  for (const one of ['campaigns', 'filled_slots', 'join_campaigns', 'access_log']) {
    assert.ok(names.includes(one), one);
  }
  check('SQL names', names);
});

test('metrics use the terms of the glossary', () => {
  const names = createMetrics(noMetricSources)
    .registry.getMetricsAsArray()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('sambatan_'));
  assert.ok(names.length > 20, `${names.length}`);
  check('metrics', names);
});

test('settings use the terms of the glossary', () => {
  check('settings', Object.keys(variables));
});

test('a forbidden word is found in every naming style, and nowhere else', () => {
  for (const name of ['JoinWish', 'wishHash', 'join_wish', 'SAMBATAN_WISH', 'SignInParts']) {
    assert.equal(faultsOf(name).length, 1, name);
  }
  for (const name of [
    'wishful',
    'payment_parts',
    'partsOfLines',
    'restore',
    'almost',
    'giveUpper',
  ]) {
    assert.deepEqual(faultsOf(name), [], name);
  }
  assert.deepEqual(faultsOf('giveUpClaim'), ['give up']);
});

test('the glossary has one row for each term, and a replacement for each forbidden word', () => {
  const text = readFileSync(join(root, 'docs/glossary.md'), 'utf8');
  const [terms = '', rest = ''] = text.split('\n## Words with several meanings\n');
  const rows = [...terms.matchAll(/^\| (?!term \||---)([^|]+) \|/gm)].map(([, term]) => term!);
  assert.ok(rows.length >= 70, `${rows.length}`);
  assert.equal(new Set(rows).size, rows.length);
  assert.ok(forbidden.length >= 60, `${forbidden.length}`);
  assert.equal(new Set(forbidden).size, forbidden.length);
  for (const word of forbidden) assert.match(rest, new RegExp(`^\\| \`${word}\` \\| \\S`, 'm'));
});
