import { campaignStatuses } from '../database/status-words.ts';
import Type from 'typebox';
import type { Static } from 'typebox';
import type { AuditRow } from '../audit/queries.ts';
import { cursorAfter } from '../http/cursor.ts';
import {
  choice,
  closed,
  Id,
  nameText,
  nullable,
  Rupiah,
  text,
  Timestamp,
  TimestampInput,
} from '../http/schemas.ts';
import { PictureSchema } from '../catalogue/schemas.ts';
import {
  campaignLimits,
  paymentTimings,
  type CampaignSort,
  type CampaignTerms,
} from './campaign.ts';
import type { CampaignListInput } from './lists.ts';
import type { CampaignRow } from './queries.ts';

/** A campaign in a response. */
export const CampaignSchema = closed(
  {
    id: Id,
    brand_id: Id,
    brand_name: Type.String(),
    product_id: Id,
    product_name: Type.String(),
    picture: nullable(PictureSchema),
    weight_grams: nullable(Type.Integer({ description: 'Of one slot, packed' })),
    title: Type.String(),
    description: Type.String(),
    status: choice(campaignStatuses),
    payment_timing: choice(paymentTimings),
    total_slots: Type.Integer(),
    minimum_slots: Type.Integer(),
    slots_taken: Type.Integer(),
    slots_remaining: Type.Integer({
      description: 'Slots that can be joined now, without those reserved for a waiting list',
    }),
    waiting_count: Type.Integer({ description: 'Buyers who wait for slots or have an offer' }),
    progress_percent: Type.Number({ description: 'Two decimals' }),
    participant_count: Type.Integer(),
    price_per_slot: Rupiah,
    min_slots_per_user: nullable(Type.Integer()),
    max_slots_per_user: nullable(Type.Integer()),
    hold_seconds: Type.Integer(),
    deadline: Timestamp,
    opens_at: nullable(Timestamp),
    is_closing: Type.Boolean({
      description: 'True from the decision to close until every participation is settled',
    }),
    slots_at_close: nullable(Type.Integer({ description: 'Taken slots at the decision to close' })),
    shipped_at: nullable(Timestamp),
    received_after: nullable(
      Type.Unsafe<Date>({
        ...Timestamp,
        description: "After this time a paid order without the buyer's answer counts as received",
      }),
    ),
    extended_at: nullable(
      Type.Unsafe<Date>({
        ...Timestamp,
        description:
          'When the deadline was last moved; earlier participants may cancel, paid or not',
      }),
    ),
    created_at: Timestamp,
    updated_at: Timestamp,
    opened_at: nullable(Timestamp),
    filled_at: nullable(Timestamp),
    verifying_at: nullable(Timestamp),
    verifying_until: nullable(Timestamp),
    decision_until: nullable(Timestamp),
    completed_at: nullable(Timestamp),
    failed_at: nullable(Timestamp),
    cancelled_at: nullable(Timestamp),
  },
  { title: 'Campaign' },
);

const slots = (description: string) =>
  Type.Integer({ minimum: 1, maximum: campaignLimits.slots, description });

/** The terms of a campaign, in the form of the API. */
export const TermsSchema = {
  title: nameText(3, 120),
  description: text(0, 5_000),
  total_slots: slots('How many slots the batch has'),
  minimum_slots: slots('Slots that must be taken at the deadline; all unless given'),
  price_per_slot: Type.Integer({
    minimum: 1,
    maximum: campaignLimits.pricePerSlot,
    description: 'Whole rupiah',
  }),
  min_slots_per_user: nullable(slots('Least slots of one buyer')),
  max_slots_per_user: nullable(slots('Most slots of one buyer, over all their joins')),
  deadline: TimestampInput,
  opens_at: nullable(TimestampInput),
  payment_timing: choice(paymentTimings),
  hold_seconds: Type.Integer({
    minimum: campaignLimits.holdSeconds.min,
    maximum: campaignLimits.holdSeconds.max,
    description: 'How long an unpaid slot is held when payment is upfront',
  }),
};

type Wire = { [K in keyof typeof TermsSchema]: Static<(typeof TermsSchema)[K]> };

type Given<W> = {
  [K in keyof W & keyof Wire as (typeof fieldOf)[K]]: CampaignTerms[(typeof fieldOf)[K]];
};

const fieldOf = {
  title: 'title',
  description: 'description',
  total_slots: 'totalSlots',
  minimum_slots: 'minimumSlots',
  price_per_slot: 'pricePerSlot',
  min_slots_per_user: 'minSlotsPerUser',
  max_slots_per_user: 'maxSlotsPerUser',
  deadline: 'deadline',
  opens_at: 'opensAt',
  payment_timing: 'paymentTiming',
  hold_seconds: 'holdSeconds',
} as const satisfies Record<keyof Wire, keyof CampaignTerms>;

/** Returns the terms that a request body contains; leaves out the others. */
export function termsOf<W extends Partial<Wire>>(body: W): Given<W> {
  const terms: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const field = fieldOf[name as keyof Wire];
    if (value === undefined) continue;
    if (field === 'pricePerSlot') terms[field] = BigInt(value as number);
    else if (field === 'deadline') terms[field] = new Date(value as string);
    else if (field === 'opensAt') terms[field] = value === null ? null : new Date(value as string);
    else if (field === 'title') terms[field] = (value as string).trim();
    else terms[field] = value;
  }
  return terms as Given<W>;
}

/** One row of an audit log. */
export const LogEntrySchema = closed(
  {
    campaign_id: Id,
    seq: Type.Integer({ description: 'Counts from 1 within the campaign, without gaps' }),
    event: Type.String(),
    timestamp: Timestamp,
    actor: Type.String(),
    participation_id: nullable(Id),
    metadata: Type.Object({}, { additionalProperties: true }),
  },
  { title: 'LogEntry' },
);

/** Converts a row to a log entry. */
export function logEntryOf(row: AuditRow): Static<typeof LogEntrySchema> {
  return {
    campaign_id: row.campaign_id,
    seq: Number(row.seq),
    event: row.event,
    timestamp: row.occurred_at,
    actor: row.actor,
    participation_id: row.participation_id,
    metadata: { ...row.metadata },
  };
}

/** The values of which a cursor consists, for each order. */
export const cursorParts = {
  deadline: (row) => [row.deadline, row.campaign_id],
  progress: (row) => [row.progress_floor, row.campaign_id],
  newest: (row) => [row.campaign_id],
} as const satisfies Record<
  CampaignSort,
  (row: CampaignRow) => readonly (string | number | Date)[]
>;

/**
 * Returns the last row of the previous page, which the cursor contains. Throws `validation_failed`
 * for a cursor that belongs to another list.
 */
export function lastOf(cursor: string | undefined, sort: CampaignSort): CampaignListInput['after'] {
  if (cursor === undefined) return undefined;
  if (sort === 'newest') {
    const [id] = cursorAfter(cursor, ['id']);
    return id === undefined ? undefined : { value: null, id };
  }
  const [value, id] = cursorAfter(cursor, [sort === 'deadline' ? 'moment' : 'percent', 'id']);
  return value === undefined || id === undefined ? undefined : { value, id };
}
