import { wording } from '../i18n/messages.ts';
import { toApiStatus, type CampaignStatus } from '../database/status-words.ts';
import { pictureOf, type Picture } from '../catalogue/picture.ts';
import { invalidField, type DomainError } from '../errors/errors.ts';
import type { CampaignRow } from './queries.ts';

export const paymentTimings = ['on_completion', 'upfront'] as const;
export type PaymentTiming = (typeof paymentTimings)[number];

export const campaignSorts = ['deadline', 'progress', 'newest'] as const;
export type CampaignSort = (typeof campaignSorts)[number];

/** The limits of a campaign's numbers. Checks in the database schema repeat them. */
export const campaignLimits = {
  slots: 1_000_000,
  /**
   * Maximum price in whole rupiah. With the maximum number of slots, a campaign's total is below
   * 2^53, so a number is exact.
   */
  pricePerSlot: 1_000_000_000,
  holdSeconds: { min: 60, max: 30 * 86_400, default: 86_400 },
} as const;

/** A campaign as everybody may see it. Amounts are in whole rupiah. */
export interface Campaign {
  readonly id: string;
  readonly brand_id: string;
  readonly brand_name: string;
  readonly product_id: string;
  readonly product_name: string;
  /** The picture of the product. */
  readonly picture: Picture | null;
  /** The packed weight of one slot in grams; null when the seller did not set it. */
  readonly weight_grams: number | null;
  readonly title: string;
  readonly description: string;
  readonly status: CampaignStatus;
  readonly payment_timing: PaymentTiming;
  readonly total_slots: number;
  readonly minimum_slots: number;
  readonly slots_taken: number;
  /**
   * Number of slots that anybody may join now. Slots reserved for the waiting list are not
   * included.
   */
  readonly slots_remaining: number;
  /** Number of buyers on the waiting list, with or without an offer. */
  readonly waiting_count: number;
  /** Percentage of taken slots, with two decimals. */
  readonly progress_percent: number;
  readonly participant_count: number;
  readonly price_per_slot: bigint;
  readonly min_slots_per_user: number | null;
  readonly max_slots_per_user: number | null;
  readonly hold_seconds: number;
  readonly deadline: Date;
  readonly opens_at: Date | null;
  /** True from the decision to close the campaign until every participation is settled. */
  readonly is_closing: boolean;
  /**
   * Number of taken slots when the campaign was closed. Unlike slots_taken, it stays the same while
   * refunds are made.
   */
  readonly slots_at_close: number | null;
  /**
   * The latest end of the check of payments after the deadline; null when no such check is running.
   */
  readonly verifying_until: Date | null;
  /**
   * The time until which only the seller may decide about a batch below its minimum; null when no
   * decision is open.
   */
  readonly decision_until: Date | null;
  /**
   * When the deadline was last extended. Participants who joined before that may cancel, whether
   * they have paid or not.
   */
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

/**
 * Returns the percentage of filled slots with two decimals, rounded in the same way as the view
 * `campaign_progress`.
 */
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
  /** The price of one slot in whole rupiah. */
  readonly pricePerSlot: bigint;
  readonly holdSeconds: number;
  readonly deadline: Date;
  readonly opensAt: Date | null;
}

/** The default terms of a campaign. The default minimum is the total number of slots. */
export const defaultTerms = {
  description: '',
  paymentTiming: 'on_completion',
  minSlotsPerUser: null,
  maxSlotsPerUser: null,
  holdSeconds: campaignLimits.holdSeconds.default,
  opensAt: null,
} as const satisfies Partial<CampaignTerms>;

/**
 * Checks the terms in combination and returns an error that names valid values. Each single field
 * was checked before.
 *
 * Every total and every minimum number of slots can be reached with valid terms: when less than the
 * minimum per buyer is left, one buyer may take the whole remainder (see join_campaigns). So a
 * campaign can always be filled if one buyer can take the minimum per buyer. It must therefore not
 * exceed the total or the maximum per buyer.
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
