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
 * Maps each event to its notifications. A pure function of the event and its campaign; the compiler
 * reports an event without an entry.
 */
const rules = {
  campaign_created: {},
  campaign_edited: {},
  // A seller who published the campaign knows already; only an automatic opening causes a
  // notification.
  campaign_opened: { sellers: ({ event }) => bySystem(event, 'seller_opened') },
  campaign_full: { sellers: always('seller_full') },
  campaign_reopened: {},
  campaign_verifying: {
    sellers: always('seller_verifying'),
    everybody: always('campaign_verifying'),
  },
  campaign_completed: {
    sellers: always('seller_completed'),
    // Without upfront payment, completion confirms each order with an event of its own, and that
    // event notifies the buyer.
    everybody: ({ facts }) =>
      facts.payment_timing === 'upfront' ? 'campaign_succeeded' : undefined,
  },
  // The refund or cancellation of each participation has its own event, which notifies the buyer.
  campaign_failed: { sellers: always('seller_failed') },
  campaign_cancelled: { sellers: always('seller_cancelled') },
  deadline_extended: { everybody: always('deadline_extended') },
  participant_joined: {
    buyer: ({ event, facts }) => {
      // A buyer who joins after success or after the deadline has paid already: the event of the
      // payment notifies the buyer.
      if (facts.status === 'fulfilled' || facts.status === 'verifying') return undefined;
      if (isPaidFromWaiting(event)) return undefined;
      return facts.payment_timing === 'upfront' ? 'joined_upfront' : 'joined';
    },
    digest: 'joined',
  },
  participant_confirmed: {
    // With payment after success, the event of the payment itself notifies the buyer.
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
      // A reason other than a dispute: the buyer cancelled after an extension, or only this buyer's
      // order was cancelled.
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
    // Before success nobody packs orders: the seller's list shows the latest address and note
    // anyway.
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
  // Accepting an offer is followed by a join, whose event notifies the buyer. Where kept money paid
  // for the slots, this one notification covers both.
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
  // A buyer who withdrew knows already; only a withdrawal by an operator causes a notification.
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
  // With upfront payment the settled payment confirms the participation, and that event notifies
  // the buyer.
  payment_settled: {
    buyer: ({ event, facts }) =>
      facts.payment_timing === 'upfront' || isPaidFromWaiting(event)
        ? undefined
        : 'payment_verified',
  },
  // Writing off a payment also ends the order, and that event notifies the buyer: the buyer is not
  // asked for another proof.
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
  // Only a mistake in the books was corrected: the buyer waits for the refund as before.
  refund_reversed: {},
  // No notification: an operator writes to the buyer personally about the money to return.
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
  // A seller who decided knows already; when an operator decided, the seller is notified.
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
 * The reason that the database stores when it cancels a campaign that succeeded but has too few
 * paid slots.
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

/** Returns the notifications of an event; none for an event that only a newer version knows. */
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
    // When the end of a campaign changes all participations, the seller gets one notification of
    // that end instead of digest counts.
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
  // The reason of a late payment is a code, not a person's text.
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
