import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { query, type Run } from '../../src/database/query.ts';
import { shareReads } from '../../src/database/shared-reads.ts';

const shared = query<readonly unknown[], unknown>('shared_read', 'select $1', { shared: true });
const single = query<readonly unknown[], unknown>('single_read', 'select $1');

/** A database that counts its executions and answers when `answer` is called. */
function slowDatabase() {
  const asked: string[] = [];
  let waiting: (() => void)[] = [];
  const run: Run = async (_statement, [wanted]) => {
    const n = asked.push(String(wanted));
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (wanted === 'bad') throw new Error('bad');
    return [{ n }];
  };
  const started = async (executions: number): Promise<void> => {
    while (asked.length < executions) await setImmediate();
  };
  const answer = async (executions: number): Promise<void> => {
    await started(executions);
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  return { asked, started, answer, run: shareReads(run) };
}

test('concurrent callers of a shared query with the same parameters share one execution', async () => {
  const { asked, answer, run } = slowDatabase();
  const callers = [run(shared, ['a']), run(shared, ['a']), run(shared, ['b'])];
  await answer(2);
  const [first, second, other] = await Promise.all(callers);
  assert.equal(first, second);
  assert.notEqual(first, other);
  assert.deepEqual(asked, ['a', 'b']);
});

test('a caller of a shared query gets rows that were read after the call', async () => {
  const { answer, started, run } = slowDatabase();
  const early = run(shared, ['a']);
  await started(1);
  const late = run(shared, ['a']);
  await answer(1);
  assert.deepEqual(await early, [{ n: 1 }]);
  await answer(2);
  assert.deepEqual(await late, [{ n: 2 }]);
});

test('the error of one execution does not reach callers with other parameters', async () => {
  const { answer, run } = slowDatabase();
  const bad = run(shared, ['bad']);
  const good = run(shared, ['good']);
  const refused = assert.rejects(bad, { message: 'bad' });
  await answer(2);
  await refused;
  assert.equal((await good).length, 1);
});

test('other queries are executed once for each call', async () => {
  const { asked, answer, run } = slowDatabase();
  const callers = [run(single, ['a']), run(single, ['a'])];
  await answer(2);
  await Promise.all(callers);
  assert.equal(asked.length, 2);
});
