import type { MessageKind } from './messages/kinds.ts';
import type { Tx } from '../database/transaction.ts';
import type { PlannedMessage } from './plan.ts';
import { campaignFacts, type CampaignFacts } from './queries.ts';
import {
  setReminders,
  takeReminders,
  type DueReminder,
  type ReminderKind,
} from './reminder-queries.ts';
import { enqueueMessages } from './outbox.ts';

const hourMs = 3_600_000;
/** How long before the end each reminder is sent, in milliseconds. */
const leadMs = { deadline_day: 24 * hourMs, deadline_hour: hourMs, hold: hourMs } as const;
const remindersAtOnce = 200;
/**
 * Allowed difference between the clock of this process and the database's clock, in milliseconds.
 */
const earlyMs = 1_000;

/**
 * Returns the reminders of a deadline: one day and one hour before it. Leaves out reminders whose
 * time is in the past.
 */
export function deadlineReminders(
  deadline: Date,
  now: Date,
): readonly { readonly kind: ReminderKind; readonly dueAt: Date }[] {
  return (['deadline_day', 'deadline_hour'] as const)
    .map((kind) => ({ kind, dueAt: new Date(deadline.getTime() - leadMs[kind]) }))
    .filter(({ dueAt }) => dueAt > now);
}

/**
 * Returns when to remind a buyer to pay: an hour before the hold ends, or halfway through the hold
 * if the hold is shorter than two hours.
 */
export function holdReminderAt(joinedAt: Date, holdExpiresAt: Date): Date {
  const whole = holdExpiresAt.getTime() - joinedAt.getTime();
  return new Date(holdExpiresAt.getTime() - Math.min(leadMs.hold, whole / 2));
}

/**
 * Returns when to remind a buyer of a payment that became due at `confirmedAt`. The first reminder
 * is halfway through the payment term. The second is twelve hours before the end of the term, if
 * that is later than the first.
 */
export function paymentReminders(
  confirmedAt: Date,
  termSeconds: number,
): readonly { readonly kind: ReminderKind; readonly dueAt: Date }[] {
  const after = (ms: number) => new Date(confirmedAt.getTime() + ms);
  const half = { kind: 'payment_half', dueAt: after(termSeconds * 500) } as const;
  const lastMs = termSeconds * 1_000 - 12 * hourMs;
  const last = { kind: 'payment_last', dueAt: after(lastMs) } as const;
  return lastMs > termSeconds * 500 ? [half, last] : [half];
}

/**
 * Returns when to ask a buyer whether the goods arrived. This is three days before the order counts
 * as received because the buyer has reported nothing. If the whole period is shorter than six days,
 * it is the middle of the period.
 */
export function receiptReminderAt(shippedAt: Date, receivedAfter: Date): Date {
  const whole = receivedAfter.getTime() - shippedAt.getTime();
  return new Date(receivedAfter.getTime() - Math.min(72 * hourMs, whole / 2));
}

/**
 * Decides what to do with a due reminder: send it; move it, because the end of its subject has
 * moved; or drop it, because its subject is no longer open or its end has passed. A pure function.
 */
export function evaluateReminder(
  due: DueReminder,
  facts: CampaignFacts,
): { readonly message?: PlannedMessage; readonly again?: Date } {
  const { isOpen, until, lead } = subjectOf(due);
  if (!isOpen || until === null || until <= due.now) return {};
  const nextAt = until.getTime() - lead;
  if (nextAt > due.now.getTime() + earlyMs) return { again: new Date(nextAt) };
  const quantity = due.quantity ?? undefined;
  const subject = due.kind.startsWith('deadline') ? '' : due.subject_id;
  return {
    message: {
      userId: due.user_id,
      kind: messageOf[due.kind],
      eventKey: `reminder:${due.kind}:${subject}:${until.toISOString()}`,
      params: {
        campaign: facts.title,
        brand: facts.brand_name,
        quantity,
        amount: due.to_transfer === null ? undefined : Number(due.to_transfer),
        until: until.toISOString(),
        slots_taken: facts.filled_slots,
        total_slots: facts.total_slots,
      },
    },
  };
}

const messageOf = {
  deadline_day: 'deadline_day',
  deadline_hour: 'deadline_hour',
  hold: 'hold_ending',
  payment_half: 'payment_reminder',
  payment_last: 'payment_reminder',
  receipt: 'receipt_ending',
} as const satisfies Record<ReminderKind, MessageKind>;

/**
 * Returns the end of the reminder's subject, how long before that end the reminder is sent, and
 * whether the subject is still open.
 */
function subjectOf(due: DueReminder): {
  readonly isOpen: boolean;
  readonly until: Date | null;
  readonly lead: number;
} {
  switch (due.kind) {
    case 'hold':
      return {
        isOpen: due.hold_status === 'pending_payment',
        until: due.hold_expires_at,
        lead: leadMs.hold,
      };
    // The times of these reminders depend only on the payment term. They never move, because pay_by
    // never moves.
    case 'payment_half':
    case 'payment_last':
      return { isOpen: due.hold_status === 'confirmed', until: due.pay_by, lead: Infinity };
    case 'receipt':
      return { isOpen: due.hold_status === 'confirmed', until: due.received_after, lead: Infinity };
    default:
      return {
        isOpen: due.status === 'active' || due.status === 'locked',
        until: due.deadline,
        lead: leadMs[due.kind],
      };
  }
}

/** Creates notifications for due reminders. Returns true when there may be more due reminders. */
export async function scheduleReminders(tx: Tx): Promise<boolean> {
  const due = await tx.rows(takeReminders, remindersAtOnce);
  const byCampaign = Map.groupBy(due, ({ campaign_id: id }) => id);
  for (const [campaignId, theirs] of byCampaign) {
    const facts = await tx.one(campaignFacts, campaignId);
    const results = theirs.map((one) => ({ one, ...evaluateReminder(one, facts) }));
    await enqueueMessages(
      tx,
      campaignId,
      results.flatMap(({ message }) => message ?? []),
    );
    for (const { one, again } of results) {
      if (again === undefined) continue;
      await tx.rows(setReminders, campaignId, [one.user_id], [one.kind], [one.subject_id], [again]);
    }
  }
  return due.length === remindersAtOnce;
}
