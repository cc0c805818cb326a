import type { MessageKey, Messages } from '../../i18n/message-keys.ts';
import type { Topic } from './topics.ts';

/** The values that the text of a notification can contain. */
export interface NotificationValues {
  /** The campaign's title and brand. */
  readonly campaign: string;
  readonly brand: string;
  readonly quantity: number;
  /** An amount of money, formatted for the reader. */
  readonly amount: string;
  /** The reason in the words of the person who wrote it. */
  readonly reason: string;
  /** A time, formatted for the reader. */
  readonly until: string;
  readonly slotsTaken: number;
  readonly totalSlots: number;
  /**
   * For a digest: the numbers of joins, confirmations and cancellations, and the number of slots of
   * each.
   */
  readonly joined: number;
  readonly joinedSlots: number;
  readonly confirmed: number;
  readonly confirmedSlots: number;
  readonly cancelled: number;
  readonly cancelledSlots: number;
}

/** The message keys whose placeholders are all among the values of a notification. */
type NotificationKey = {
  [K in MessageKey]: Messages[K] extends undefined
    ? K
    : NotificationValues extends Messages[K]
      ? K
      : never;
}[MessageKey];

/**
 * The parts of a notification's text. Each part has its own message key. A part with the name of a
 * parameter is shown only when this parameter is present and not zero. The part `noAmount` is shown
 * only when there is no amount.
 */
export type Part =
  'body' | 'ending' | 'reason' | 'amount' | 'noAmount' | 'joined' | 'confirmed' | 'cancelled';

/**
 * One kind of notification: its topic, and the parts of its text in the order in which they are
 * shown.
 */
export interface NotificationKind {
  readonly topic: Topic;
  readonly parts: readonly Part[];
}

const plain = <T extends Topic>(topic: T) => ({ topic, parts: ['body'] }) as const;

/** All kinds of notifications. Their texts are in `notifications.json` of each language. */
export const notificationKinds = {
  joined: plain('orders'),
  joined_upfront: plain('orders'),
  payment_verified: plain('payments'),
  order_confirmed: plain('orders'),
  payment_reminder: { topic: 'orders', parts: ['body', 'amount', 'noAmount', 'ending'] },
  order_unpaid: plain('orders'),
  campaign_verifying: plain('campaigns'),
  refunded_below_minimum: plain('orders'),
  campaign_succeeded: plain('campaigns'),
  left: plain('orders'),
  removed: { topic: 'orders', parts: ['body', 'reason'] },
  hold_lapsed: plain('orders'),
  refunded_failed: plain('orders'),
  refunded_cancelled: { topic: 'orders', parts: ['body', 'reason', 'ending'] },
  refunded_otherwise: plain('orders'),
  received: plain('orders'),
  deadline_extended: { topic: 'campaigns', parts: ['body', 'reason'] },
  deadline_day: plain('reminders'),
  deadline_hour: plain('reminders'),
  hold_ending: { topic: 'orders', parts: ['body', 'amount', 'noAmount'] },
  waiting_joined: plain('waiting'),
  waiting_offered: plain('waiting'),
  waiting_offered_to_pay: plain('waiting'),
  waiting_offer_lapsed: plain('waiting'),
  waiting_in_vain: plain('waiting'),
  waiting_first: plain('waiting'),
  waiting_given: plain('waiting'),
  waiting_refunded: plain('waiting'),
  waiting_removed: plain('waiting'),
  waiting_closed: plain('waiting'),
  proof_received: plain('payments'),
  payment_rejected: { topic: 'payments', parts: ['reason', 'body'] },
  payment_late: plain('payments'),
  payment_late_choice: plain('payments'),
  payment_too_little: plain('payments'),
  payment_too_much: plain('payments'),
  refund_settled_online: plain('payments'),
  refund_settled: plain('payments'),
  refund_failed: plain('payments'),
  dispute_dismissed: plain('payments'),
  dispute_resolved: plain('payments'),
  refunded_after_dispute: plain('orders'),
  shortfall: { topic: 'campaigns', parts: ['body', 'reason'] },
  seller_dispute: plain('seller'),
  seller_payout_released: plain('seller'),
  seller_payout_settled: plain('seller'),
  seller_digest: { topic: 'seller_digest', parts: ['joined', 'confirmed', 'cancelled', 'body'] },
  seller_opened: plain('seller'),
  seller_full: plain('seller'),
  seller_verifying: plain('seller'),
  seller_below_minimum: plain('seller'),
  seller_continued: plain('seller'),
  seller_completed: plain('seller'),
  seller_failed: plain('seller'),
  seller_cancelled: plain('seller'),
  goods_shipped: plain('orders'),
  receipt_ending: plain('reminders'),
  received_without_word: plain('orders'),
  order_reduced: { topic: 'orders', parts: ['body', 'amount'] },
  seller_order_changed: plain('seller'),
} as const satisfies Record<string, NotificationKind>;

export type MessageKind = keyof typeof notificationKinds;

type KeyOf<K extends MessageKind> =
  `notifications.${K}.${'title' | (typeof notificationKinds)[K]['parts'][number]}`;

/**
 * Returns the message key of a kind's title or part. The return type lists all such keys, so the
 * compiler can check them.
 */
export function notificationKey(kind: MessageKind, part: 'title' | Part): NotificationKey {
  const key = `notifications.${kind}.${part}`;
  return key as { [K in MessageKind]: KeyOf<K> }[MessageKind];
}
