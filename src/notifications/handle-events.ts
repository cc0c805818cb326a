import type { EventHandler } from '../audit/event-consumer.ts';
import { auditEntry, type AuditRow } from '../audit/queries.ts';
import type { Tx } from '../database/transaction.ts';
import { newId } from '../identity/ids.ts';
import { messageForParticipant, planFor, type DigestCount } from './plan.ts';
import * as sql from './queries.ts';
import { moveDeadlineReminders, setReminders } from './reminder-queries.ts';
import { receiptReminderAt, holdReminderAt, paymentReminders } from './reminders.ts';
import { enqueueMessages } from './outbox.ts';

/** Maximum number of participations that one transaction notifies of an event. */
const toldAtOnce = 1_000;

/**
 * Creates the function that creates notifications for the next audit events of a campaign. It runs
 * in the transaction that also moves the campaign's cursor, the position in the audit log up to
 * which events are handled.
 */
export function eventHandler(options: { readonly digestSeconds: number }): EventHandler {
  return async (tx, campaignId, events) => {
    const facts = await tx.one(sql.campaignFacts, campaignId);
    const people = await peopleIn(tx, campaignId, events);
    const plans = events.map((event) => ({
      event,
      person: people.get(subjectOf(event)),
      ...planFor({ event, facts, person: people.get(subjectOf(event)) }),
    }));
    await enqueueMessages(
      tx,
      campaignId,
      plans.flatMap(({ messages }) => messages),
    );
    await gather(tx, campaignId, plans, options.digestSeconds);
    for (const { event, isForEverybody } of plans) {
      if (isForEverybody) await tx.rows(sql.insertFanout, campaignId, event.seq);
    }
    await sendToEndpoints(tx, facts.brand_id, events);
    await setAlarms(tx, campaignId, plans, facts.payment_term_seconds);
  };
}

/**
 * Notifies the next batch of a campaign's participants of one event. Returns false when all
 * participants are notified, or when another worker is notifying them.
 */
export async function fanOut(tx: Tx, campaignId: string, seq: bigint): Promise<boolean> {
  const fanout = await tx.maybe(sql.lockFanout, campaignId, seq);
  if (fanout === undefined) return false;
  const facts = await tx.one(sql.campaignFacts, campaignId);
  const [event] = await tx.rows(auditEntry, campaignId, seq);
  const people = await tx.rows(sql.peopleAfter, campaignId, fanout.after, toldAtOnce);
  const isShipping = event?.event === 'campaign_shipped';
  const messages = people.flatMap(({ user_id: userId, is_live: isLive, is_paid: isPaid }) => {
    // An order that is not paid is not shipped, so its buyer gets no notification of shipping.
    const isTold = isLive && (isPaid || !isShipping);
    const message = event && isTold ? messageForParticipant(event, facts, userId) : undefined;
    return message ?? [];
  });
  await enqueueMessages(tx, campaignId, messages);
  if (event && isShipping) await setReceiptReminders(tx, event, people);
  const last = people.at(-1);
  if (last === undefined || people.length < toldAtOnce) {
    await tx.rows(sql.removeFanout, campaignId, seq);
    return false;
  }
  await tx.rows(sql.moveFanout, campaignId, seq, last.participation_id);
  return true;
}

/**
 * Schedules a reminder to confirm receipt for the buyers of a shipped batch. The reminder is sent
 * some time before an order counts as received because its buyer has reported nothing.
 */
async function setReceiptReminders(
  tx: Tx,
  { campaign_id: campaignId, occurred_at: shippedAt, metadata }: AuditRow,
  people: readonly sql.PersonInOrder[],
): Promise<void> {
  const paid = people.filter((one) => one.is_live && one.is_paid);
  if (paid.length === 0) return;
  const dueAt = receiptReminderAt(shippedAt, new Date(String(metadata['to'])));
  await tx.rows(
    setReminders,
    campaignId,
    paid.map((one) => one.user_id),
    paid.map(() => 'receipt' as const),
    paid.map((one) => one.participation_id),
    paid.map(() => dueAt),
  );
}

/** Sends a digest to the members of a brand when the digest window has ended. */
export async function sendDigest(tx: Tx, campaignId: string): Promise<void> {
  const counts = await tx.maybe(sql.takeDigest, campaignId);
  if (counts === undefined) return;
  const facts = await tx.one(sql.campaignFacts, campaignId);
  const params = {
    campaign: facts.title,
    brand: facts.brand_name,
    joined: counts.joined,
    joined_slots: Number(counts.joined_slots),
    confirmed: counts.confirmed,
    confirmed_slots: Number(counts.confirmed_slots),
    cancelled: counts.cancelled,
    cancelled_slots: Number(counts.cancelled_slots),
    slots_taken: facts.filled_slots,
    total_slots: facts.total_slots,
  };
  const eventKey = `digest:${counts.from_seq}`;
  const kind = 'seller_digest' as const;
  await enqueueMessages(
    tx,
    campaignId,
    facts.sellers.map((userId) => ({ userId, kind, eventKey, params })),
  );
}

/**
 * Returns the id of the participation or waiting-list entry that an event is about; '' if it is
 * about neither.
 */
function subjectOf({ participation_id: id, metadata }: AuditRow): string {
  const entryId = metadata['entry_id'];
  return id ?? (typeof entryId === 'string' ? entryId : '');
}

async function peopleIn(
  tx: Tx,
  campaignId: string,
  events: readonly AuditRow[],
): Promise<ReadonlyMap<string, sql.Person>> {
  const ids = new Set(events.map(subjectOf).filter((id) => id !== ''));
  if (ids.size === 0) return new Map();
  const people = await tx.rows(sql.peopleOf, campaignId, [...ids]);
  return new Map(people.map((person) => [person.id, person]));
}

interface Planned {
  readonly event: AuditRow;
  readonly person: sql.Person | undefined;
  readonly digest: DigestCount | undefined;
}

/**
 * Adds the events that a digest counts to the open digest window of the campaign. The counts are in
 * one database row, whatever the number of events.
 */
async function gather(
  tx: Tx,
  campaignId: string,
  plans: readonly Planned[],
  windowSeconds: number,
): Promise<void> {
  const counted = plans.filter(({ digest }) => digest !== undefined);
  const [first] = counted;
  if (first === undefined) return;
  const count = (what: DigestCount) => counted.filter(({ digest }) => digest === what);
  const slots = (what: DigestCount) =>
    count(what).reduce((sum, { person }) => sum + BigInt(person?.quantity ?? 0), 0n);
  await tx.rows(
    sql.addToDigest,
    campaignId,
    first.event.seq,
    windowSeconds,
    count('joined').length,
    slots('joined'),
    count('confirmed').length,
    slots('confirmed'),
    count('cancelled').length,
    slots('cancelled'),
  );
}

async function sendToEndpoints(
  tx: Tx,
  brandId: string,
  events: readonly AuditRow[],
): Promise<void> {
  const endpoints = await tx.rows(sql.endpointsFor, brandId);
  for (const { endpoint_id: endpointId, events: wanted } of endpoints) {
    const theirs = events.filter(({ event }) => wanted.length === 0 || wanted.includes(event));
    const [first] = theirs;
    if (first === undefined) continue;
    await tx.rows(
      sql.insertWebhookDeliveries,
      first.campaign_id,
      theirs.map(newId),
      theirs.map(() => endpointId),
      theirs.map(({ seq }) => seq),
    );
  }
}

/** Events that start a hold, or continue it after a proof was rejected. */
const beginsHold = new Set<string>(['participant_joined', 'payment_rejected']);

/**
 * Schedules reminders of new holds and of due payments, and moves the reminders of a deadline that
 * was extended.
 */
async function setAlarms(
  tx: Tx,
  campaignId: string,
  plans: readonly Planned[],
  termSeconds: number,
): Promise<void> {
  // A participation has only one hold. If the events contain several that start a hold of the same
  // participation, the last event decides.
  const holds = new Map(
    plans.flatMap(({ event, person }) => {
      const until = person?.ends_at ?? null;
      if (!beginsHold.has(event.event) || person === undefined || until === null) return [];
      return [[person.id, { person, dueAt: holdReminderAt(event.occurred_at, until) }] as const];
    }),
  );
  if (holds.size > 0) {
    const begun = [...holds.values()];
    await tx.rows(
      setReminders,
      campaignId,
      begun.map(({ person }) => person.user_id),
      begun.map(() => 'hold' as const),
      begun.map(({ person }) => person.id),
      begun.map(({ dueAt }) => dueAt),
    );
  }
  // These participations were confirmed because the campaign completed, not because they were paid.
  // Their payments are due now.
  const due = plans.flatMap(({ event, person }) => {
    const isDue = event.event === 'participant_confirmed' && event.metadata['amount'] === undefined;
    if (!isDue || person === undefined || person.pay_by === null) return [];
    return paymentReminders(event.occurred_at, termSeconds).map((one) => ({ person, ...one }));
  });
  if (due.length > 0) {
    await tx.rows(
      setReminders,
      campaignId,
      due.map(({ person }) => person.user_id),
      due.map(({ kind }) => kind),
      due.map(({ person }) => person.id),
      due.map(({ dueAt }) => dueAt),
    );
  }
  const moved = plans.findLast(({ event }) => event.event === 'deadline_extended');
  const deadline = moved?.event.metadata['to'];
  if (typeof deadline === 'string') {
    await tx.rows(moveDeadlineReminders, campaignId, new Date(deadline));
  }
}
