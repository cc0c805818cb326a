import type { ParticipationEvent } from '../audit/events.ts';
import type { ParticipationStatus } from '../database/status-words.ts';

/**
 * Maps each status to its possible events and the next status of each. Any other transition is
 * refused.
 */
export const participationTransitions = {
  reserved: {
    participant_confirmed: 'confirmed',
    participant_cancelled: 'cancelled',
    participant_refunded: 'refunded',
  },
  confirmed: {
    participant_cancelled: 'cancelled',
    participant_refunded: 'refunded',
    participant_fulfilled: 'fulfilled',
  },
  cancelled: {},
  refunded: {},
  fulfilled: {
    participant_refunded: 'refunded',
  },
} as const satisfies Record<
  ParticipationStatus,
  Partial<Record<ParticipationEvent, ParticipationStatus>>
>;

/** Returns the status after an event; undefined when the event is not possible in this status. */
export function participationAfter(
  status: ParticipationStatus,
  event: ParticipationEvent,
): ParticipationStatus | undefined {
  const possible: Partial<Record<ParticipationEvent, ParticipationStatus>> =
    participationTransitions[status];
  return possible[event];
}
