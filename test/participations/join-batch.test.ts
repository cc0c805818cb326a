import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { DomainError } from '../../src/errors/errors.ts';
import { newId } from '../../src/identity/ids.ts';
import type { JoinAnswer, JoinRequest } from '../../src/participations/join.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';
import { untilSeen } from '../support/inputs/replay.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

const open = { weight: 12, arbitrary: fc.constant('open' as const) };
const others = ['past', 'draft', 'scheduled', 'cancelled', 'closing', 'unknown'] as const;

/** A campaign that is created twice: one receives the batch, the other the single requests. */
const campaignPlan = fc.record({
  kind: fc.oneof(open, { weight: 5, arbitrary: fc.constantFrom(...others) }),
  totalSlots: fc.integer({ min: 1, max: 24 }),
  taken: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 24 })),
  bounds: fc.option(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 6 })), {
    freq: 2,
  }),
  upfront: fc.boolean(),
});
type CampaignPlan = typeof campaignPlan extends fc.Arbitrary<infer T> ? T : never;

const requestPlan = fc.record({
  campaign: fc.nat({ max: 3 }),
  user: fc.nat({ max: 3 }),
  quantity: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
    { weight: 1, arbitrary: fc.integer({ min: 4, max: 15 }) },
  ),
  key: fc.option(fc.constantFrom('a', 'b'), { freq: 2 }),
  note: fc.option(fc.constantFrom('satu', 'dua'), { freq: 2 }),
});
type RequestPlan = typeof requestPlan extends fc.Arbitrary<infer T> ? T : never;

const history = fc.record({
  campaigns: fc.array(campaignPlan, { minLength: 1, maxLength: 4 }),
  /**
   * Joins that are sent one by one to both campaigns before the test, so that the campaigns are not
   * empty.
   */
  before: fc.array(requestPlan, { maxLength: 4 }),
  requests: fc.array(requestPlan, { minLength: 1, maxLength: 30, size: 'max' }),
  attemptLimit: fc.constantFrom(0, 0, 3, 8),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

interface Side {
  readonly campaigns: readonly string[];
  readonly users: readonly string[];
}

async function makeCampaign(plan: CampaignPlan): Promise<string> {
  if (plan.kind === 'unknown') return newId();
  const { totalSlots } = plan;
  const min = plan.bounds && Math.min(plan.bounds[0], totalSlots);
  const max = plan.bounds && min && Math.min(min + plan.bounds[1], totalSlots);
  const id = await createTestCampaign(db, market, {
    totalSlots,
    minSlotsPerUser: min,
    maxSlotsPerUser: max,
    paymentTiming: plan.upfront ? 'upfront' : 'on_completion',
    // Half of the holds lapse before the deadline, which is in one hour. The others lapse at it.
    holdSeconds: totalSlots % 2 === 0 ? 600 : 86_400,
    publish: plan.kind !== 'draft',
    opensAt: plan.kind === 'scheduled' ? new Date(Date.now() + 60_000) : null,
  });
  const taken = Math.min(plan.taken, totalSlots);
  if (taken > 0 && ['open', 'past', 'closing'].includes(plan.kind) && plan.bounds === null) {
    await joinSuccessfully(db, joinRequest(id, { quantity: taken }));
  }
  if (plan.kind === 'past') await letTimePass(db, id, 3_700);
  if (plan.kind === 'closing' || plan.kind === 'cancelled') {
    await queryRows(db, "select sambatan.cancel_campaign($1, 'batal', 'service')", id);
  }
  if (plan.kind === 'cancelled')
    await queryRows(db, 'select sambatan.settle_campaign($1, false, 9)', id);
  return id;
}

async function makeSide(plan: History): Promise<Side> {
  const campaigns = await Promise.all(plan.campaigns.map(makeCampaign));
  return { campaigns, users: Array.from({ length: 4 }, newId) };
}

function requestsOf(side: Side, plans: readonly RequestPlan[]): JoinRequest[] {
  return plans.map(({ campaign, user, quantity, key, note }) =>
    joinRequest(side.campaigns[campaign % side.campaigns.length]!, {
      userId: side.users[user]!,
      quantity,
      key,
      note,
    }),
  );
}

/**
 * An answer that can be compared: instead of the id of a participation it has the index of the
 * request.
 */
function told(answers: readonly JoinAnswer[], requests: readonly JoinRequest[]): unknown[] {
  return answers.map((answer) => {
    if (answer instanceof DomainError) {
      // How many seconds to wait depends on the time of the request, so it is left out.
      return [answer.code, answer.code === 'rate_limited' ? {} : answer.params];
    }
    const made = requests.findIndex((one) => one.participationId === answer.participationId);
    return ['joined', made, answer.replayed];
  });
}

/** The rows of one campaign, without ids, times and hashes, because those always differ. */
async function stored(side: Side, requests: readonly JoinRequest[]): Promise<unknown> {
  const place = new Map(requests.map((one, index) => [one.participationId, index]));
  const who = new Map(side.users.map((id, index) => [id, index]));
  const placed = (id: unknown) => (id === null ? null : (place.get(String(id)) ?? 'earlier'));
  const result = [];
  for (const id of side.campaigns) {
    const campaigns = await queryRows(
      db,
      `select status, filled_slots, confirmed_slots, participant_count, audit_seq, closing_outcome,
        filled_at is not null as has_filled, next_run_at is null as is_idle,
        next_run_at < deadline as has_hold_due
      from sambatan.campaigns where campaign_id = $1`,
      id,
    );
    const participants = await queryRows(
      db,
      `select p.participation_id, p.user_id, p.quantity, p.status, p.shipping_address, p.note,
        case when p.hold_expires_at = c.deadline then 'until the deadline'
          else (p.hold_expires_at - p.joined_at)::text end as hold
      from sambatan.participants p join sambatan.campaigns c using (campaign_id)
      where p.campaign_id = $1`,
      id,
    );
    const events = await queryRows(
      db,
      `select seq, event, participation_id, metadata - 'deadline' - 'opens_at' as metadata
      from sambatan.audit_events where campaign_id = $1 order by seq`,
      id,
    );
    const keys = await queryRows(
      db,
      `select user_id, key, encode(request_hash, 'hex') is not null as hashed, outcome, params,
        participation_id from sambatan.idempotency_keys where campaign_id = $1`,
      id,
    );
    result.push({
      campaigns,
      participants: sorted(
        participants.map((row) => ({
          ...row,
          participation_id: placed(row['participation_id']),
          user_id: who.get(String(row['user_id'])) ?? 'earlier',
        })),
      ),
      events: events.map((row) => ({ ...row, participation_id: placed(row['participation_id']) })),
      keys: sorted(
        keys.map((row) => ({
          ...row,
          participation_id: placed(row['participation_id']),
          user_id: who.get(String(row['user_id'])),
        })),
      ),
    });
  }
  const attempts = await queryRows(
    db,
    'select caller, attempts from sambatan.join_attempts where caller = any ($1)',
    side.users,
  );
  return {
    campaigns: result,
    attempts: sorted(attempts.map((row) => ({ ...row, caller: who.get(String(row['caller'])) }))),
  };
}

function sorted(rows: readonly object[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}

let seen = { joined: 0, refused: 0, outcomes: new Set<string>() };

async function batchIsSequence(plan: History): Promise<void> {
  const [one, many] = await Promise.all([makeSide(plan), makeSide(plan)]);
  const { attemptLimit } = plan;
  const single = async (requests: readonly JoinRequest[]) => {
    const answers: JoinAnswer[] = [];
    for (const request of requests) {
      answers.push(...(await joinBatch(db, [request], { attemptLimit })));
    }
    return answers;
  };
  const before = [requestsOf(one, plan.before), requestsOf(many, plan.before)] as const;
  const requests = [requestsOf(one, plan.requests), requestsOf(many, plan.requests)] as const;
  await Promise.all([single(before[0]), single(before[1])]);
  // The order matters only within a campaign, and a batch handles one campaign after the other.
  const inTurn = [...Map.groupBy(requests[1], (request) => request.campaignId).values()].flat();
  const [together, apart] = await Promise.all([
    joinBatch(db, requests[0], { attemptLimit }),
    single(inTurn).then((answers) =>
      requests[1].map((request) => answers[inTurn.indexOf(request)]!),
    ),
  ]);
  for (const answer of together) {
    const code = answer instanceof DomainError ? answer.code : 'joined';
    seen.outcomes.add(code);
    if (code === 'joined') seen.joined++;
    else seen.refused++;
  }
  const all = [
    [...before[0], ...requests[0]],
    [...before[1], ...requests[1]],
  ] as const;
  assert.deepEqual(told(together, all[0]), told(apart, all[1]));
  assert.deepEqual(await stored(one, all[0]), await stored(many, all[1]));
}

/**
 * If a batch is sent again after it was applied, it gets its answers again and is not applied
 * twice.
 */
async function againIsOnce(plan: History): Promise<void> {
  const side = await makeSide(plan);
  const requests = requestsOf(side, plan.requests);
  const first = await joinBatch(db, requests);
  const second = await joinBatch(db, requests, { again: true });
  for (const [index, answer] of first.entries()) {
    if (answer instanceof DomainError) continue;
    assert.deepEqual(second[index], { ...answer, replayed: true });
  }
}

/** Seeds with which a history once failed, each with the path to the smallest failing history. */
const corpus = JSON.parse(
  readFileSync(join(import.meta.dirname, '../corpus/joins.batch.json'), 'utf8'),
) as { seed: number; path?: string }[];

const seed = Number(process.env['SAMBATAN_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env['SAMBATAN_TEST_RUNS'] ?? 100);

test('a batch has the same results as its requests one after the other', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${seed} for ${numRuns} runs`);
  seen = { joined: 0, refused: 0, outcomes: new Set() };
  await fc.assert(fc.asyncProperty(history, batchIsSequence), {
    seed,
    numRuns,
    endOnFailure: false,
  });
  const { outcomes } = seen;
  if (numRuns >= 100) {
    const missing = () => [
      ...(seen.joined >= numRuns ? [] : ['enough joins']),
      ...(outcomes.size >= 9 ? [] : [`outcomes beside ${[...outcomes].join(', ')}`]),
    ];
    await untilSeen(missing, (runs, nth) =>
      fc.assert(fc.asyncProperty(history, batchIsSequence), {
        seed: seed + 1 + nth,
        numRuns: runs,
        endOnFailure: false,
      }),
    );
  }
  t.diagnostic(`${seen.joined} joined, ${seen.refused} refused: ${[...outcomes].join(', ')}`);
});

test('a batch that is resent after it was applied returns the same slots once', async (t) => {
  const runs = Math.ceil(numRuns / 4);
  t.diagnostic(`SAMBATAN_TEST_SEED=${seed} for ${runs} runs`);
  await fc.assert(fc.asyncProperty(history, againIsOnce), { seed, numRuns: runs });
});

for (const { seed: failed, path } of corpus) {
  test(`the history of seed ${failed}, which once failed, passes`, async () => {
    const only = path === undefined ? { numRuns: 20 } : { path, numRuns: 1 };
    await fc.assert(fc.asyncProperty(history, batchIsSequence), { seed: failed, ...only });
  });
}

test('the joins of a buyer together respect the minimum and maximum slots of a campaign', async () => {
  const terms = { totalSlots: 20, minSlotsPerUser: 3, maxSlotsPerUser: 5 };
  const id = await createTestCampaign(db, market, terms);
  const userId = newId();
  const asked = [2, 6, 3, 1, 2, 1];
  const answers = await joinBatch(
    db,
    asked.map((quantity) => joinRequest(id, { userId, quantity })),
  );
  const outcomes = answers.map((answer) =>
    answer instanceof DomainError ? [answer.code, answer.params] : 'joined',
  );
  const refused = (held: number) => ['quantity_out_of_bounds', { minimum: 3, maximum: 5, held }];
  // The limit applies to the new slots plus the slots that the buyer already has.
  const expected = [refused(0), refused(0), 'joined', 'joined', refused(4), 'joined'];
  assert.deepEqual(outcomes, expected);
});
