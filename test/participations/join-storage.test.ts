import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { mobileNumberIn } from '../../src/participations/join.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  createBrandAndProduct,
  createTestCampaign,
  joinBatch,
  joinRequest,
  queryRows,
} from '../support/builders/market.ts';
import { seed } from '../support/inputs/replay.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

const piece = fc.constantFrom(
  '08',
  '62',
  '+62',
  '0',
  '8',
  '812',
  '3456',
  '78901',
  '12-34',
  '(021) ',
  ' 5.6 ',
  'Jalan Melati ',
  'RT 03/RW 05 ',
  'B 6208 KT',
  '\u00a0',
  '\n',
  '٠٨١٢',
);

test('the service finds the same telephone number in an address as the database', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
        {
          minLength: 50,
          maxLength: 50,
        },
      ),
      async (addresses) => {
        const rows = await queryRows<{ number: string | null }>(
          db,
          'select sambatan.phone_in(a) as number from unnest($1::text[]) with ordinality as u (a, n) order by n',
          addresses,
        );
        assert.deepEqual(
          addresses.map(mobileNumberIn),
          rows.map(({ number }) => number),
        );
      },
    ),
    { seed, numRuns: 40 },
  );
  assert.equal(mobileNumberIn('Rina, 0812-3456-7890, Jalan Melati 5'), '81234567890');
  assert.equal(mobileNumberIn('Jalan Melati 5, Yogyakarta'), null);
});

const logOf = (id: string) =>
  queryRows<{
    event: string;
    seq: bigint;
    slots: number;
    taken: number;
    joined_seq: bigint | null;
  }>(
    db,
    `select a.event, a.seq, a.slots, a.slots_taken as taken, p.joined_seq
    from sambatan.audit_logs a
    left join sambatan.participants p on p.campaign_id = a.campaign_id
      and p.participation_id = a.participation_id
    where a.campaign_id = $1 order by a.seq`,
    id,
  );

for (const [name, quantities] of Object.entries({
  'a batch that fills the campaign exactly': [2, 1, 3],
  'a batch whose last request finds no slot': [2, 1, 3, 1],
  'a batch with a request that is too large before one that fits': [4, 5, 2],
})) {
  test(`${name} leaves a log whose slots follow from each other`, async () => {
    const id = await createTestCampaign(db, market, { totalSlots: 6 });
    const answers = await joinBatch(
      db,
      quantities.map((quantity) => joinRequest(id, { quantity })),
    );
    const rows = await logOf(id);
    let taken = 0;
    for (const [index, row] of rows.entries()) {
      assert.equal(row.seq, BigInt(index + 1));
      taken += row.slots;
      assert.equal(row.taken, taken);
      if (row.event === 'participant_joined') assert.equal(row.joined_seq, row.seq);
    }
    assert.equal(taken, 6);
    assert.deepEqual(
      rows.map(({ event }) => event).filter((event) => event === 'campaign_full'),
      ['campaign_full'],
    );
    for (const answer of answers) {
      if (answer instanceof DomainError) continue;
      const stored = await queryRows<{ leaf_hash: Buffer; salt: Buffer }>(
        db,
        `select a.leaf_hash, p.salt from sambatan.participants p
        join sambatan.audit_logs a on a.campaign_id = p.campaign_id and a.seq = p.joined_seq
        where p.participation_id = $1 and p.joined_seq = $2`,
        answer.participationId,
        answer.log.index + 1,
      );
      assert.deepEqual(stored, [{ leaf_hash: answer.log.leafHash, salt: answer.log.salt }]);
    }
  });
}

test('a batch of several campaigns gives each its own sequence and times', async () => {
  const ids = await Promise.all(
    [5, 3, 9].map((totalSlots) => createTestCampaign(db, market, { totalSlots })),
  );
  const requests = [0, 1, 2, 0, 1, 2, 0, 1].map((index) => joinRequest(ids[index]!));
  const answers = await joinBatch(db, requests);
  assert.deepEqual(
    answers.map((answer) => (answer instanceof DomainError ? answer.code : answer.log.index)),
    [1, 1, 1, 2, 2, 2, 3, 3],
  );
  const logs = await Promise.all(ids.map(logOf));
  assert.deepEqual(
    logs.map((rows) => rows.map(({ taken }) => taken)),
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3, 3],
      [0, 1, 2],
    ],
  );
});
