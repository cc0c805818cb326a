import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BatchLoader, type ReadMany } from '../../src/database/batch-loader.ts';
import { query, type Lookup } from '../../src/database/query.ts';
import { testDatabase } from '../support/database/database.ts';

const { db, close } = await testDatabase();
after(close);

const ids = {
  a: '00000000-0000-7000-8000-00000000000a',
  b: '00000000-0000-7000-8000-00000000000b',
};
interface SellerRow {
  readonly user_id: string;
  readonly display_name: string;
}
const seller: Lookup<SellerRow> = {
  one: query<[id: string], SellerRow>(
    'test_seller',
    'select user_id, display_name from sambatan.profiles where user_id = $1',
  ),
  many: query<[ids: string[]], SellerRow>(
    'test_sellers',
    'select user_id, display_name from sambatan.profiles where user_id = any ($1)',
  ),
  idOf: (row) => row.user_id,
};
const addSeller = query<[id: string, name: string], never>(
  'test_add_seller',
  'insert into sambatan.profiles (user_id, display_name) values ($1, $2)',
);

/** A reader whose reads end only when the test lets them end. */
function slowReader() {
  const reads: { keys: readonly string[]; end: (error?: Error) => void }[] = [];
  const read: ReadMany<string> = (keys) => {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, string>>();
    const values = new Map(keys.filter((key) => key !== 'absent').map((key) => [key, `of ${key}`]));
    reads.push({ keys, end: (error) => (error ? reject(error) : resolve(values)) });
    return promise;
  };
  const keysOf = () => reads.map(({ keys }) => keys.join(' '));
  return { reads, read, keysOf };
}
const options = { concurrency: 1, slowMs: 60_000 };

suite('Concurrent reads', () => {
  test('a single lookup runs at once', async () => {
    const { reads, read, keysOf } = slowReader();
    const answer = new BatchLoader(read, options).find('a');
    await nextTurn();
    assert.deepEqual(keysOf(), ['a']);
    reads[0]!.end();
    assert.equal(await answer, 'of a');
  });

  test('lookups during a running read share the next read, each key once', async () => {
    const { reads, read, keysOf } = slowReader();
    const gatherer = new BatchLoader(read, options);
    const first = gatherer.find('a');
    await nextTurn();
    const later = ['a', 'b', 'a', 'absent'].map((key) => gatherer.find(key));
    await nextTurn();
    assert.deepEqual(keysOf(), ['a'], 'the read under way began before they asked');
    reads[0]!.end();
    await first;
    await nextTurn();
    assert.deepEqual(keysOf(), ['a', 'a b absent']);
    reads[1]!.end();
    assert.deepEqual(await Promise.all(later), ['of a', 'of b', 'of a', undefined]);
  });

  test('a read has a maximum number of keys; the rest follow in order', async () => {
    const { reads, read, keysOf } = slowReader();
    const gatherer = new BatchLoader(read, { ...options, maxKeys: 2 });
    const answers = ['a', 'b', 'c'].map((key) => gatherer.find(key));
    await nextTurn();
    reads[0]!.end();
    await answers[0];
    await nextTurn();
    assert.deepEqual(keysOf(), ['a b', 'c']);
    reads[1]!.end();
    assert.equal(await answers[2], 'of c');
  });

  test('an error reaches only the lookups of its read', async () => {
    const { reads, read } = slowReader();
    const gatherer = new BatchLoader(read, options);
    const some = [gatherer.find('a'), gatherer.find('b')];
    await nextTurn();
    const later = gatherer.find('a');
    reads[0]!.end(new Error('gone'));
    const outcomes = await Promise.allSettled(some);
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
    await nextTurn();
    reads[1]!.end();
    assert.equal(await later, 'of a');
  });

  test('a hanging read does not block later ones', async () => {
    const { reads, read, keysOf } = slowReader();
    const gatherer = new BatchLoader(read, { concurrency: 1, slowMs: 1 });
    const hanging = gatherer.find('a');
    await nextTurn();
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const watch = setInterval(() => reads.length === 2 && resolve(), 1);
    const answer = gatherer.find('b');
    await begun;
    clearInterval(watch);
    assert.deepEqual(keysOf(), ['a', 'b']);
    reads[1]!.end();
    assert.equal(await answer, 'of b');
    reads[0]!.end();
    assert.equal(await hanging, 'of a');
    const last = gatherer.find('c');
    await nextTurn();
    reads[2]!.end();
    assert.equal(await last, 'of c', 'the lane was freed once');
  });

  test('rows are found by id for concurrent lookups in any notation', async () => {
    await db.rows(addSeller, ids.a, 'Ayu');
    await db.rows(addSeller, ids.b, 'Bagas');
    const look = async (...wanted: string[]) =>
      (await Promise.all(wanted.map((id) => db.find(seller, id)))).map((row) => row?.display_name);
    assert.deepEqual(await look(ids.a), ['Ayu']);
    const absent = '00000000-0000-7000-8000-00000000000c';
    assert.deepEqual(await look(ids.b, absent, ids.a, ids.b.toUpperCase()), [
      'Bagas',
      undefined,
      'Ayu',
      'Bagas',
    ]);
  });

  test('a transaction sees its own writes, and no other connection does', async () => {
    const id = '00000000-0000-7000-8000-00000000000d';
    await db.transaction(async (tx) => {
      await tx.rows(addSeller, id, 'Dewi');
      assert.equal((await tx.find(seller, id))?.display_name, 'Dewi');
      assert.equal(await db.find(seller, id), undefined);
    });
    assert.equal((await db.find(seller, id))?.display_name, 'Dewi');
  });
});
