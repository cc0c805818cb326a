import type { MessageKind } from './messages/kinds.ts';
import type { AuditEvent } from '../audit/events.ts';
import type { AuditRow } from '../audit/queries.ts';
import type { MessageParams } from './messages/messages.ts';
import type { CampaignFacts, Person } from './queries.ts';

/** One notification to store. */
export interface PlannedMessage {
  readonly userId: string;
  readonly kind: MessageKind;
  /** Deduplication key: a person gets at most one notification with the same key. */
  readonly eventKey: string;
  readonly params: MessageParams;
}

/** One audit event, with the buyer of its participation or waiting-list entry, if it has one. */
export interface EventContext {
  readonly event: AuditRow;
  readonly person: Person | undefined;
  readonly facts: CampaignFacts;
}

type KindOf = (happening: EventContext) => MessageKind | undefined;

interface Rule {
  /** The kind of notification for the buyer of the participation or waiting-list entry. */
  readonly buyer?: KindOf;
  /** The kind of notification for all participants. They are notified later, in batches. */
  readonly everybody?: KindOf;
  /**
   * The kind of notification for the members of the brand. They are notified in the transaction of
   * the event's handler.
   */
  readonly sellers?: KindOf;
  /** The counter of the seller digest that the event increases. */
  readonly digest?: DigestCount;
}
export type DigestCount = 'joined' | 'confirmed' | 'cancelled';

const always =
  (kind: MessageKind): KindOf =>
  () =>
    kind;

/**
 * For each event, the notifications that it causes. They depend only on the event and its campaign.
 * The compiler reports an error if an event has no entry.
 */
const rules = {
  campaign_created: {},
  campaign_edited: {},
  // A seller who opened the campaign needs no notification. Only an automatic opening causes one.
  campaign_opened: { sellers: ({ event }) => bySystem(event, 'seller_opened') },
  campaign_full: { sellers: always('seller_full') },
  campaign_reopened: {},
  campaign_verifying: {
    sellers: always('seller_verifying'),
    everybody: always('campaign_verifying'),
  },
  campaign_completed: {
    sellers: always('seller_completed'),
    // Without upfront payment, each order is confirmed when the campaign completes. This is a
    // separate event, which notifies the buyer.
    everybody: ({ facts }) =>
      facts.payment_timing === 'upfront' ? 'campaign_succeeded' : undefined,
  },
  // The refund or cancellation of each participation has its own event, which notifies the buyer.
  campaign_failed: { sellers: always('seller_failed') },
  campaign_cancelled: { sellers: always('seller_cancelled') },
  deadline_extended: { everybody: always('deadline_extended') },
  participant_joined: {
    buyer: ({ event, facts }) => {
      // A buyer who joins after the campaign has succeeded, or after the deadline, has already
      // paid. The event of the payment notifies the buyer.
      if (facts.status === 'fulfilled' || facts.status === 'verifying') return undefined;
      if (isPaidFromWaiting(event)) return undefined;
      return facts.payment_timing === 'upfront' ? 'joined_upfront' : 'joined';
    },
    digest: 'joined',
  },
  participant_confirmed: {
    // If buyers pay after the campaign has succeeded, the event of the payment notifies the buyer
    // instead.
    buyer: ({ event, facts }) => {
      if (isPaidFromWaiting(event)) return undefined;
      if (event.metadata['amount'] === undefined) return 'order_confirmed';
      return facts.payment_timing === 'upfront' ? 'payment_verified' : undefined;
    },
    digest: 'confirmed',
  },
  participant_cancelled: {
    buyer: ({ event }) => leaving[String(event.metadata['reason'])] ?? 'removed',
    digest: 'cancelled',
  },
  participant_refunded: {
    buyer: ({ event, facts }) => {
      // With any other reason, the buyer cancelled after the deadline was extended, or only this
      // buyer's order was cancelled.
      if (event.metadata['reason'] === 'dispute') return 'refunded_after_dispute';
      if (event.metadata['reason'] !== undefined) return 'refunded_otherwise';
      if (facts.cancel_reason === belowMinimum) return 'refunded_below_minimum';
      const isCancelled = [facts.status, facts.closing_outcome].includes('cancelled');
      return isCancelled ? 'refunded_cancelled' : 'refunded_failed';
    },
  },
  participant_fulfilled: {
    buyer: ({ event }) =>
      event.metadata['reason'] === 'no_word' ? 'received_without_word' : 'received',
  },
  campaign_shipped: { everybody: always('goods_shipped') },
  participant_changed: {
    buyer: ({ event }) => (isChanged(event, 'quantity') ? 'order_reduced' : undefined),
    // Before the campaign has succeeded, the seller needs no notification: nobody packs orders yet,
    // and the seller's list always shows the latest address and note.
    sellers: ({ event, facts }) =>
      facts.status === 'fulfilled' && isChanged(event, 'shipping_address', 'note')
        ? 'seller_order_changed'
        : undefined,
  },
  waiting_joined: {
    buyer: ({ event }) => (hasKeptMoney(event) ? 'waiting_first' : 'waiting_joined'),
  },
  waiting_offered: {
    buyer: ({ facts }) =>
      facts.status === 'fulfilled' ? 'waiting_offered_to_pay' : 'waiting_offered',
  },
  // After an offer is accepted, the buyer joins, and the event of the join notifies the buyer. If
  // kept money paid for the slots, the join causes no notification, so this event notifies the
  // buyer.
  waiting_accepted: {
    buyer: ({ event }) => (hasKeptMoney(event) ? 'waiting_given' : undefined),
  },
  waiting_declined: {},
  waiting_lapsed: {
    buyer: ({ event }) => {
      if (hasKeptMoney(event)) return 'waiting_refunded';
      return event.metadata['reason'] === 'offer' ? 'waiting_offer_lapsed' : 'waiting_in_vain';
    },
  },
  // A buyer who withdrew the entry needs no notification. Only a withdrawal by an operator causes
  // one.
  waiting_withdrawn: {
    buyer: ({ event }) => {
      if (!event.actor.startsWith('operator:')) return undefined;
      return hasKeptMoney(event) ? 'waiting_refunded' : 'waiting_removed';
    },
  },
  waiting_closed: {
    buyer: ({ event }) => (hasKeptMoney(event) ? 'waiting_refunded' : 'waiting_closed'),
  },
  payment_proof_submitted: { buyer: always('proof_received') },
  // With upfront payment, a settled payment also confirms the participation, and the event of the
  // confirmation notifies the buyer.
  payment_settled: {
    buyer: ({ event, facts }) =>
      facts.payment_timing === 'upfront' || isPaidFromWaiting(event)
        ? undefined
        : 'payment_verified',
  },
  // Writing off a payment also cancels the order, and the event of the cancellation notifies the
  // buyer. This event must not do so, because it would ask the buyer for another proof.
  payment_rejected: {
    buyer: ({ event }) => (event.metadata['written_off'] === true ? undefined : 'payment_rejected'),
  },
  payment_late: {
    buyer: ({ event }) => {
      if (event.metadata['may_wait'] === true) return 'payment_late_choice';
      return returned[String(event.metadata['reason'])] ?? 'payment_late';
    },
  },
  refund_settled: {
    buyer: ({ event }) =>
      event.metadata['provider'] === undefined ? 'refund_settled' : 'refund_settled_online',
  },
  refund_failed: { buyer: always('refund_failed') },
  // This event causes no notification. It only corrects the books, and the buyer waits for the
  // refund as before.
  refund_reversed: {},
  // This event causes no notification, because an operator writes to the buyer personally about the
  // money to return.
  refund_doubled: {},
  refund_recovered: {},
  refund_lost: {},
  payout_released: { sellers: always('seller_payout_released') },
  payout_settled: { sellers: always('seller_payout_settled') },
  payout_reversed: {},
  dispute_opened: { sellers: always('seller_dispute') },
  dispute_resolved: {
    buyer: ({ event }) =>
      event.metadata['is_final'] === false ? 'dispute_dismissed' : 'dispute_resolved',
    sellers: always('dispute_resolved'),
  },
  campaign_below_minimum: { sellers: always('seller_below_minimum') },
  // A seller who made the decision needs no notification. If an operator made it, the seller is
  // notified.
  campaign_continued: {
    sellers: ({ event }) => (event.actor.startsWith('operator:') ? 'seller_continued' : undefined),
  },
  campaign_shortfall: { everybody: always('shortfall') },
} as const satisfies Record<AuditEvent, Rule>;

/** Returns true when the event is a correction of one of these fields. */
function isChanged({ metadata }: AuditRow, ...names: readonly string[]): boolean {
  const { fields } = metadata;
  return Array.isArray(fields) && names.some((name) => fields.includes(name));
}

/** Returns true for an event of a waiting-list entry for which money is kept. */
function hasKeptMoney({ metadata }: AuditRow): boolean {
  return metadata['amount'] !== undefined;
}

/**
 * Returns true when kept money of a waiting-list entry paid for the participation. Another event
 * notifies its buyer.
 */
function isPaidFromWaiting({ metadata }: AuditRow): boolean {
  return metadata['entry_id'] !== undefined;
}

const leaving: Readonly<Record<string, MessageKind>> = {
  buyer: 'left',
  hold_lapsed: 'hold_lapsed',
  unpaid: 'order_unpaid',
};

/**
 * The reason that the database stores when a completed campaign with too few paid slots is
 * cancelled.
 */
const belowMinimum = 'below_minimum';

const returned: Readonly<Record<string, MessageKind>> = {
  too_little: 'payment_too_little',
  too_much: 'payment_too_much',
};

function bySystem(event: AuditRow, kind: MessageKind): MessageKind | undefined {
  return event.actor === 'system' ? kind : undefined;
}

/** The notifications that one event causes. */
export interface Plan {
  readonly messages: readonly PlannedMessage[];
  readonly isForEverybody: boolean;
  readonly digest: DigestCount | undefined;
}

/**
 * Returns the notifications that an event causes. Returns none for an event that is unknown because
 * a newer version of the service recorded it.
 */
export function planFor(happening: EventContext): Plan {
  const { event, person, facts } = happening;
  const rule = ruleOf(event);
  const eventKey = keyOf(event);
  const params = paramsOf(happening);
  const messages: PlannedMessage[] = [];
  const buyerKind = person && rule.buyer?.(happening);
  if (person !== undefined && buyerKind !== undefined) {
    messages.push({ userId: person.user_id, kind: buyerKind, eventKey, params });
  }
  const sellerKind = rule.sellers?.(happening);
  if (sellerKind !== undefined) {
    for (const userId of facts.sellers) {
      messages.push({ userId, kind: sellerKind, eventKey: `${eventKey}:seller`, params });
    }
  }
  return {
    messages,
    isForEverybody: rule.everybody?.(happening) !== undefined,
    // When a campaign ends, all its participations change. The seller then gets one notification
    // about the end of the campaign, and the digest does not count these changes.
    digest: event.metadata['amount'] === undefined && isBySystem(event) ? undefined : rule.digest,
  };
}

/** Returns the notification of one participant about an event that concerns all participants. */
export function messageForParticipant(
  event: AuditRow,
  facts: CampaignFacts,
  userId: string,
): PlannedMessage | undefined {
  const happening = { event, facts, person: undefined };
  const kind = ruleOf(event).everybody?.(happening);
  if (kind === undefined) return undefined;
  return { userId, kind, eventKey: `${keyOf(event)}:all`, params: paramsOf(happening) };
}

function ruleOf(event: AuditRow): Rule {
  return Object.hasOwn(rules, event.event) ? rules[event.event] : {};
}

function isBySystem(event: AuditRow): boolean {
  return event.actor === 'system' && event.metadata['reason'] !== 'hold_lapsed';
}

function keyOf(event: AuditRow): string {
  return `event:${event.seq}`;
}

function paramsOf({ event, person, facts }: EventContext): MessageParams {
  const { metadata } = event;
  const quantity = numberIn(metadata['quantity']) ?? person?.quantity;
  const price = Number(facts.price_per_slot);
  const amount = numberIn(metadata['amount']) ?? numberIn(metadata['payout']);
  const due = quantity === undefined ? undefined : quantity * price;
  const until =
    textIn(metadata['to']) ??
    textIn(metadata['expires_at']) ??
    textIn(metadata['until']) ??
    iso(person?.ends_at) ??
    iso(person?.pay_by) ??
    iso(facts.deadline);
  return {
    campaign: facts.title,
    brand: facts.brand_name,
    quantity,
    amount: amount ?? due,
    reason: wordsOf(event, facts),
    until,
    slots_taken: numberIn(metadata['paid_slots']) ?? numberIn(metadata['slots_taken']),
    total_slots: numberIn(metadata['minimum_slots']) ?? numberIn(metadata['total_slots']),
  };
}

/** Returns the reason that a person wrote for the event, if others may read it. */
function wordsOf({ event, metadata }: AuditRow, facts: CampaignFacts): string | undefined {
  if (metadata['reason'] === belowMinimum || facts.cancel_reason === belowMinimum) return undefined;
  if (event === 'participant_refunded') return facts.cancel_reason ?? undefined;
  if (event === 'participant_cancelled') return textIn(metadata['note']);
  // The reason of a late payment is a code, not a text that a person wrote.
  if (event === 'payment_late') return undefined;
  return textIn(metadata['reason']);
}

function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function iso(moment: Date | null | undefined): string | undefined {
  return moment?.toISOString();
}
