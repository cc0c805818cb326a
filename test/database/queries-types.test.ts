import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { allQueries } from '../../src/database/query.ts';
import {
  declaredTypes,
  fieldsOf,
  tupleOf,
  type DeclaredTypes,
} from '../support/database/query-types.ts';
import { loadEveryQuery } from '../support/database/queries.ts';
import { testDatabase } from '../support/database/database.ts';

const { url, close } = await testDatabase();
const client = new pg.Client({ connectionString: url });
await client.connect();
// The server writes the schema before every name, because the search path differs between servers.
await client.query("set search_path = ''");
after(async () => {
  await client.end();
  await close();
});
await loadEveryQuery();

/** What the server knows about a statement: the types of its parameters and its columns. */
interface Described {
  readonly parameters: readonly number[];
  readonly columns: readonly { readonly name: string; readonly dataTypeID: number }[];
}

interface Wire {
  parse(statement: object): void;
  describe(what: object): void;
  sync(): void;
  once(event: string, listener: (message: { dataTypeIDs: number[] }) => void): void;
}

/**
 * Lets the server parse and describe a statement without running it. Rejects with the server's
 * error.
 */
async function describe(text: string): Promise<Described> {
  const { promise, resolve, reject } = Promise.withResolvers<Described>();
  let [parameters, columns]: [Described['parameters'], Described['columns']] = [[], []];
  client.query({
    submit(wire: Wire) {
      wire.once('parameterDescription', ({ dataTypeIDs }) => (parameters = dataTypeIDs));
      wire.parse({ text });
      wire.describe({ type: 'S' });
      wire.sync();
    },
    handleRowDescription: ({ fields }: { fields: Described['columns'] }) => (columns = fields),
    handleError: reject,
    handleReadyForQuery: () => resolve({ parameters, columns }),
  } as never);
  return await promise;
}

const { rows: types } = await client.query<{ oid: number; kind: string }>(
  `select a.oid::integer, case
      when t.typtype = 'e' or t.typname in ('uuid', 'text', 'varchar', 'numeric', 'void') then 'string'
      when t.typname in ('int2', 'int4', 'float8') then 'number'
      when t.typname = 'int8' then 'bigint'
      when t.typname = 'bool' then 'boolean'
      when t.typname = 'timestamptz' then 'Date'
      when t.typname = 'bytea' then 'Buffer'
      when t.typname in ('json', 'jsonb') then 'object'
      else t.typname end
    || case when l.oid is null then '' else '[]' end as kind
  from pg_type a
  left join pg_type l on l.oid = a.typelem and a.typcategory = 'A'
  join pg_type t on t.oid = coalesce(l.oid, a.oid)`,
);
const kindOf = new Map(types.map(({ oid, kind }) => [oid, kind]));

/** Whether a value of the TypeScript type can have the type that the server expects or returns. */
function fits(declared: string, server: string, is: 'parameter' | 'column'): boolean {
  if (declared === server) return true;
  if (server === 'object' || server === 'object[]') return declared.startsWith('object');
  // A parameter of type bigint may be sent as a number. A result of type bigint is a bigint.
  return is === 'parameter' && server === 'bigint' && declared === 'number';
}

const sources = declaredTypes();

test('the types of every SQL statement are found in its source', () => {
  const found = new Set(allQueries().filter(({ name }) => sources(name) !== undefined));
  assert.deepEqual(
    allQueries()
      .filter((statement) => !found.has(statement))
      .map(({ name }) => name),
    [],
  );
});

/** How a declaration differs from what the server reports. */
async function mismatches(text: string, declared: DeclaredTypes): Promise<string[]> {
  const { parameters, columns } = await describe(text);
  const kinds = parameters.map((type) => kindOf.get(type) ?? '?');
  const given = tupleOf(declared.parameters, declared.path);
  const found = given.flatMap((union, index) => {
    const server = kinds[index] ?? 'not there';
    // Several statements may share a declaration, so it is enough that one member of the union
    // fits.
    const fitting = union.some((kind) => kind !== 'null' && fits(kind, server, 'parameter'));
    return fitting ? [] : [`parameter ${index + 1}: ${union.join(' | ')} is ${server}`];
  });
  if (given.length < kinds.length) found.push(`${kinds.length} parameters, not ${given.length}`);
  if (declared.row === 'never' || declared.row === 'unknown') return found;

  const server = new Map(columns.map((column) => [column.name, kindOf.get(column.dataTypeID)]));
  for (const { name, kinds: union } of fieldsOf(declared.row, declared.path)) {
    const kind = server.get(name) ?? 'not there';
    const wrong = union.some((one) => one !== 'null' && !fits(one, kind, 'column'));
    if (wrong) found.push(`${name}: ${union.join(' | ')} is ${kind}`);
  }
  return found;
}

for (const { name, text } of allQueries()) {
  test(`${name} has the declared parameter and result types on the real schema`, async () => {
    assert.deepEqual(await mismatches(text, sources(name)!), []);
  });
}

test('a wrong type is found', async () => {
  const text = 'select $1::int8 as big, $2::text as word, now() as at';
  const wrong = {
    parameters: '[a: Date, b: string, c: number]',
    row: '{ readonly big: number; readonly word: string | null; readonly at: string; readonly x: string }',
    path: import.meta.filename,
  };
  assert.deepEqual(await mismatches(text, wrong), [
    'parameter 1: Date is bigint',
    'parameter 3: number is not there',
    'big: number is bigint',
    'at: string is Date',
    'x: string is not there',
  ]);
  assert.deepEqual(await mismatches(text, { ...wrong, parameters: '[a: bigint]', row: 'never' }), [
    '2 parameters, not 1',
  ]);
});
