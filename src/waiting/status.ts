import type { WaitingEvent } from '../audit/events.ts';

/** Statuses of an entry of a waiting list, as the database and everybody else say them. */
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
 * Which events are possible in which status, and where each leads. All else is refused. An entry is
 * offered slots once at most: whoever does not take them waits anew, behind the others.
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

/** Where an event leads from a status; undefined when it is not possible there. */
export function waitingAfter(
  status: WaitingStatus,
  event: WaitingEvent,
): WaitingStatus | undefined {
  const possible: Partial<Record<WaitingEvent, WaitingStatus>> = waitingTransitions[status];
  return possible[event];
}
