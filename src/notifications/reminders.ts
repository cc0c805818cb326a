import type { Tx } from '../database/transaction.ts';
import type { MessageKind } from './messages/messages.ts';
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
/** How long before the end each reminder is given. */
const leadMs = { deadline_day: 24 * hourMs, deadline_hour: hourMs, hold: hourMs } as const;
const remindersAtOnce = 200;
/** Clocks of timers and of the database may differ by this much. */
const earlyMs = 1_000;

/** What a person asks for before a deadline: a day and an hour before it, unless it is nearer. */
export function deadlineReminders(
  deadline: Date,
  now: Date,
): readonly { readonly kind: ReminderKind; readonly dueAt: Date }[] {
  return (['deadline_day', 'deadline_hour'] as const)
    .map((kind) => ({ kind, dueAt: new Date(deadline.getTime() - leadMs[kind]) }))
    .filter(({ dueAt }) => dueAt > now);
}

/** When a buyer is reminded to pay: an hour before the hold ends, or at half time of a short one. */
export function holdReminderAt(joinedAt: Date, holdExpiresAt: Date): Date {
  const whole = holdExpiresAt.getTime() - joinedAt.getTime();
  return new Date(holdExpiresAt.getTime() - Math.min(leadMs.hold, whole / 2));
}

/**
 * When a buyer is reminded of what fell due at `confirmedAt`: at half of the term, and twelve hours
 * before its end where that is later.
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

/** When a buyer is asked whether the goods came: three days before silence counts as yes. */
export function receiptReminderAt(shippedAt: Date, receivedAfter: Date): Date {
  const whole = receivedAfter.getTime() - shippedAt.getTime();
  return new Date(receivedAfter.getTime() - Math.min(72 * hourMs, whole / 2));
}

/**
 * What becomes of a reminder whose time has come: a message, another time because the end was moved
 * meanwhile, or nothing because there is nothing to be reminded of any more. Pure.
 */
export function reminded(
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

/** Whether there is still something to be reminded of, until when, and how long before to say so. */
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
    // Their times follow from the term; pay_by is not moved.
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

/** Gives reminders that are due; true when there may be more. */
export async function scheduleReminders(tx: Tx): Promise<boolean> {
  const due = await tx.rows(takeReminders, remindersAtOnce);
  const byCampaign = Map.groupBy(due, ({ campaign_id: id }) => id);
  for (const [campaignId, theirs] of byCampaign) {
    const facts = await tx.one(campaignFacts, campaignId);
    const results = theirs.map((one) => ({ one, ...reminded(one, facts) }));
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
