import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  maxSum,
  rootOfSumProof,
  sumLeafHash,
  sumNode,
  SumTree,
  type SumNode,
} from '../../src/public-log/sum-tree.ts';

const zero: SumNode = { hash: Buffer.alloc(32), sum: 0n };

const leavesOf = (maxLength: number) =>
  fc.uniqueArray(
    fc.record({
      hash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array)),
      sum: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    }),
    { maxLength, selector: ({ hash }) => hash.toString('hex') },
  );

/** The root by the words of the specification: all leaves, filled up to a power of two. */
function rootBySpecification(orders: readonly SumNode[]): SumNode {
  const sorted = orders.toSorted((a, b) => Buffer.compare(a.hash, b.hash));
  let level = sorted.flatMap((leaf) => [leaf, zero]);
  if (level.length === 0) level.push(zero);
  while (!Number.isInteger(Math.log2(level.length))) level.push(zero);
  while (level.length > 1) {
    level = level.flatMap((left, n) => (n % 2 === 0 ? [sumNode(left, level[n + 1]!)] : []));
  }
  return level[0]!;
}

test('the sum tree has the root of the specification, and the sum of all orders', async () => {
  await fc.assert(
    fc.asyncProperty(leavesOf(40), async (orders) => {
      const { root } = await SumTree.build(orders);
      assert.deepEqual(root, rootBySpecification(orders));
      assert.equal(
        root.sum,
        orders.reduce((sum, order) => sum + order.sum, 0n),
      );
    }),
  );
});

test('each order has a proof that leads to the root; another sum leads to another root', async () => {
  await fc.assert(
    fc.asyncProperty(leavesOf(20), fc.bigInt({ min: 1n, max: 1_000n }), async (orders, more) => {
      const tree = await SumTree.build(orders);
      for (const leaf of orders) {
        const proof = tree.prove(leaf.hash)!;
        assert.equal(proof.index % 2, 0);
        assert.deepEqual(proof.siblings[0], zero);
        assert.deepEqual(rootOfSumProof(leaf, proof), tree.root);
        const other = rootOfSumProof({ ...leaf, sum: leaf.sum + more }, proof);
        assert.notDeepEqual(other.hash, tree.root.hash);
        assert.throws(() => rootOfSumProof(leaf, { ...proof, index: proof.index + 2 ** 40 }));
      }
      assert.equal(tree.prove(Buffer.alloc(32)), undefined);
    }),
  );
});

test('a node commits to the sums and the hashes of both sides', () => {
  const left = { hash: Buffer.alloc(32, 1), sum: 5n };
  const right = { hash: Buffer.alloc(32, 2), sum: 7n };
  const hash = createHash('sha256')
    .update(Buffer.from('030000000000000005', 'hex'))
    .update(left.hash)
    .update(Buffer.from('0000000000000007', 'hex'))
    .update(right.hash)
    .digest();
  assert.deepEqual(sumNode(left, right), { hash, sum: 12n });
});

test('the hash of a leaf names nobody, and follows from the salt and the order', () => {
  const salt = Buffer.alloc(32, 9);
  const key = createHash('sha256')
    .update(salt)
    .update(Buffer.from('01a20b4c835b749ca5c211fb97bff150', 'hex'))
    .digest();
  const hash = createHash('sha256')
    .update(Buffer.from([2]))
    .update(key)
    .digest();
  assert.deepEqual(sumLeafHash(salt, '01a20b4c-835b-749c-a5c2-11fb97bff150'), hash);
});

test('a negative sum, and a sum that does not fit into 63 bits, are refused', async () => {
  const one = { hash: Buffer.alloc(32, 1), sum: maxSum };
  const other = { hash: Buffer.alloc(32, 2), sum: 1n };
  await assert.rejects(() => SumTree.build([one, other]), RangeError);
  await assert.rejects(() => SumTree.build([{ ...one, sum: -1n }]), RangeError);
  await assert.rejects(() => SumTree.build([one, { ...one, sum: 0n }]), RangeError);
  assert.equal((await SumTree.build([one])).root.sum, maxSum);
});
