import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeReceipt,
  encodeReceipt,
  indexOf,
  publicRecordOf,
  ReceiptFormatError,
  type Receipt,
} from '../../src/public-log/receipt.ts';

const bytes = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));

const receipts: fc.Arbitrary<Receipt> = fc.record(
  {
    logName: fc
      .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
      .filter((name) => Buffer.byteLength(name) <= 255),
    campaignId: fc.uuid(),
    recordHead: bytes(34),
    salt: bytes(32),
    privateRecord: bytes(0, 300),
    treeSize: fc.nat(0xffffffff),
    extraLines: fc.constantFrom('', 'restored 2026-11-24T02:12:05Z\n'),
    keyId: bytes(4),
    signature: bytes(64),
    hashes: fc.array(bytes(32), { maxLength: 32 }),
  },
  { noNullPrototype: true },
);

/** A receipt whose log has a name of `name` characters, and a proof of `height` hashes. */
function receiptOf(name: number, height: number): Receipt {
  return {
    logName: 'n'.repeat(name),
    campaignId: '01a20b4c-835b-749c-a5c2-11fb97bff150',
    recordHead: Buffer.alloc(34, 1),
    salt: Buffer.alloc(32, 2),
    privateRecord: Buffer.concat([Buffer.alloc(41, 3), Buffer.from('participant_joined|')]),
    treeSize: 2 ** height,
    extraLines: '',
    keyId: Buffer.alloc(4, 4),
    signature: Buffer.alloc(64, 5),
    hashes: Array.from({ length: height }, () => Buffer.alloc(32, 6)),
  };
}

test('a receipt has all its fields again after it was written as text', () => {
  fc.assert(
    fc.property(receipts, (receipt) => {
      const text = encodeReceipt(receipt);
      assert.match(text, /^SBT1\.[A-Za-z0-9_-]+$/);
      assert.deepEqual(decodeReceipt(text), receipt);
      assert.deepEqual(decodeReceipt(`https://example.com/bukti#${text}\n`), receipt);
    }),
  );
});

test('a receipt that lost bytes, or has other characters, is refused', () => {
  fc.assert(
    fc.property(receipts, fc.nat(), fc.nat(31), (receipt, place, missing) => {
      const text = encodeReceipt(receipt);
      // A receipt without whole hashes at its end can be read; its proof is then wrong.
      const cut = Buffer.from(text.slice(5), 'base64url').subarray(0, -1 - (missing % 31));
      assert.throws(() => decodeReceipt(`SBT1.${cut.toString('base64url')}`), ReceiptFormatError);
      const at = 5 + (place % (text.length - 5));
      const damaged = `${text.slice(0, at)}*${text.slice(at + 1)}`;
      assert.throws(() => decodeReceipt(damaged), ReceiptFormatError);
    }),
  );
  for (const text of ['', 'SBT1.', 'SBT2.AAAA', 'SBT1.AgAA', 'nothing']) {
    assert.throws(() => decodeReceipt(text), ReceiptFormatError, text);
  }
});

test('any text is either a receipt or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), bytes(0, 400)), (input) => {
      const text = typeof input === 'string' ? input : `SBT1.${input.toString('base64url')}`;
      try {
        assert.equal(encodeReceipt(decodeReceipt(text)), text.trim());
      } catch (error) {
        assert(error instanceof ReceiptFormatError, String(error));
      }
    }),
  );
});

test('the public record follows from a receipt', () => {
  const receipt = receiptOf(9, 3);
  receipt.recordHead.writeBigUInt64BE(8n, 1);
  const commitment = createHash('sha256').update(receipt.salt).update(receipt.privateRecord);
  const record = Buffer.concat([receipt.recordHead, commitment.digest()]);
  assert.deepEqual(publicRecordOf(receipt), record);
  assert.equal(record.length, 66);
  assert.equal(indexOf(receipt), 7);
});

test('a receipt has at most 1 KB, also for large campaigns', () => {
  assert(encodeReceipt(receiptOf(32, 16)).length <= 1_024);
  const large = encodeReceipt(receiptOf(32, 24));
  assert(Buffer.from(large.slice(5), 'base64url').length <= 1_024);
});
