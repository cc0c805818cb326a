import {
  participationStatuses,
  toApiParticipationStatus,
  toDbParticipationStatus,
  type ParticipationStatus,
} from '../../database/status-words.ts';
import { ownAddresses, type Address } from '../../accounts/operations.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import type { Queryable } from '../../database/query.ts';
import { isReminded } from '../../notifications/reminder-queries.ts';
import { listOwnParticipations, ownInCampaign } from '../../participations/queries.ts';
import { findOwnWaitingEntry } from '../../waiting/queries.ts';
import { waitingEntryOf, type WaitingEntry } from '../../waiting/waiting.ts';
import type { PageContext } from '../../web/visit.ts';

/** What the reader has to do with a campaign so far. */
export interface Standing {
  readonly own: readonly {
    readonly id: string;
    readonly quantity: number;
    readonly status: ParticipationStatus;
  }[];
  /** Where the last order went to, to send this one there as well. */
  readonly lastAddress: string | undefined;
  /** Saved addresses, the default one first. */
  readonly addresses: readonly Address[];
  /** The last place in the waiting list. */
  readonly waiting: WaitingEntry | undefined;
  /** Whether the reader is to be reminded of the deadline. */
  readonly isReminded: boolean;
}

/** Of somebody who has not had anything to do with a campaign. */
export const noStanding: Standing = {
  own: [],
  lastAddress: undefined,
  addresses: [],
  waiting: undefined,
  isReminded: false,
};

/** Reads it; of a visitor there is nothing to read. */
export async function standingOf(
  db: Queryable,
  visit: PageContext,
  campaign: Campaign,
): Promise<Standing> {
  if (visit.person === undefined) return noStanding;
  const { userId } = visit.person;
  const [own, addresses, last, waiting, reminder] = await Promise.all([
    db.rows(ownInCampaign, userId, campaign.id),
    ownAddresses(db, visit.actor),
    db.rows(listOwnParticipations, userId, allStatuses, null, 1, null),
    db.maybe(findOwnWaitingEntry, campaign.id, userId),
    db.one(isReminded, campaign.id, userId),
  ]);
  return {
    own: own.map(({ participation_id: id, quantity, status }) => ({
      id,
      quantity,
      status: toApiParticipationStatus(status),
    })),
    addresses,
    lastAddress: last[0]?.shipping_address,
    waiting: waiting && waitingEntryOf(waiting),
    isReminded: reminder.is_reminded,
  };
}

const allStatuses = participationStatuses.map(toDbParticipationStatus);

/** Whether the slots are still the buyer's. */
export function isLive(status: ParticipationStatus): boolean {
  return status !== 'cancelled' && status !== 'refunded';
}

/** Slots that this buyer has in the campaign. */
function heldIn({ own }: Pick<Standing, 'own'>): number {
  return own
    .filter(({ status }) => status === 'reserved' || status === 'confirmed')
    .reduce((total, { quantity }) => total + quantity, 0);
}

/** The least that this buyer takes while there are enough slots. */
export function usualMinimum(campaign: Campaign, standing: Pick<Standing, 'own'>): number {
  return Math.max(1, (campaign.min_slots_per_user ?? 1) - heldIn(standing));
}

/**
 * How many slots this buyer may still take; none is 0. Fewer slots than the least per buyer, when
 * no more are left, are taken whole: `least` is then what is left.
 */
export function boundsOf(
  campaign: Campaign,
  standing: Pick<Standing, 'own'>,
): { least: number; most: number } {
  const least = usualMinimum(campaign, standing);
  const left = campaign.slots_remaining;
  const mine = (campaign.max_slots_per_user ?? campaign.total_slots) - heldIn(standing);
  return { least: left > 0 ? Math.min(least, left) : least, most: Math.max(0, mine) };
}
