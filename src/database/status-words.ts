/*
 * The words for statuses: the database's and the API's. The two vocabularies meet here alone, and
 * the compiler checks that each mapping is complete.
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

/** The API's word for a campaign's status of the database. */
export function toApiStatus(status: StoredCampaignStatus): CampaignStatus {
  return apiWords[status];
}

function apiCampaignWord(word: string): string {
  return Object.hasOwn(apiWords, word) ? apiWords[word as StoredCampaignStatus] : word;
}

/** The database's word for a status of the API. */
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

/** The API's word for a participation's status of the database. */
export function toApiParticipationStatus(status: StoredParticipationStatus): ParticipationStatus {
  return apiParticipationWords[status];
}

function apiParticipationWord(word: string): string {
  return Object.hasOwn(apiParticipationWords, word)
    ? apiParticipationWords[word as StoredParticipationStatus]
    : word;
}

/** The database's word for a status of the API. */
export function toDbParticipationStatus(status: ParticipationStatus): StoredParticipationStatus {
  return dbParticipationWords[status];
}

/** The parameters of a refusal by the database, with statuses in the API's words. */
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
