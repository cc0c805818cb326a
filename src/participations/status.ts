import type { ParticipationEvent } from '../audit/events.ts';
import type { ParticipationStatus } from '../database/status-words.ts';

/** Which events are possible in which status, and where each leads. All else is refused. */
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
  fulfilled: {},
} as const satisfies Record<
  ParticipationStatus,
  Partial<Record<ParticipationEvent, ParticipationStatus>>
>;

/** Where an event leads from a status; undefined when it is not possible there. */
export function participationAfter(
  status: ParticipationStatus,
  event: ParticipationEvent,
): ParticipationStatus | undefined {
  const possible: Partial<Record<ParticipationEvent, ParticipationStatus>> =
    participationTransitions[status];
  return possible[event];
}
