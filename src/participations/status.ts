import type { ParticipationEvent } from '../audit/events.ts';

/** A participation's status as the database stores it (`sambatan.participant_status`). */
export type StoredParticipationStatus =
  'pending_payment' | 'confirmed' | 'cancelled' | 'refunded' | 'fulfilled';

/** A participation's status as everybody else says it. */
export const participationStatuses = [
  'reserved',
  'confirmed',
  'cancelled',
  'refunded',
  'fulfilled',
] as const;
export type ParticipationStatus = (typeof participationStatuses)[number];

const spoken = {
  pending_payment: 'reserved',
  confirmed: 'confirmed',
  cancelled: 'cancelled',
  refunded: 'refunded',
  fulfilled: 'fulfilled',
} as const satisfies Record<StoredParticipationStatus, ParticipationStatus>;

const stored = {
  reserved: 'pending_payment',
  confirmed: 'confirmed',
  cancelled: 'cancelled',
  refunded: 'refunded',
  fulfilled: 'fulfilled',
} as const satisfies {
  [S in ParticipationStatus]: {
    [D in StoredParticipationStatus]: (typeof spoken)[D] extends S ? D : never;
  }[StoredParticipationStatus];
};

/** From the database's word to everybody's; with storedParticipationStatus the one place. */
export function spokenParticipationStatus(status: StoredParticipationStatus): ParticipationStatus {
  return spoken[status];
}

/** The same for a word that may be either, as in the parameters of a refusal. */
export function spokenParticipationWord(word: string): string {
  return Object.hasOwn(spoken, word) ? spoken[word as StoredParticipationStatus] : word;
}

/** From everybody's word to the database's. */
export function storedParticipationStatus(status: ParticipationStatus): StoredParticipationStatus {
  return stored[status];
}

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
