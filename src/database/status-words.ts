/*
 * Converts between the words for statuses in the database and those in the API. Only this file
 * knows both. The compiler checks that no status is missing.
 */

/** A campaign's status as the database stores it (`sambatan.campaign_status`). */
export type StoredCampaignStatus =
  'draft' | 'scheduled' | 'active' | 'locked' | 'verifying' | 'fulfilled' | 'expired' | 'cancelled';

/** A campaign's status in the API and on pages. */
export const campaignStatuses = [
  'inactive',
  'scheduled',
  'active',
  'full',
  'verifying',
  'completed',
  'failed',
  'cancelled',
] as const;
export type CampaignStatus = (typeof campaignStatuses)[number];

const apiWords = {
  draft: 'inactive',
  scheduled: 'scheduled',
  active: 'active',
  locked: 'full',
  verifying: 'verifying',
  fulfilled: 'completed',
  expired: 'failed',
  cancelled: 'cancelled',
} as const satisfies Record<StoredCampaignStatus, CampaignStatus>;

const dbWords = {
  inactive: 'draft',
  scheduled: 'scheduled',
  active: 'active',
  full: 'locked',
  verifying: 'verifying',
  completed: 'fulfilled',
  failed: 'expired',
  cancelled: 'cancelled',
} as const satisfies {
  [S in CampaignStatus]: {
    [D in StoredCampaignStatus]: (typeof apiWords)[D] extends S ? D : never;
  }[StoredCampaignStatus];
};

/** Converts a campaign's status from the word in the database to the word in the API. */
export function toApiStatus(status: StoredCampaignStatus): CampaignStatus {
  return apiWords[status];
}

function apiCampaignWord(word: string): string {
  return Object.hasOwn(apiWords, word) ? apiWords[word as StoredCampaignStatus] : word;
}

/** Converts a campaign's status from the word in the API to the word in the database. */
export function toDbStatus(status: CampaignStatus): StoredCampaignStatus {
  return dbWords[status];
}

/** A participation's status as the database stores it (`sambatan.participant_status`). */
export type StoredParticipationStatus =
  'pending_payment' | 'confirmed' | 'cancelled' | 'refunded' | 'fulfilled';

/** A participation's status in the API and on pages. */
export const participationStatuses = [
  'reserved',
  'confirmed',
  'cancelled',
  'refunded',
  'fulfilled',
] as const;
export type ParticipationStatus = (typeof participationStatuses)[number];

const apiParticipationWords = {
  pending_payment: 'reserved',
  confirmed: 'confirmed',
  cancelled: 'cancelled',
  refunded: 'refunded',
  fulfilled: 'fulfilled',
} as const satisfies Record<StoredParticipationStatus, ParticipationStatus>;

const dbParticipationWords = {
  reserved: 'pending_payment',
  confirmed: 'confirmed',
  cancelled: 'cancelled',
  refunded: 'refunded',
  fulfilled: 'fulfilled',
} as const satisfies {
  [S in ParticipationStatus]: {
    [D in StoredParticipationStatus]: (typeof apiParticipationWords)[D] extends S ? D : never;
  }[StoredParticipationStatus];
};

/** Converts a participation's status from the word in the database to the word in the API. */
export function toApiParticipationStatus(status: StoredParticipationStatus): ParticipationStatus {
  return apiParticipationWords[status];
}

function apiParticipationWord(word: string): string {
  return Object.hasOwn(apiParticipationWords, word)
    ? apiParticipationWords[word as StoredParticipationStatus]
    : word;
}

/** Converts a participation's status from the word in the API to the word in the database. */
export function toDbParticipationStatus(status: ParticipationStatus): StoredParticipationStatus {
  return dbParticipationWords[status];
}

/** Returns the parameters of a database refusal, with statuses in the words of the API. */
export function inApiWords(code: string, params: unknown): unknown {
  if (typeof params !== 'object' || params === null) return params;
  if (code === 'campaign_not_active' && 'status' in params) {
    return { ...params, status: apiCampaignWord(String(params.status)) };
  }
  if (code === 'transition_not_allowed' && 'from' in params) {
    return { ...params, from: apiCampaignWord(String(params.from)) };
  }
  if (code === 'participation_transition_not_allowed' && 'from' in params) {
    return { ...params, from: apiParticipationWord(String(params.from)) };
  }
  return params;
}

/**
 * SQL for a condition that is true for every participation `p`. A query for the participations of a
 * buyer needs it, because the open and the past ones have an index each.
 */
export const anyParticipationStatus = (p: string): string =>
  `(${p}.status in ('pending_payment', 'confirmed')
        or ${p}.status in ('cancelled', 'refunded', 'fulfilled'))`;
