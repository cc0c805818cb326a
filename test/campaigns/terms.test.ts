import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { listVisible, summarizeCampaigns } from '../../src/campaigns/lists.ts';
import {
  createCampaign,
  editCampaign,
  type CampaignChange,
} from '../../src/campaigns/operations.ts';
import { campaignSorts, progressPercent } from '../../src/campaigns/campaign.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { publishCampaign } from '../../src/lifecycle/operations.ts';
import { runInTransaction } from '../../src/operation/run.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  eventsOf,
  joinSuccessfully,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  pastDeadline,
  service,
  joinRequest,
  type CampaignInput,
} from '../support/builders/market.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);
const campaign = (terms: CampaignInput = {}) => createTestCampaign(db, market, terms);
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);

/** The code of the refusal, with its field if it has one; 'done' if it succeeds. */
async function answerOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const field = error.fields?.[0]?.field;
    return field === undefined ? error.code : `${error.code} ${field}`;
  }
}

const edit = (id: string, change: CampaignChange) =>
  answerOf(runInTransaction(db, (tx) => editCampaign(tx, service, id, change)));

suite('creating', () => {
  const tries: [what: string, terms: CampaignInput, answer: string][] = [
    ['a deadline that has passed', { deadline: inSeconds(-1) }, 'deadline_not_in_future'],
    ['a minimum above the total', { minimumSlots: 11 }, 'validation_failed minimum_slots'],
    [
      'a minimum per buyer above the total',
      { minSlotsPerUser: 11 },
      'validation_failed min_slots_per_user',
    ],
    [
      'a maximum per buyer above the total',
      { maxSlotsPerUser: 11 },
      'validation_failed max_slots_per_user',
    ],
    [
      'a maximum per buyer below the minimum per buyer',
      { minSlotsPerUser: 3, maxSlotsPerUser: 2 },
      'validation_failed max_slots_per_user',
    ],
    [
      'an opening at the deadline',
      { opensAt: inSeconds(3_600), deadline: inSeconds(3_600) },
      'validation_failed opens_at',
    ],
    ['a title of spaces', { title: '     ' }, 'validation_failed title'],
    [
      'the limits themselves',
      { minSlotsPerUser: 10, maxSlotsPerUser: 10, minimumSlots: 1 },
      'done',
    ],
    ['one slot', { totalSlots: 1 }, 'done'],
    [
      'the most that a campaign can be worth',
      { totalSlots: 1_000_000, pricePerSlot: 1_000_000_000n },
      'done',
    ],
  ];
  for (const [what, terms, answer] of tries) {
    test(`with ${what}: ${answer}`, async () => {
      assert.equal(await answerOf(campaign(terms)), answer);
    });
  }

  test('needs an enabled product', async () => {
    const missing = { ...market, productId: '00000000-0000-7000-8000-000000000000' };
    assert.equal(await answerOf(createTestCampaign(db, missing)), 'product_not_found');
    const other = await createBrandAndProduct(db);
    await queryRows(
      db,
      'update sambatan.products set sambatan_enabled = false where product_id = $1',
      other.productId,
    );
    assert.equal(await answerOf(createTestCampaign(db, other)), 'product_not_enabled');
  });

  test('leaves nothing if its transaction fails later', async () => {
    const before = await queryRows(db, 'select count(*) from sambatan.campaigns');
    const promise = db.transaction(async (tx) => {
      await createCampaign(tx, service, {
        productId: market.productId,
        publish: true,
        title: 'Senja',
        description: '',
        paymentTiming: 'on_completion',
        totalSlots: 1,
        minimumSlots: 1,
        minSlotsPerUser: null,
        maxSlotsPerUser: null,
        pricePerSlot: 1n,
        holdSeconds: 60,
        deadline: inSeconds(60),
        opensAt: null,
      });
      throw new DomainError('forbidden', {});
    });
    assert.equal(await answerOf(promise), 'forbidden');
    assert.deepEqual(await queryRows(db, 'select count(*) from sambatan.campaigns'), before);
  });

  test('a past opening time opens at once when published, and is a draft otherwise', async () => {
    const passed = inSeconds(-60);
    const [open, draft] = [
      await campaign({ opensAt: passed }),
      await campaign({ opensAt: passed, publish: false }),
    ];
    const rows = await queryRows(
      db,
      'select status from sambatan.campaigns where campaign_id = any ($1) order by status',
      [open, draft],
    );
    assert.deepEqual(rows, [{ status: 'draft' }, { status: 'active' }]);
  });
});

suite('editing', () => {
  test('changes every field before the opening and records which ones', async () => {
    const id = await campaign({ publish: false });
    const change = { title: 'Judul baru', totalSlots: 50, minimumSlots: 20, pricePerSlot: 99_000n };
    assert.equal(await edit(id, change), 'done');
    const [row] = await queryRows(
      db,
      `select title, total_slots, minimum_slots, price_per_slot, metadata -> 'fields' as fields
      from sambatan.campaigns join sambatan.audit_events using (campaign_id)
      where campaign_id = $1 and event = 'campaign_edited'`,
      id,
    );
    assert.deepEqual(row, {
      title: 'Judul baru',
      total_slots: 50,
      minimum_slots: 20,
      price_per_slot: 99_000n,
      fields: ['title', 'total_slots', 'minimum_slots', 'price_per_slot'],
    });
  });

  test('without changes writes nothing', async () => {
    const id = await campaign();
    assert.equal(await edit(id, { title: 'Senja batch pertama', pricePerSlot: 125_000n }), 'done');
    assert.deepEqual(await eventsOf(db, id), ['campaign_created']);
  });

  test('keeps the terms once buyers have joined', async () => {
    const id = await campaign();
    await joinSuccessfully(db, joinRequest(id));
    assert.equal(await edit(id, { pricePerSlot: 1n }), 'campaign_already_open');
    assert.equal(await edit(id, { totalSlots: 5 }), 'campaign_already_open');
    assert.equal(await edit(id, { deadline: inSeconds(60) }), 'campaign_already_open');
    assert.equal(await edit(id, { title: 'Judul baru', description: 'Lebih jelas' }), 'done');
  });

  test('validates the changed fields together with the unchanged ones', async () => {
    const id = await campaign({ publish: false, minimumSlots: 8 });
    assert.equal(await edit(id, { totalSlots: 7 }), 'validation_failed minimum_slots');
    assert.equal(await edit(id, { deadline: inSeconds(-1) }), 'deadline_not_in_future');
    assert.equal(await edit(id, { opensAt: inSeconds(60) }), 'validation_failed opens_at');
  });

  test('moves the opening time, and the campaign opens at the new time', async () => {
    const id = await campaign({ opensAt: inSeconds(600) });
    assert.equal(await edit(id, { opensAt: null }), 'validation_failed opens_at');
    assert.equal(await edit(id, { opensAt: inSeconds(1_200) }), 'done');
    const [row] = await queryRows(
      db,
      'select next_run_at = opens_at as moved from sambatan.campaigns where campaign_id = $1',
      id,
    );
    assert.deepEqual(row, { moved: true });
  });
});

test('publishing after the deadline is refused; a scheduled campaign can be opened early', async () => {
  const [late, early] = [
    await campaign({ publish: false }),
    await campaign({ opensAt: inSeconds(1_200) }),
  ];
  await letTimePass(db, late, pastDeadline);
  const publish = (id: string) =>
    answerOf(runInTransaction(db, (tx) => publishCampaign(tx, service, id)));
  assert.equal(await publish(late), 'deadline_passed');
  assert.equal(await publish(early), 'done');
  assert.equal(await publish(early), 'transition_not_allowed');
});

suite('lists', () => {
  test('show each campaign once across pages, in every sort order and filter', async () => {
    const own = await createBrandAndProduct(db);
    const ids = new Set<string>();
    for (let n = 0; n < 25; n++) {
      const id = await createTestCampaign(db, own, {
        title: `Kenanga ${n}`,
        totalSlots: 4,
        // Many campaigns have equal deadlines and equal progress, so their ids decide the order.
        deadline: new Date(Math.floor(Date.now() / 1_000) * 1_000 + 3_600_000 * (1 + (n % 3))),
        ...(n % 5 === 0 ? { opensAt: inSeconds(600) } : {}),
      });
      if (n % 5 !== 0 && n % 2 === 0)
        await joinSuccessfully(db, joinRequest(id, { quantity: (n % 4) + 1 }));
      ids.add(id);
    }
    for (const sort of campaignSorts) {
      for (const [brandId, words] of [
        [undefined, undefined],
        [own.brandId, undefined],
        [undefined, 'kenan'],
        [own.brandId, 'kenanga'],
      ]) {
        const seen: string[] = [];
        const values: number[] = [];
        let start: { value: Date | number | null; id: string } | undefined;
        for (;;) {
          const wanted = { status: undefined, brandId, words, sort, after: start, limit: 4 };
          const rows = await listVisible(db, service, wanted);
          seen.push(...rows.map((row) => row.campaign_id));
          values.push(
            ...rows.map((row) =>
              sort === 'deadline' ? row.deadline.getTime() : -row.progress_floor,
            ),
          );
          const last = rows.at(-1);
          if (last === undefined || rows.length < 4) break;
          const value = { deadline: last.deadline, progress: last.progress_floor, newest: null };
          start = { value: value[sort], id: last.campaign_id };
        }
        assert.equal(new Set(seen).size, seen.length, `${sort} shows one twice`);
        assert.deepEqual(new Set(seen.filter((id) => ids.has(id))), ids);
        const order = sort === 'newest' ? seen.toSorted().toReversed() : undefined;
        if (order) assert.deepEqual(seen, order);
        else
          assert.deepEqual(
            values,
            values.toSorted((a, b) => a - b),
          );
      }
    }
  });

  test('the summary counts campaigns by status and their taken slots', async () => {
    const [row] = await queryRows<Record<string, bigint>>(
      db,
      `select count(*) filter (where status <> 'draft') as total,
        count(*) filter (where status = 'active') as active,
        sum(filled_slots) as slots from sambatan.campaigns`,
    );
    const summary = await summarizeCampaigns(db);
    assert.equal(summary.total_campaigns, Number(row!['total']));
    assert.equal(summary.active_campaigns, Number(row!['active']));
    assert.equal(summary.total_slots_taken, Number(row!['slots']));
  });
});

test('service and database compute the same percentage to the second digit', async () => {
  const rows = await queryRows<{ filled: number; total: number; percent: string }>(
    db,
    `select f as filled, t as total, round(100.0 * f / t, 2) as percent
    from unnest(array[1, 3, 7, 8, 96, 640, 1601, 16000, 999999, 1000000]) t
    cross join lateral generate_series(0, t, greatest(1, t / 500)) f`,
  );
  for (const { filled, total, percent } of rows) {
    assert.equal(progressPercent(filled, total), Number(percent), `${filled} of ${total}`);
  }
});
