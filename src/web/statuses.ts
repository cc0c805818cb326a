import type { CampaignStatus } from '../campaigns/status.ts';
import type { Wording } from '../errors.ts';
import type { ParticipationStatus } from '../participations/status.ts';
import { badge, type Tone } from './components.ts';
import type { Html } from './html.ts';
import { worded, type Visit } from './visit.ts';

interface Words {
  readonly words: Wording;
  readonly tone: Tone;
}

/** How people call the states of a campaign. */
export const campaignWords = {
  inactive: { words: { id: 'Draf', en: 'Draft' }, tone: 'plain' },
  scheduled: { words: { id: 'Segera dibuka', en: 'Opening soon' }, tone: 'busy' },
  active: { words: { id: 'Sedang jalan', en: 'Running' }, tone: 'good' },
  full: { words: { id: 'Penuh', en: 'Full' }, tone: 'good' },
  completed: { words: { id: 'Berhasil', en: 'Succeeded' }, tone: 'good' },
  failed: { words: { id: 'Tidak terpenuhi', en: 'Not filled' }, tone: 'bad' },
  cancelled: { words: { id: 'Dibatalkan', en: 'Cancelled' }, tone: 'bad' },
} as const satisfies Record<CampaignStatus, Words>;

/** How people call the states of a participation. */
export const participationWords = {
  reserved: { words: { id: 'Dipesan', en: 'Reserved' }, tone: 'busy' },
  confirmed: { words: { id: 'Dikonfirmasi', en: 'Confirmed' }, tone: 'good' },
  cancelled: { words: { id: 'Dibatalkan', en: 'Cancelled' }, tone: 'bad' },
  refunded: { words: { id: 'Dana dikembalikan', en: 'Refunded' }, tone: 'plain' },
  fulfilled: { words: { id: 'Barang diterima', en: 'Received' }, tone: 'good' },
} as const satisfies Record<ParticipationStatus, Words>;

export function campaignBadge(visit: Visit, status: CampaignStatus): Html {
  const { words, tone } = campaignWords[status];
  return badge(worded(visit, words), tone);
}

export function participationBadge(visit: Visit, status: ParticipationStatus): Html {
  const { words, tone } = participationWords[status];
  return badge(worded(visit, words), tone);
}
