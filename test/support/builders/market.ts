import { hash } from 'node:crypto';
import {
  createCampaign,
  defaultPaymentRules,
  type NewCampaign,
} from '../../../src/campaigns/operations.ts';
import type { Database } from '../../../src/database/pool.ts';
import type { Queryable } from '../../../src/database/query.ts';
import { DomainError } from '../../../src/errors/errors.ts';
import type { Tx } from '../../../src/database/transaction.ts';
import type { Actor, SignedIn } from '../../../src/identity/actor.ts';
import { newId } from '../../../src/identity/ids.ts';
import { runInTransaction } from '../../../src/operation/run.ts';
import { JoinBatcher, type BatcherOptions } from '../../../src/participations/batcher.ts';
import {
  joinAll,
  type JoinAnswer,
  type JoinOptions,
  type JoinRequest,
} from '../../../src/participations/join.ts';
import { waitForSlots } from '../../../src/waiting/operations.ts';
import type { WaitingEntry } from '../../../src/waiting/waiting.ts';

/** The callers, in the form in which operations receive them. */
export const service: Actor = { kind: 'service', address: '192.0.2.1' };
export const user = (userId: string): Actor => ({
  kind: 'user',
  userId,
  address: '192.0.2.2',
  roles: [],
});
export const operator = (userId = newId()): Actor => ({
  kind: 'operator',
  userId,
  address: '192.0.2.3',
  roles: ['operator'],
});

/** Runs a SQL statement of a test. Statements of the service are declared by `query` instead. */
export async function queryRows<R = Record<string, unknown>>(
  db: Queryable,
  text: string,
  ...parameters: unknown[]
): Promise<R[]> {
  const name = `test_${hash('sha1', text, 'hex')}`;
  return await db.rows<unknown[], R>({ name, text }, ...parameters);
}

export interface BrandAndProduct {
  readonly brandId: string;
  readonly productId: string;
}

/** A brand with a product that is enabled for campaigns. */
export async function createBrandAndProduct(db: Queryable): Promise<BrandAndProduct> {
  const [brandId, productId] = [newId(), newId()];
  await queryRows(
    db,
    `with b as (insert into sambatan.brands (brand_id, name) values ($1, 'Melati Wangi'))
    insert into sambatan.products (product_id, brand_id, name, base_price, sambatan_enabled)
    values ($2, $1, 'Senja', 150000, true)`,
    brandId,
    productId,
  );
  return { brandId, productId };
}

export type CampaignInput = Partial<Omit<NewCampaign, 'productId'>>;

const hourMs = 3_600_000;

/** Creates a campaign by the real operation. Default: active, ten slots, deadline in one hour. */
export async function createTestCampaign(
  db: Database,
  market: BrandAndProduct,
  terms: CampaignInput = {},
): Promise<string> {
  const totalSlots = terms.totalSlots ?? 10;
  const { id } = await db.transaction((tx) =>
    createCampaign(tx, service, {
      // Tests of payments create the receiving account themselves; other campaigns need none,
      // because they accept online payments.
      payments: { ...defaultPaymentRules, paysOnline: true },
      productId: market.productId,
      publish: true,
      title: 'Senja batch pertama',
      description: '',
      paymentTiming: 'on_completion',
      totalSlots,
      minimumSlots: totalSlots,
      minSlotsPerUser: null,
      maxSlotsPerUser: null,
      pricePerSlot: 125_000n,
      holdSeconds: 86_400,
      deadline: new Date(Date.now() + hourMs),
      opensAt: null,
      ...terms,
    }),
  );
  return id;
}

/** Lets time pass for one campaign: moves its deadline and its other stored times to earlier. */
export async function letTimePass(
  db: Queryable,
  campaignId: string,
  seconds: number,
): Promise<void> {
  const earlier = (...columns: string[]) =>
    columns.map((column) => `${column} = ${column} - $2 * interval '1 second'`).join(', ');
  await queryRows(
    db,
    `with s as (
      update sambatan.campaign_states set ${earlier('next_run_at')} where campaign_id = $1), c as (
      update sambatan.campaign_details set ${earlier('deadline', 'opens_at', 'extended_at')},
        ${earlier('completed_at', 'decision_opened_at')},
        ${earlier('shipped_at', 'received_after', 'receipts_due_at')}
      where campaign_id = $1), t as (
      update sambatan.transactions set ${earlier('pay_by', 'rejected_at', 'settled_at')}
      where campaign_id = $1), g as (
      update sambatan.gateway_calls set ${earlier('payable_until')}
      where campaign_id = $1), w as (
      update sambatan.waiting_entries set ${earlier('keep_until', 'offer_expires_at')}
      where campaign_id = $1), d as (
      update sambatan.disputes set ${earlier('opened_at', 'resolved_at')}
      where campaign_id = $1)
    update sambatan.participants set
      ${earlier('joined_at', 'hold_expires_at', 'confirmed_at', 'refunded_at', 'fulfilled_at')}
    where campaign_id = $1`,
    campaignId,
    seconds,
  );
}

/** Seconds that end the default campaign: more than the hour until its deadline. */
export const pastDeadline = 3_700;

/** A request to join; by default a new buyer takes one slot. */
export function joinRequest(campaignId: string, what: Partial<JoinRequest> = {}): JoinRequest {
  const userId = what.userId ?? newId();
  return {
    campaignId,
    participationId: newId(),
    userId,
    quantity: 1,
    shippingAddress: 'Jalan Melati 5, Yogyakarta',
    note: null,
    key: null,
    actor: `user:${userId}`,
    ...what,
  };
}

/** Sends all joins in one call of the database function; by default without a rate limit. */
export async function joinBatch(
  db: Queryable,
  requests: readonly JoinRequest[],
  options: Partial<JoinOptions> = {},
): Promise<JoinAnswer[]> {
  return await joinAll(db, requests, { attemptLimit: 0, wait: true, again: false, ...options });
}

/** Sends joins that must all succeed; returns the ids of their participations. */
export async function joinSuccessfully(
  db: Queryable,
  ...requests: readonly JoinRequest[]
): Promise<string[]> {
  return (await joinBatch(db, requests)).map((answer) => {
    if (answer instanceof DomainError) throw answer;
    return answer.participationId;
  });
}

/** Joins the waiting list by the real operation, by default as a new buyer. Returns the entry. */
export async function joinWaitingList(
  db: Database,
  campaignId: string,
  quantity = 1,
  what: { readonly userId?: string; readonly key?: string; readonly note?: string } = {},
): Promise<WaitingEntry> {
  const userId = what.userId ?? newId();
  const input = { quantity, shippingAddress: 'Jalan Melati 5, Yogyakarta', ...what, userId };
  const caller = user(userId) as SignedIn;
  return await runInTransaction(db, (tx) => waitForSlots(tx, caller, campaignId, input));
}

/** Fills the waiting list with new buyers who want one slot each. */
export async function fillWaitingList(db: Queryable, campaignId: string): Promise<void> {
  const atOnce = 50;
  // Uses several transactions. PostgreSQL cannot remove old row versions before the transaction
  // that created them ends, and each statement would scan them again.
  for (let made = 0; made < 1_000; made += atOnce) {
    await queryRows(
      db,
      `select count(sambatan.wait_for_slots($1, gen_random_uuid(), gen_random_uuid(), 1,
        'Jalan Melati 5, Yogyakarta', null, null, null, 'service')) from generate_series(1, $2)`,
      campaignId,
      atOnce,
    );
  }
}

/** 'joined', or the code with which the join was refused. */
export function outcomeOf(answer: JoinAnswer): string {
  return answer instanceof DomainError ? answer.code : 'joined';
}

/** For each promise: 'joined', the code of its refusal, or the text of any other error. */
export async function outcomes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((one) =>
    one.status === 'fulfilled'
      ? 'joined'
      : one.reason instanceof DomainError
        ? one.reason.code
        : String(one.reason),
  );
}

/** Counts how often each word occurs. */
export function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

export interface CampaignState {
  readonly status: string;
  readonly total_slots: number;
  readonly filled_slots: number;
  readonly confirmed_slots: number;
  readonly participant_count: number;
  readonly audit_seq: bigint;
}

/** The stored row of one campaign. */
export async function campaignState(db: Queryable, campaignId: string): Promise<CampaignState> {
  const [row] = await queryRows<CampaignState>(
    db,
    `select status, total_slots, filled_slots, confirmed_slots, participant_count, audit_seq
    from sambatan.campaigns where campaign_id = $1`,
    campaignId,
  );
  if (row === undefined) throw new Error(`there is no campaign ${campaignId}`);
  return row;
}

/** The events in the audit log of one campaign, with the oldest first. */
export async function eventsOf(db: Queryable, campaignId: string): Promise<string[]> {
  const rows = await queryRows<{ event: string }>(
    db,
    'select event from sambatan.audit_logs where campaign_id = $1 order by seq',
    campaignId,
  );
  return rows.map(({ event }) => event);
}

/** The options of the join batcher in tests. The limits of the database still apply. */
export const batcherOptions = {
  maxBatch: 500,
  maxQueued: 10_000,
  maxQueuedPerCampaign: 5_000,
  concurrency: 2,
  waitingConcurrency: 3,
} as const;

/** The part of a service process that handles joins: a batcher on a connection pool. */
export function createBatcher(
  db: Queryable,
  options: Partial<BatcherOptions> & { readonly attemptLimit?: number } = {},
): JoinBatcher {
  const { attemptLimit = 0, ...rest } = options;
  return new JoinBatcher({
    ...batcherOptions,
    send: (requests, how) => joinAll(db, requests, { ...how, attemptLimit }),
    ...rest,
  });
}

/** A transaction of another session that stays open until the test commits it. */
export interface OpenTransaction {
  commit(): Promise<void>;
}

/** Runs `verb` in a transaction that stays open, so that its locks are held. */
export async function keepTransactionOpen(
  db: Database,
  verb: (tx: Tx) => Promise<unknown>,
): Promise<OpenTransaction> {
  const began = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const ended = db.transaction(async (tx) => {
    await verb(tx);
    began.resolve();
    await end.promise;
  });
  await Promise.race([began.promise, ended]);
  return {
    commit: async () => {
      end.resolve();
      await ended;
    },
  };
}

/** Locks the row of one campaign, as every write does, and keeps the lock. */
export async function lockCampaign(db: Database, campaignId: string): Promise<OpenTransaction> {
  return await keepTransactionOpen(db, (tx) =>
    queryRows(tx, 'select sambatan.lock_campaign($1)', campaignId),
  );
}

/** Waits until some statement in this database waits for a lock of this kind. */
export async function waitForLockWait(db: Queryable, lockType?: string): Promise<void> {
  const waiting = `select from pg_stat_activity a join pg_locks l using (pid)
    where a.datname = current_database() and not l.granted and locktype = coalesce($1, locktype)`;
  const signal = AbortSignal.timeout(10_000);
  while ((await queryRows(db, waiting, lockType ?? null)).length === 0) signal.throwIfAborted();
}
