import type { ParticipationEvent } from '../audit/events.ts';
import type { ParticipationStatus } from '../database/status-words.ts';

/**
 * For each status, the events that are possible, and the status after each event. Any other
 * transition is refused.
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

/**
 * Returns the status after an event. Undefined when the event is not possible in the present
 * status.
 */
export function participationAfter(
  status: ParticipationStatus,
  event: ParticipationEvent,
): ParticipationStatus | undefined {
  const possible: Partial<Record<ParticipationEvent, ParticipationStatus>> =
    participationTransitions[status];
  return possible[event];
}
