import type { WaitingEvent } from '../audit/events.ts';

/** The statuses of a waiting-list entry; the database and the API use the same words. */
export const waitingStatuses = [
  'waiting',
  'offered',
  'accepted',
  'declined',
  'lapsed',
  'withdrawn',
  'closed',
] as const;
export type WaitingStatus = (typeof waitingStatuses)[number];

/**
 * For each status, the events that are possible, and the status after each event. Any other
 * transition is refused. An entry gets at most one offer. A buyer who did not accept it can make a
 * new entry at the end of the list.
 */
export const waitingTransitions = {
  waiting: {
    waiting_offered: 'offered',
    waiting_lapsed: 'lapsed',
    waiting_withdrawn: 'withdrawn',
    waiting_closed: 'closed',
  },
  offered: {
    waiting_accepted: 'accepted',
    waiting_declined: 'declined',
    waiting_lapsed: 'lapsed',
    waiting_withdrawn: 'withdrawn',
    waiting_closed: 'closed',
  },
  accepted: {},
  declined: {},
  lapsed: {},
  withdrawn: {},
  closed: {},
} as const satisfies Record<WaitingStatus, Partial<Record<WaitingEvent, WaitingStatus>>>;

/**
 * Returns the status after an event. Undefined when the event is not possible in the present
 * status.
 */
export function waitingAfter(
  status: WaitingStatus,
  event: WaitingEvent,
): WaitingStatus | undefined {
  const possible: Partial<Record<WaitingEvent, WaitingStatus>> = waitingTransitions[status];
  return possible[event];
}
