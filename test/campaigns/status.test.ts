import {
  participationStatuses,
  toApiParticipationStatus,
  toDbParticipationStatus,
} from '../../src/database/status-words.ts';
import {
  campaignStatuses,
  toApiStatus,
  toDbStatus,
  type CampaignStatus,
} from '../../src/database/status-words.ts';
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { campaignEvents, type CampaignEvent, participationEvents } from '../../src/audit/events.ts';
import { editCampaign } from '../../src/campaigns/operations.ts';
import { campaignAfter, campaignTransitions, isFinal } from '../../src/campaigns/status.ts';
import { settleDue, settleUntilDone } from '../../src/lifecycle/due.ts';
import {
  cancelCampaign,
  decideBelowMinimum,
  extendCampaign,
  publishCampaign,
} from '../../src/lifecycle/operations.ts';
import { asDomainError, runInTransaction } from '../../src/operation/run.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { participationAfter, participationTransitions } from '../../src/participations/status.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  pastDeadline,
  service,
  joinRequest,
  type CampaignInput,
} from '../support/builders/market.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const { db, log, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);
await createReceivingAccount(db);
const parts = { db, log, paysOnline: false };

suite('vocabularies', () => {
  test('every status of the database has one status of the API, and vice versa', async () => {
    const labels = await queryRows<{ type: string; label: string }>(
      db,
      `select t.typname as type, e.enumlabel as label from pg_enum e
      join pg_type t on t.oid = e.enumtypid order by t.typname, e.enumsortorder`,
    );
    const stored = (type: string) =>
      labels.filter((row) => row.type === type).map((row) => row.label);
    assert.deepEqual(stored('campaign_status'), campaignStatuses.map(toDbStatus));
    assert.deepEqual(
      campaignStatuses.map((status) => toApiStatus(toDbStatus(status))),
      campaignStatuses,
    );
    assert.deepEqual(
      stored('participant_status'),
      participationStatuses.map(toDbParticipationStatus),
    );
    assert.deepEqual(
      participationStatuses.map((s) => toApiParticipationStatus(toDbParticipationStatus(s))),
      participationStatuses,
    );
  });

  test('completed, failed and cancelled are the only final statuses', () => {
    assert.deepEqual(campaignStatuses.filter(isFinal), ['completed', 'failed', 'cancelled']);
  });

  test('a missing transition is undefined, for every status and event', () => {
    for (const status of campaignStatuses) {
      const possible = Object.keys(campaignTransitions[status]);
      const found = campaignEvents.filter((event) => campaignAfter(status, event) !== undefined);
      assert.deepEqual(found.toSorted(), possible.toSorted(), status);
    }
    for (const status of participationStatuses) {
      const possible = Object.keys(participationTransitions[status]);
      const found = participationEvents.filter((event) => participationAfter(status, event));
      assert.deepEqual(found.toSorted(), possible.toSorted(), status);
    }
  });
});

class RolledBack extends Error {}

/**
 * Whether the database accepts a statement. False means that the trigger on the status refused it.
 */
async function isTaken(statement: string, ...parameters: unknown[]): Promise<boolean> {
  try {
    await db.transaction(async (tx) => {
      await queryRows(tx, statement, ...parameters);
      throw new RolledBack();
    });
  } catch (error) {
    if (error instanceof RolledBack) return true;
    if (error instanceof Error && 'code' in error && error.code === 'SB001') return false;
    throw error;
  }
  return assert.fail();
}

/** The functions that bring a reserved participation to each status. */
const wayTo = {
  reserved: [],
  confirmed: ['confirmed'],
  cancelled: ['cancelled'],
  refunded: ['refunded'],
  fulfilled: ['confirmed', 'fulfilled'],
} as const;

suite('the database itself', () => {
  test('allows exactly the campaign transitions of the table', async () => {
    for (const from of campaignStatuses) {
      const id = await campaignIn(from);
      for (const to of campaignStatuses) {
        const taken = await isTaken(
          `with c as (select $2::sambatan.campaign_status as to_status),
          s as (update sambatan.campaign_states set status = to_status,
            filled_slots = case to_status when 'locked' then total_slots else 0 end,
            participant_count = case to_status when 'locked' then 1 else 0 end,
            confirmed_slots = 0, closing_outcome = null, closing_actor = null,
            next_run_at = case when to_status in ('scheduled', 'active', 'locked', 'verifying')
              then now() end
            from c where campaign_id = $1)
          update sambatan.campaign_details t set status = to_status, opened_at = now(),
            opens_at = now(), deadline = now() + interval '1 hour',
            payment_timing = case when to_status = 'verifying' then 'upfront' else payment_timing end,
            verifying_at = now(),
            completed_at = case to_status when 'fulfilled' then now()
              when 'cancelled' then completed_at end,
            failed_at = case to_status when 'expired' then now() end,
            cancelled_at = case to_status when 'cancelled' then now() end
          from c where campaign_id = $1`,
          id,
          toDbStatus(to),
        );
        const leads: CampaignStatus[] = Object.values(campaignTransitions[from]);
        assert.equal(taken, from === to || leads.includes(to), `${from} to ${to}`);
      }
    }
  });

  test('allows exactly the participation transitions of the table', async () => {
    const campaignId = await createTestCampaign(db, market, { totalSlots: 1000 });
    for (const from of participationStatuses) {
      const [id] = await joinSuccessfully(db, joinRequest(campaignId));
      const move = `update sambatan.participants set status = $2::sambatan.participant_status,
          confirmed_at = case when $2 in ('confirmed', 'fulfilled') then now() end,
          cancelled_at = case when $2 = 'cancelled' then now() end,
          cancel_reason = case when $2 = 'cancelled' then 'buyer' end,
          refunded_at = case when $2 = 'refunded' then now() end,
          fulfilled_at = case when $2 = 'fulfilled' then now() end
        where participation_id = $1`.replaceAll(/\$2(?!:)/g, '$2::sambatan.participant_status');
      for (const to of participationStatuses) {
        const leads: string[] = Object.values(participationTransitions[from]);
        let taken = false;
        await db
          .transaction(async (tx) => {
            for (const step of wayTo[from]) await queryRows(tx, move, id, step);
            await queryRows(tx, move, id, toDbParticipationStatus(to));
            taken = true;
            throw new RolledBack();
          })
          .catch((error: Error & { code?: string }) => {
            if (!(error instanceof RolledBack)) assert.equal(error.code, 'SB001', String(error));
          });
        assert.equal(taken, from === to || leads.includes(to), `${from} to ${to}`);
      }
    }
  });
});

const soon = () => new Date(Date.now() + 600_000);

/** Creates a campaign and brings it to a status by the real operations. */
async function campaignIn(status: CampaignStatus, terms: CampaignInput = {}): Promise<string> {
  const scheduled = status === 'scheduled' ? { opensAt: soon() } : {};
  const id = await createTestCampaign(db, market, {
    totalSlots: 3,
    publish: status !== 'inactive',
    ...scheduled,
    ...terms,
  });
  if (status === 'verifying') {
    await joinSuccessfully(db, joinRequest(id));
    await awaitMoney(id);
    await letTimePass(db, id, pastDeadline);
    await settleUntilDone(parts, id);
  }
  if (status === 'full' || status === 'completed')
    await joinSuccessfully(db, joinRequest(id, { quantity: 3 }));
  if (status === 'active' || status === 'failed')
    await joinSuccessfully(db, joinRequest(id, { quantity: 2 }));
  if (status === 'completed' || status === 'failed') {
    await letTimePass(db, id, pastDeadline);
    await settleUntilDone(parts, id);
  }
  if (status === 'cancelled') {
    await runInTransaction(db, (tx) => cancelCampaign(tx, service, id, 'for the test'));
    await settleUntilDone(parts, id);
  }
  assert.equal(await statusOf(id), status);
  return id;
}

/** Makes an open campaign one that is paid upfront, and creates the payments of its buyers. */
async function awaitMoney(id: string): Promise<void> {
  await queryRows(
    db,
    `update sambatan.campaign_details set payment_timing = 'upfront'
    where campaign_id = $1 and status in ('active', 'locked')`,
    id,
  );
  await queryRows(
    db,
    `select sambatan.open_payment($1, p.participation_id)
    from sambatan.participants p join sambatan.campaigns c using (campaign_id)
    where p.campaign_id = $1 and c.status in ('active', 'locked')`,
    id,
  );
}

/**
 * Ends the wait for payments. Either they were made on the day of the deadline, or they were not
 * made.
 */
async function decideMoney(id: string, isPaid: boolean): Promise<void> {
  if ((await statusOf(id)) !== 'verifying') return;
  await queryRows(
    db,
    isPaid
      ? `select sambatan.verify_payment($1, p.participation_id, null, 'service', null,
          (c.deadline at time zone 'Asia/Jakarta')::date)
        from sambatan.participants p join sambatan.campaigns c using (campaign_id)
        where p.campaign_id = $1`
      : `select sambatan.reject_payment($1, p.participation_id, 'tidak ada', 'service')
        from sambatan.participants p join sambatan.campaigns c using (campaign_id)
        where p.campaign_id = $1
          and (sambatan.submit_proof($1, p.participation_id, 'application/pdf', 'x', 'service')
            ).status = 'proof_submitted'`,
    id,
  );
}

async function statusOf(id: string): Promise<CampaignStatus> {
  const [row] = await queryRows<{ status: 'draft' }>(
    db,
    'select status from sambatan.campaigns where campaign_id = $1',
    id,
  );
  return toApiStatus(row!.status);
}

/** All data of a campaign as one text, to compare it before and after an operation. */
async function everythingOf(id: string): Promise<string> {
  const [row] = await queryRows<{ all: string }>(
    db,
    `select jsonb_build_object(
      'campaign', (select to_jsonb(c) from sambatan.campaigns c where campaign_id = $1),
      'participants', (select jsonb_agg(p order by participation_id) from sambatan.participants p
        where campaign_id = $1),
      'money', (select jsonb_agg(t order by transaction_id) from sambatan.transactions t
        where campaign_id = $1),
      'log', (select jsonb_agg(a order by seq) from sambatan.audit_logs a where campaign_id = $1)
    )::text as all`,
    id,
  );
  return row!.all;
}

async function firstParticipation(id: string): Promise<string> {
  const [row] = await queryRows<{ participation_id: string }>(
    db,
    'select participation_id from sambatan.participants where campaign_id = $1',
    id,
  );
  return row?.participation_id ?? '00000000-0000-7000-8000-000000000000';
}

const runNow = async () => {
  const { failure } = await settleDue(parts, { completeFull: false });
  assert.equal(failure, undefined);
};

/** What is done to cause each event, in a campaign of any status. */
const attempt: Record<Exclude<CampaignEvent, 'campaign_created'>, (id: string) => Promise<void>> = {
  campaign_edited: async (id) =>
    void (await runInTransaction(db, (tx) =>
      editCampaign(tx, service, id, { title: 'Judul lain' }),
    )),
  campaign_opened: (id) => runInTransaction(db, (tx) => publishCampaign(tx, service, id)),
  campaign_full: async (id) => {
    const [answer] = await joinBatch(db, [joinRequest(id)]);
    if (answer instanceof DomainError) throw answer;
  },
  campaign_reopened: async (id) => {
    const participation = await firstParticipation(id);
    await queryRows(
      db,
      `select sambatan.release_participation($1, $2, 'buyer', 'service')`,
      id,
      participation,
    );
  },
  campaign_completed: async (id) => {
    await queryRows(
      db,
      `update sambatan.campaign_details set minimum_slots = 1
      where campaign_id = $1 and status in ('active', 'locked', 'verifying')`,
      id,
    );
    await decideMoney(id, true);
    await pastItsDeadline(id);
  },
  campaign_verifying: async (id) => {
    await awaitMoney(id);
    await pastItsDeadline(id);
  },
  campaign_failed: async (id) => {
    // If a full campaign is paid upfront, it can fail when its slots are not paid.
    await queryRows(
      db,
      `update sambatan.campaign_details set payment_timing = 'upfront'
      where campaign_id = $1 and status = 'locked'`,
      id,
    );
    await decideMoney(id, false);
    await pastItsDeadline(id);
  },
  campaign_cancelled: async (id) => {
    // Nobody pays, and the seller then decides to stop.
    if ((await statusOf(id)) === 'completed') {
      await letTimePass(db, id, 7 * 86_400);
      await settleUntilDone(parts, id);
      const decision = { goesOn: false, note: null };
      await runInTransaction(db, (tx) => decideBelowMinimum(tx, service, id, decision));
      await settleUntilDone(parts, id);
      return;
    }
    await runInTransaction(db, (tx) => cancelCampaign(tx, service, id, 'bahan habis'));
    await settleUntilDone(parts, id);
  },
  deadline_extended: (id) =>
    runInTransaction(db, (tx) =>
      extendCampaign(tx, service, id, {
        deadline: new Date(Date.now() + 86_400_000),
        reason: 'masih banyak peminat',
      }),
    ),
};

/**
 * Lets the deadline pass. Only an open campaign has a deadline, so otherwise time has no effect.
 */
async function pastItsDeadline(id: string): Promise<void> {
  const status = await statusOf(id);
  if (status === 'active' || status === 'full') await letTimePass(db, id, pastDeadline);
  await runNow();
}

/** The expected refusal where the table has no transition; undefined: the action has no effect. */
const refusals: Record<
  Exclude<CampaignEvent, 'campaign_created'>,
  Partial<Record<CampaignStatus | 'else', string | undefined>>
> = {
  campaign_edited: { else: 'transition_not_allowed' },
  campaign_opened: { else: 'transition_not_allowed' },
  campaign_full: {
    inactive: 'campaign_not_found',
    full: 'slots_unavailable',
    else: 'campaign_not_active',
  },
  campaign_reopened: {
    inactive: 'participation_not_found',
    scheduled: 'participation_not_found',
    cancelled: 'participation_not_found',
    verifying: 'deadline_passed',
    // Slots become free, but the campaign is open already.
    active: undefined,
    else: 'participation_transition_not_allowed',
  },
  campaign_completed: { else: undefined },
  campaign_verifying: { else: undefined },
  campaign_failed: { else: undefined },
  campaign_cancelled: { else: 'transition_not_allowed' },
  deadline_extended: { else: 'transition_not_allowed' },
};

suite('the verbs', () => {
  for (const event of campaignEvents) {
    if (event === 'campaign_created') continue;
    for (const status of campaignStatuses) {
      const to = campaignAfter(status, event);
      test(`${event} of a campaign that is ${status}: ${to ?? 'refused'}`, async () => {
        const id = await campaignIn(status);
        const logged = async () =>
          (
            await queryRows<{ n: bigint }>(
              db,
              'select count(*) as n from sambatan.audit_logs where campaign_id = $1 and event = $2',
              id,
              event,
            )
          )[0]!.n;
        const [before, loggedBefore] = [await everythingOf(id), await logged()];
        const error = await attempt[event](id).then(
          () => undefined,
          (thrown: unknown) => asDomainError(thrown),
        );
        if (to !== undefined) {
          assert.equal(error, undefined);
          assert.equal(await statusOf(id), to);
          assert.equal(await logged(), loggedBefore + 1n);
          return;
        }
        const expected = status in refusals[event] ? refusals[event][status] : refusals[event].else;
        assert.equal(error instanceof DomainError ? error.code : error, expected);
        assert.equal(await logged(), loggedBefore);
        assert.equal(await statusOf(id), status);
        if (expected !== undefined || isFinal(status)) {
          assert.equal(await everythingOf(id), before);
        }
      });
    }
  }
});
