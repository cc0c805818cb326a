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

/** The user's relation to a campaign. */
export interface Standing {
  readonly own: readonly {
    readonly id: string;
    readonly quantity: number;
    readonly status: ParticipationStatus;
  }[];
  /** The shipping address of the last order, as the default. */
  readonly lastAddress: string | undefined;
  /** Saved addresses, the default one first. */
  readonly addresses: readonly Address[];
  /** The last waiting-list entry. */
  readonly waiting: WaitingEntry | undefined;
  /** Whether the user has a reminder of the deadline. */
  readonly isReminded: boolean;
}

/** The relation of a user without any activity in a campaign. */
export const noStanding: Standing = {
  own: [],
  lastAddress: undefined,
  addresses: [],
  waiting: undefined,
  isReminded: false,
};

/** Reads the relation; a visitor has none. */
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

/** Whether the buyer still has the slots. */
export function isLive(status: ParticipationStatus): boolean {
  return status !== 'cancelled' && status !== 'refunded';
}

/** Slots that this buyer has in the campaign. */
function heldIn({ own }: Pick<Standing, 'own'>): number {
  return own
    .filter(({ status }) => status === 'reserved' || status === 'confirmed')
    .reduce((total, { quantity }) => total + quantity, 0);
}

/** The minimum slots for this buyer, as long as enough slots are free. */
export function minimumWithEnoughSlots(
  campaign: Campaign,
  standing: Pick<Standing, 'own'>,
): number {
  return Math.max(1, (campaign.min_slots_per_user ?? 1) - heldIn(standing));
}

/**
 * The maximum number of slots that this buyer may still take; 0 for none. A remainder below the
 * minimum per buyer is sold as a whole: `least` is then the remainder.
 */
export function boundsOf(
  campaign: Campaign,
  standing: Pick<Standing, 'own'>,
): { least: number; most: number } {
  const least = minimumWithEnoughSlots(campaign, standing);
  const left = campaign.slots_remaining;
  const mine = (campaign.max_slots_per_user ?? campaign.total_slots) - heldIn(standing);
  return { least: left > 0 ? Math.min(least, left) : least, most: Math.max(0, mine) };
}
