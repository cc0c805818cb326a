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

/**
 * What a user has in a campaign: orders, a waiting-list entry and a reminder; and the addresses for
 * a new order.
 */
export interface Standing {
  readonly own: readonly {
    readonly id: string;
    readonly quantity: number;
    readonly status: ParticipationStatus;
  }[];
  /** The shipping address of the user's last order. It is the default for a new order. */
  readonly lastAddress: string | undefined;
  /** The saved addresses of the user, the default one first. */
  readonly addresses: readonly Address[];
  /** The last waiting-list entry of the user in this campaign. */
  readonly waiting: WaitingEntry | undefined;
  /** True if the user has set a reminder of the deadline. */
  readonly isReminded: boolean;
}

/** The value for a visitor, and for a user without any activity in the campaign. */
export const noStanding: Standing = {
  own: [],
  lastAddress: undefined,
  addresses: [],
  waiting: undefined,
  isReminded: false,
};

/** Reads what the user has in a campaign. Returns `noStanding` for a visitor. */
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

/** Returns true if the buyer still has the slots of an order with this status. */
export function isLive(status: ParticipationStatus): boolean {
  return status !== 'cancelled' && status !== 'refunded';
}

/** Returns the number of slots that this buyer has in the campaign. */
function heldIn({ own }: Pick<Standing, 'own'>): number {
  return own
    .filter(({ status }) => status === 'reserved' || status === 'confirmed')
    .reduce((total, { quantity }) => total + quantity, 0);
}

/**
 * Returns the minimum number of slots in this buyer's next order, if enough slots are free. It is
 * lower for a buyer who already has slots.
 */
export function minimumWithEnoughSlots(
  campaign: Campaign,
  standing: Pick<Standing, 'own'>,
): number {
  return Math.max(1, (campaign.min_slots_per_user ?? 1) - heldIn(standing));
}

/**
 * Returns the minimum and maximum number of slots that this buyer can order now; the maximum 0
 * means none. If fewer slots are free than the minimum, they can only be ordered together: `least`
 * is then the number of free slots.
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
