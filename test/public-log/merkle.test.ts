import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  emptyRoot,
  Frontier,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../src/public-log/merkle.ts';
import {
  consistencyProof,
  inclusionProof,
  rootAt,
  tileWidth,
  type TileReader,
} from '../../src/public-log/proofs.ts';

/*
 * The leaves, roots and proofs of the reference tree of Certificate Transparency. Sources: the
 * reference implementation of RFC 6962 (google/certificate-transparency, merkle_tree_test.cc) and
 * testdata/{inclusion,consistency}/N/happy-path.json of github.com/transparency-dev/merkle.
 */
const records = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'));
const roots = [
  'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=',
  '+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=',
  'rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=',
  '037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=',
  'Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=',
  'duZ9rbzfHhDht03cYIq9L5jfsW+851J3tSMqEn8gh+8=',
  '3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=',
  'XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=',
];
const inclusion: readonly (readonly [index: number, size: number, proof: readonly string[]])[] = [
  [0, 1, []],
  [
    0,
    8,
    [
      'lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=',
      'Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=',
      'a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=',
    ],
  ],
  [
    5,
    8,
    [
      'vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=',
      'yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=',
      '037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=',
    ],
  ],
  [2, 3, ['+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=']],
  [
    1,
    5,
    [
      'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=',
      'Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=',
      'vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=',
    ],
  ],
];
const consistency: readonly (readonly [from: number, to: number, proof: readonly string[]])[] = [
  [1, 1, []],
  [
    1,
    8,
    [
      'lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=',
      'Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=',
      'a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=',
    ],
  ],
  [
    6,
    8,
    [
      'DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=',
      'yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=',
      '037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=',
    ],
  ],
  [
    2,
    5,
    [
      'Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=',
      'vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=',
    ],
  ],
  [
    6,
    7,
    [
      'DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=',
      'sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=',
      '037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=',
    ],
  ],
];

const base64 = (hashes: readonly Uint8Array[]): string[] =>
  hashes.map((one) => Buffer.from(one).toString('base64'));
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

/** Leaves that are all different. */
const leavesOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`record ${index}`)));

/** The definition of RFC 6962, section 2.1, which is slow and simple. */
function definedRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0]!;
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return nodeHash(definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split)));
}

/** The tiles of a log that has these leaves, by the definition of tlog-tiles. */
function tilesOf(leaves: readonly Buffer[]): TileReader {
  return ({ level, number, width }) => {
    const span = tileWidth ** level;
    const first = number * tileWidth;
    return Promise.resolve(
      Array.from({ length: width }, (_, index) => {
        const covered = leaves.slice((first + index) * span, (first + index + 1) * span);
        assert.equal(covered.length, span, 'the tile does not exist yet');
        return definedRoot(covered);
      }),
    );
  };
}

test('the reference tree has the published roots', () => {
  assert.equal(emptyRoot().toString('base64'), '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  const leaves = records.map(leafHash);
  for (const [index, root] of roots.entries()) {
    assert.equal(rootOf(leaves.slice(0, index + 1)).toString('base64'), root);
  }
});

test('the inclusion proofs of the reference tree are the published ones', async () => {
  const leaves = records.map(leafHash);
  for (const [index, size, proof] of inclusion) {
    const made = await inclusionProof(index, size, tilesOf(leaves.slice(0, size)));
    assert.deepEqual(base64(made), proof);
    assert.ok(verifyInclusion(index, size, leaves[index]!, made, bytes(roots[size - 1]!)));
  }
});

test('the consistency proofs of the reference tree are the published ones', async () => {
  const leaves = records.map(leafHash);
  for (const [from, to, proof] of consistency) {
    const made = await consistencyProof(from, to, tilesOf(leaves.slice(0, to)));
    assert.deepEqual(base64(made), proof);
    const pair = {
      from: { size: from, root: bytes(roots[from - 1]!) },
      to: { size: to, root: bytes(roots[to - 1]!) },
    };
    assert.ok(verifyConsistency(pair, made));
  }
});

test('a frontier that was stored and loaded again continues the same tree', () => {
  const leaves = leavesOf(700);
  let frontier = new Frontier();
  for (const [index, leaf] of leaves.entries()) {
    frontier.append(leaf);
    if (index % 37 === 0) frontier = new Frontier(frontier.size, frontier.toBytes());
  }
  assert.deepEqual(frontier.root(), definedRoot(leaves));
  assert.throws(() => new Frontier(3, frontier.toBytes()), /complete subtrees/);
});

test('a frontier reports every subtree that is completed', () => {
  const leaves = leavesOf(70);
  const frontier = new Frontier();
  const completed = new Map<string, Buffer>();
  for (const leaf of leaves) {
    frontier.append(leaf, (height, index, hash) => completed.set(`${height}/${index}`, hash));
  }
  assert.equal(completed.size, 35 + 17 + 8 + 4 + 2 + 1);
  for (const [key, hash] of completed) {
    const [height, index] = key.split('/').map(Number) as [number, number];
    const span = 2 ** height;
    assert.deepEqual(hash, definedRoot(leaves.slice(index * span, (index + 1) * span)));
  }
});

const sizes = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 250, max: 262 }),
  fc.integer({ min: 1, max: 1_100 }),
);

test('every leaf of every tree has a proof, and the proof fits nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, seed, spoiled) => {
      const index = seed % size;
      const leaves = leavesOf(size);
      const root = await rootAt(size, tilesOf(leaves));
      assert.deepEqual(root, rootOf(leaves));
      const proof = await inclusionProof(index, size, tilesOf(leaves));
      const leaf = leaves[index]!;
      assert.ok(verifyInclusion(index, size, leaf, proof, root));
      assert.ok(!verifyInclusion(index, size, leafHash(Buffer.from('other')), proof, root));
      assert.ok(!verifyInclusion(index, size, leaf, [...proof, leaf], root));
      assert.ok(!verifyInclusion(size, size, leaf, proof, root));
      if (size === 1) return;
      assert.ok(!verifyInclusion((index + 1) % size, size, leaf, proof, root));
      assert.ok(!verifyInclusion(index, size, leaf, proof.slice(1), root));
      const wrong = proof.map((one) => Buffer.from(one));
      wrong[spoiled % wrong.length]![spoiled % 32]! ^= 1;
      assert.ok(!verifyInclusion(index, size, leaf, wrong, root));
    }),
    { numRuns: 150 },
  );
});

test('a proof shows that a tree continues a smaller one, and no other tree', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, seed, changed) => {
      const small = 1 + (seed % size);
      const leaves = leavesOf(size);
      const from = { size: small, root: rootOf(leaves.slice(0, small)) };
      const to = { size, root: rootOf(leaves) };
      const proof = await consistencyProof(small, size, tilesOf(leaves));
      assert.ok(verifyConsistency({ from, to }, proof));
      const other = leaves.with(changed % small, leafHash(Buffer.from('other')));
      const rewritten = { size, root: rootOf(other) };
      const rewrittenProof = await consistencyProof(small, size, tilesOf(other));
      assert.ok(!verifyConsistency({ from, to: rewritten }, rewrittenProof));
      assert.ok(!verifyConsistency({ from, to: rewritten }, proof));
      assert.ok(!verifyConsistency({ from: to, to: from }, proof) || small === size);
      assert.ok(!verifyConsistency({ from, to }, [...proof, from.root]));
      if (small < size) assert.ok(!verifyConsistency({ from, to }, proof.slice(0, -1)));
    }),
    { numRuns: 150 },
  );
});
