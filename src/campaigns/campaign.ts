import { toApiStatus, type CampaignStatus } from '../database/status-words.ts';
import { pictureOf, type Picture } from '../catalogue/picture.ts';
import { invalidField, type DomainError } from '../errors/errors.ts';
import type { CampaignRow } from './queries.ts';

export const paymentTimings = ['on_completion', 'upfront'] as const;
export type PaymentTiming = (typeof paymentTimings)[number];

export const campaignSorts = ['deadline', 'progress', 'newest'] as const;
export type CampaignSort = (typeof campaignSorts)[number];

/** The limits of a campaign's numbers; the schema's checks say them once more. */
export const campaignLimits = {
  slots: 1_000_000,
  /** Whole rupiah. With the most slots a campaign's worth stays below 2^53. */
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
  /** Of the product. */
  readonly picture: Picture | null;
  /** What one slot weighs, packed; null where its seller has not said. */
  readonly weight_grams: number | null;
  readonly title: string;
  readonly description: string;
  readonly status: CampaignStatus;
  readonly payment_timing: PaymentTiming;
  readonly total_slots: number;
  readonly minimum_slots: number;
  readonly slots_taken: number;
  /** What a stranger may join now: what is kept for a waiting list is not among it. */
  readonly slots_remaining: number;
  /** Buyers who wait for slots or have an offer of some. */
  readonly waiting_count: number;
  /** Two digits after the point. */
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
  /** What was taken when it was decided to close; slots_taken falls as refunds are made. */
  readonly slots_at_close: number | null;
  /** While payments are checked after the deadline: when that ends at the latest. */
  readonly verifying_until: Date | null;
  /**
   * While somebody has to decide whether the batch goes on below its minimum: until then the seller
   * decides alone.
   */
  readonly decision_until: Date | null;
  /** When the deadline was last moved: who joined before may leave, paid or not. */
  readonly extended_at: Date | null;
  /** When the batch was sent, and from when on an order without a word counts as received. */
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

/** The campaign that a row tells of. */
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

/** Percent with two digits, as `campaign_progress` rounds it. */
export function progressPercent(filledSlots: number, totalSlots: number): number {
  return Math.round((filledSlots * 10_000) / totalSlots) / 100;
}

/** What a seller decides about a campaign. */
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

/** What a campaign is made with unless its seller says otherwise; the minimum is all its slots. */
export const defaultTerms = {
  description: '',
  paymentTiming: 'on_completion',
  minSlotsPerUser: null,
  maxSlotsPerUser: null,
  holdSeconds: campaignLimits.holdSeconds.default,
  opensAt: null,
} as const satisfies Partial<CampaignTerms>;

/**
 * What is wrong with terms taken together, with what would be right; each field by itself was
 * checked before. Terms that pass can be filled: buyers take the least each until fewer than that
 * are left, and one buyer may take such a remainder whole (see join_campaigns). So every total can
 * be reached, and with it every minimum, as long as one buyer can take the least: it is at most the
 * total, and at most what one buyer may have.
 */
export function validateTerms(terms: CampaignTerms): DomainError | undefined {
  const { totalSlots, minimumSlots, minSlotsPerUser, maxSlotsPerUser, opensAt, deadline } = terms;
  if (terms.title.trim().length < 3) {
    return invalidField('title', {
      id: 'Judul minimal 3 huruf.',
      en: 'The title needs at least 3 letters.',
    });
  }
  if (minimumSlots > totalSlots) {
    return invalidField('minimum_slots', {
      id: `Jumlah minimum tidak boleh melebihi total slot. Isi paling banyak ${totalSlots}.`,
      en: `The minimum may not be more than the total slots. Enter at most ${totalSlots}.`,
    });
  }
  if ((minSlotsPerUser ?? 1) > totalSlots) {
    return invalidField('min_slots_per_user', {
      id: `Dengan minimum ini tidak ada yang bisa membeli. Isi paling banyak ${totalSlots}.`,
      en: `With this minimum nobody could buy. Enter at most ${totalSlots}.`,
    });
  }
  const atMost = maxSlotsPerUser ?? totalSlots;
  if (atMost > totalSlots || atMost < (minSlotsPerUser ?? 1)) {
    return invalidField('max_slots_per_user', {
      id: `Maksimum per pembeli harus antara ${minSlotsPerUser ?? 1} dan ${totalSlots}.`,
      en: `The maximum per buyer must lie between ${minSlotsPerUser ?? 1} and ${totalSlots}.`,
    });
  }
  if (opensAt !== null && opensAt >= deadline) {
    return invalidField('opens_at', {
      id: 'Waktu buka harus sebelum batas waktu.',
      en: 'The opening must be before the deadline.',
    });
  }
  return undefined;
}
