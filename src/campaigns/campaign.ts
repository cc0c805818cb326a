import { wording } from '../i18n/messages.ts';
import { toApiStatus, type CampaignStatus } from '../database/status-words.ts';
import { pictureOf, type Picture } from '../catalogue/picture.ts';
import { invalidField, type DomainError } from '../errors/errors.ts';
import type { CampaignRow } from './queries.ts';

export const paymentTimings = ['on_completion', 'upfront'] as const;
export type PaymentTiming = (typeof paymentTimings)[number];

export const campaignSorts = ['deadline', 'progress', 'newest'] as const;
export type CampaignSort = (typeof campaignSorts)[number];

/** The limits of a campaign's numbers; checks of the schema repeat them. */
export const campaignLimits = {
  slots: 1_000_000,
  /** Whole rupiah. With the maximum number of slots a campaign's total stays below 2^53. */
  pricePerSlot: 1_000_000_000,
  holdSeconds: { min: 60, max: 30 * 86_400, default: 86_400 },
} as const;

/** A campaign as everybody may see it. Money in whole rupiah. */
export interface Campaign {
  readonly id: string;
  readonly brand_id: string;
  readonly brand_name: string;
  readonly product_id: string;
  readonly product_name: string;
  /** The picture of the product. */
  readonly picture: Picture | null;
  /** The packed weight of one slot; null if the seller did not set it. */
  readonly weight_grams: number | null;
  readonly title: string;
  readonly description: string;
  readonly status: CampaignStatus;
  readonly payment_timing: PaymentTiming;
  readonly total_slots: number;
  readonly minimum_slots: number;
  readonly slots_taken: number;
  /** Slots that anybody may join now, without those reserved for the waiting list. */
  readonly slots_remaining: number;
  /** Buyers who wait for slots or have an offer. */
  readonly waiting_count: number;
  /** Two decimals. */
  readonly progress_percent: number;
  readonly participant_count: number;
  readonly price_per_slot: bigint;
  readonly min_slots_per_user: number | null;
  readonly max_slots_per_user: number | null;
  readonly hold_seconds: number;
  readonly deadline: Date;
  readonly opens_at: Date | null;
  /** True from the decision to close until every participation is settled. */
  readonly is_closing: boolean;
  /** Taken slots at the decision to close; slots_taken falls as refunds are made. */
  readonly slots_at_close: number | null;
  /** While payments are checked after the deadline: the latest end of the check. */
  readonly verifying_until: Date | null;
  /**
   * While a decision about a batch below its minimum is open: until then only the seller decides.
   */
  readonly decision_until: Date | null;
  /** When the deadline was last moved: participants who joined before may cancel, paid or not. */
  readonly extended_at: Date | null;
  /**
   * When the batch was shipped, and when an order without the buyer's answer counts as received.
   */
  readonly shipped_at: Date | null;
  readonly received_after: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly opened_at: Date | null;
  readonly filled_at: Date | null;
  readonly verifying_at: Date | null;
  readonly completed_at: Date | null;
  readonly failed_at: Date | null;
  readonly cancelled_at: Date | null;
}

/** Converts a row to a campaign. */
export function campaignOf(row: CampaignRow): Campaign {
  return {
    id: row.campaign_id,
    brand_id: row.brand_id,
    brand_name: row.brand_name,
    product_id: row.product_id,
    product_name: row.product_name,
    picture: pictureOf(row),
    weight_grams: row.weight_grams,
    title: row.title,
    description: row.description,
    status: toApiStatus(row.status),
    payment_timing: row.payment_timing,
    total_slots: row.total_slots,
    minimum_slots: row.minimum_slots,
    slots_taken: row.filled_slots,
    slots_remaining: row.total_slots - row.filled_slots - row.reserved_slots,
    waiting_count: row.waiting_entries,
    progress_percent: progressPercent(row.filled_slots, row.total_slots),
    participant_count: row.participant_count,
    price_per_slot: row.price_per_slot,
    min_slots_per_user: row.min_slots_per_user,
    max_slots_per_user: row.max_slots_per_user,
    hold_seconds: row.hold_seconds,
    deadline: row.deadline,
    opens_at: row.opens_at,
    is_closing: row.closing_outcome !== null,
    slots_at_close: row.slots_at_close,
    verifying_until:
      row.status === 'verifying' ? secondsAfter(row.deadline, row.verification_seconds) : null,
    decision_until: decisionUntil(row),
    extended_at: row.extended_at,
    shipped_at: row.shipped_at,
    received_after: row.received_after,
    created_at: row.created_at,
    updated_at: row.updated_at,
    opened_at: row.opened_at,
    filled_at: row.filled_at,
    verifying_at: row.verifying_at,
    completed_at: row.completed_at,
    failed_at: row.failed_at,
    cancelled_at: row.cancelled_at,
  };
}

function decisionUntil(row: CampaignRow): Date | null {
  const isOpen =
    row.status === 'fulfilled' && row.closing_outcome === null && row.decided_at === null;
  if (!isOpen || row.decision_opened_at === null) return null;
  return secondsAfter(row.decision_opened_at, row.decision_seconds);
}

function secondsAfter(moment: Date, seconds: number): Date {
  return new Date(moment.getTime() + seconds * 1_000);
}

/** Returns percent with two decimals, rounded as in `campaign_progress`. */
export function progressPercent(filledSlots: number, totalSlots: number): number {
  return Math.round((filledSlots * 10_000) / totalSlots) / 100;
}

/** The terms of a campaign that its seller sets. */
export interface CampaignTerms {
  readonly title: string;
  readonly description: string;
  readonly paymentTiming: PaymentTiming;
  readonly totalSlots: number;
  readonly minimumSlots: number;
  readonly minSlotsPerUser: number | null;
  readonly maxSlotsPerUser: number | null;
  /** Whole rupiah. */
  readonly pricePerSlot: bigint;
  readonly holdSeconds: number;
  readonly deadline: Date;
  readonly opensAt: Date | null;
}

/** The default terms of a campaign; the default minimum is all slots. */
export const defaultTerms = {
  description: '',
  paymentTiming: 'on_completion',
  minSlotsPerUser: null,
  maxSlotsPerUser: null,
  holdSeconds: campaignLimits.holdSeconds.default,
  opensAt: null,
} as const satisfies Partial<CampaignTerms>;

/**
 * Checks terms in combination and returns the error with valid values; each single field was
 * checked before. Valid terms can be filled: buyers take the minimum each until less than that is
 * left, and one buyer may take the whole remainder (see join_campaigns). So every total and every
 * minimum can be reached as long as one buyer can take the minimum per buyer: it must not exceed
 * the total or the maximum per buyer.
 */
export function validateTerms(terms: CampaignTerms): DomainError | undefined {
  const { totalSlots, minimumSlots, minSlotsPerUser, maxSlotsPerUser, opensAt, deadline } = terms;
  if (terms.title.trim().length < 3) {
    return invalidField('title', wording('errors.field.titleTooShort'));
  }
  if (minimumSlots > totalSlots) {
    return invalidField('minimum_slots', wording('errors.field.minimumAboveTotal', { totalSlots }));
  }
  if ((minSlotsPerUser ?? 1) > totalSlots) {
    return invalidField(
      'min_slots_per_user',
      wording('errors.field.minimumPerBuyerAboveTotal', { totalSlots }),
    );
  }
  const atMost = maxSlotsPerUser ?? totalSlots;
  if (atMost > totalSlots || atMost < (minSlotsPerUser ?? 1)) {
    return invalidField(
      'max_slots_per_user',
      wording('errors.field.maximumPerBuyer', {
        minSlotsPerUser: minSlotsPerUser ?? 1,
        totalSlots,
      }),
    );
  }
  if (opensAt !== null && opensAt >= deadline) {
    return invalidField('opens_at', wording('errors.field.opensBeforeDeadline'));
  }
  return undefined;
}
