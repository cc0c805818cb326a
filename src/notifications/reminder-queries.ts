import type { StoredParticipationStatus } from '../database/status-words.ts';
import type { StoredCampaignStatus } from '../database/status-words.ts';
import { query } from '../database/query.ts';

export const reminderKinds = [
  'deadline_day',
  'deadline_hour',
  'hold',
  'payment_half',
  'payment_last',
  'receipt',
] as const;
export type ReminderKind = (typeof reminderKinds)[number];

/**
 * Query that schedules reminders of one campaign, or moves existing reminders. A person has at most
 * one reminder per kind and subject. If a reminder that was already sent is moved, it is sent again
 * at the new time.
 */
export const setReminders = query<
  [
    campaignId: string,
    userIds: string[],
    kinds: ReminderKind[],
    subjectIds: string[],
    dueAt: Date[],
  ],
  never
>(
  'set_reminders',
  `insert into sambatan.reminders as r (campaign_id, user_id, kind, subject_id, due_at)
  select $1, w.user_id, w.kind, w.subject_id, w.due_at
  from unnest($2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[])
    as w (user_id, kind, subject_id, due_at)
  on conflict (campaign_id, user_id, kind, subject_id) do update
    set due_at = excluded.due_at, done_at = null
    where r.due_at <> excluded.due_at`,
);

/** Query that moves all reminders of a campaign's deadline after the deadline was changed. */
export const moveDeadlineReminders = query<[campaignId: string, deadline: Date], never>(
  'move_deadline_reminders',
  `update sambatan.reminders set done_at = null,
    due_at = $2::timestamptz - case kind when 'deadline_day' then interval '1 day' else interval '1 hour' end
  where campaign_id = $1 and kind in ('deadline_day', 'deadline_hour')`,
);

/** Query that deletes the deadline reminders that a person asked for. */
export const removeDeadlineReminders = query<
  [campaignId: string, userId: string],
  { readonly kind: string }
>(
  'remove_deadline_reminders',
  `delete from sambatan.reminders
  where campaign_id = $1 and user_id = $2 and kind in ('deadline_day', 'deadline_hour')
  returning kind`,
);

/** Query that returns whether a person has a pending reminder of a campaign's deadline. */
export const isReminded = query<
  [campaignId: string, userId: string],
  { readonly is_reminded: boolean }
>(
  'is_reminded',
  `select exists (select from sambatan.reminders
    where campaign_id = $1 and user_id = $2 and kind in ('deadline_day', 'deadline_hour')
      and done_at is null) as is_reminded`,
);

export interface DueReminder {
  readonly campaign_id: string;
  readonly user_id: string;
  readonly kind: ReminderKind;
  readonly subject_id: string;
  readonly due_at: Date;
  readonly deadline: Date;
  readonly status: StoredCampaignStatus;
  readonly hold_expires_at: Date | null;
  readonly hold_status: StoredParticipationStatus | null;
  readonly quantity: number | null;
  /** The latest time to pay the open payment; null when there is no open payment. */
  readonly pay_by: Date | null;
  /**
   * The amount to transfer in whole rupiah, including the unique code. Null if the buyer has not
   * viewed the payment yet.
   */
  readonly to_transfer: bigint | null;
  /**
   * For a shipped batch: the time at which an order counts as received if its buyer has reported
   * nothing.
   */
  readonly received_after: Date | null;
  readonly now: Date;
}

/** Query that reads and locks due reminders. It skips reminders that another worker has locked. */
export const takeReminders = query<[limit: number], DueReminder>(
  'claim_reminders',
  `with due as (
    select campaign_id, user_id, kind, subject_id from sambatan.reminders
    where done_at is null and due_at <= (select clock_timestamp())
    order by due_at limit $1 for update skip locked
  ), done as (
    update sambatan.reminders r set done_at = clock_timestamp() from due
    where r.campaign_id = due.campaign_id and r.user_id = due.user_id and r.kind = due.kind
      and r.subject_id = due.subject_id
    returning r.campaign_id, r.user_id, r.kind, r.subject_id, r.due_at
  )
  select d.*, c.deadline, c.status, p.hold_expires_at, p.status as hold_status, p.quantity,
    c.received_after, t.pay_by, case when t.account_id is not null then t.amount + t.unique_code end as to_transfer,
    clock_timestamp() as now
  from done d
  join sambatan.campaigns c on c.campaign_id = d.campaign_id
  left join sambatan.participants p on d.kind in ('hold', 'payment_half', 'payment_last', 'receipt')
    and p.campaign_id = d.campaign_id and p.participation_id = d.subject_id
  left join sambatan.transactions t on t.campaign_id = p.campaign_id
    and t.cause = 'payment:' || p.participation_id and t.status in ('due', 'rejected')`,
);
