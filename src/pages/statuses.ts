import type { ParticipationStatus } from '../database/status-words.ts';
import type { CampaignStatus } from '../database/status-words.ts';
import type { Wording } from '../errors/errors.ts';
import type { PaymentState } from '../ledger/payments/payment-state.ts';
import { badge, type Tone } from '../web/components.ts';
import type { Html } from '../web/html.ts';
import { inLanguage, type PageContext } from '../web/visit.ts';

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
  verifying: { words: { id: 'Pembayaran dicek', en: 'Checking payments' }, tone: 'busy' },
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

/** How people call the payment states of a participation. */
export const paymentWords = {
  not_due: { words: { id: 'Belum ditagih', en: 'Not due yet' }, tone: 'plain' },
  due: { words: { id: 'Menunggu pembayaran', en: 'Awaiting payment' }, tone: 'busy' },
  overdue: { words: { id: 'Lewat batas bayar', en: 'Overdue' }, tone: 'bad' },
  proof_submitted: { words: { id: 'Bukti sedang dicek', en: 'Proof being checked' }, tone: 'busy' },
  pending_online: {
    words: { id: 'Pembayaran online diproses', en: 'Online payment pending' },
    tone: 'busy',
  },
  paid: { words: { id: 'Lunas', en: 'Paid' }, tone: 'good' },
  refund_due: { words: { id: 'Menunggu pengembalian', en: 'Refund due' }, tone: 'busy' },
  refunded: { words: { id: 'Dana dikembalikan', en: 'Refunded' }, tone: 'plain' },
  unpaid: { words: { id: 'Tidak dibayar', en: 'Never paid' }, tone: 'bad' },
  void: { words: { id: 'Tidak ada tagihan', en: 'Nothing to pay' }, tone: 'plain' },
} as const satisfies Record<PaymentState, Words>;

export function paymentBadge(visit: PageContext, state: PaymentState): Html {
  const { words, tone } = paymentWords[state];
  return badge(inLanguage(visit, words), tone);
}

export function campaignBadge(visit: PageContext, status: CampaignStatus): Html {
  const { words, tone } = campaignWords[status];
  return badge(inLanguage(visit, words), tone);
}

export function participationBadge(visit: PageContext, status: ParticipationStatus): Html {
  const { words, tone } = participationWords[status];
  return badge(inLanguage(visit, words), tone);
}
