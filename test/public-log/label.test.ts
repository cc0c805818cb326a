import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelOf, labelWords } from '../../src/public-log/label.ts';

/** The number of letters that must be added, removed or replaced to get from one word to another. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = row[j]! + (letter === other ? 0 : 1);
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, replaced));
    }
    row = next;
  }
  return row[b.length]!;
}

test('a label has 256 words, which differ in at least two letters', () => {
  assert.equal(labelWords.length, 256);
  for (const [index, word] of labelWords.entries()) {
    assert.match(word, /^[a-z]{3,8}$/);
    for (const other of labelWords.slice(index + 1)) {
      assert.ok(distance(word, other) >= 2, `${word} and ${other}`);
    }
  }
});

test('the label of a checkpoint has a word for each of the first four bytes of its root', () => {
  const root = Buffer.alloc(32);
  root.set([0, 255, 1, 254]);
  const [first, second] = labelWords;
  assert.equal(labelOf(root), `${first} ${labelWords[255]} ${second} ${labelWords[254]}`);
});
