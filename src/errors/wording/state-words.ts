import type { Wording } from './language.ts';

const statusWords: Readonly<Record<string, Wording>> = {
  inactive: { id: 'belum diterbitkan', en: 'not published' },
  scheduled: { id: 'belum dibuka', en: 'not open yet' },
  active: { id: 'sedang berjalan', en: 'active' },
  full: { id: 'sudah penuh', en: 'full' },
  verifying: { id: 'sedang dicek pembayarannya', en: 'checking payments' },
  completed: { id: 'sudah selesai', en: 'completed' },
  failed: { id: 'tidak mencapai target', en: 'failed' },
  reserved: { id: 'menunggu pembayaran', en: 'reserved' },
  confirmed: { id: 'sudah dikonfirmasi', en: 'confirmed' },
  cancelled: { id: 'sudah dibatalkan', en: 'cancelled' },
  refunded: { id: 'sudah dikembalikan dananya', en: 'refunded' },
  fulfilled: { id: 'sudah diterima', en: 'fulfilled' },
  waiting: { id: 'masih menunggu', en: 'still waiting' },
  offered: { id: 'sedang ditawari slot', en: 'offered slots' },
  accepted: { id: 'sudah diterima tawarannya', en: 'accepted' },
  declined: { id: 'sudah ditolak tawarannya', en: 'declined' },
  lapsed: { id: 'sudah lewat waktunya', en: 'lapsed' },
  withdrawn: { id: 'sudah ditinggalkan', en: 'withdrawn' },
  closed: { id: 'sudah ditutup', en: 'closed' },
};

const eventWords: Readonly<Record<string, Wording>> = {
  campaign_opened: { id: 'diterbitkan', en: 'published' },
  campaign_reopened: { id: 'dibuka lagi', en: 'reopened' },
  campaign_completed: { id: 'diselesaikan', en: 'completed' },
  campaign_failed: { id: 'ditutup', en: 'failed' },
  campaign_cancelled: { id: 'dibatalkan', en: 'cancelled' },
  campaign_edited: { id: 'diubah', en: 'edited' },
  deadline_extended: { id: 'diperpanjang', en: 'extended' },
  participant_confirmed: { id: 'dikonfirmasi', en: 'confirmed' },
  participant_cancelled: { id: 'dibatalkan', en: 'cancelled' },
  participant_refunded: { id: 'dikembalikan dananya', en: 'refunded' },
  participant_changed: { id: 'diubah', en: 'changed' },
  participant_fulfilled: { id: 'ditandai sudah diterima', en: 'marked as received' },
  waiting_accepted: { id: 'diambil slotnya', en: 'accepted' },
  waiting_declined: { id: 'ditolak', en: 'declined' },
  waiting_withdrawn: { id: 'ditinggalkan', en: 'withdrawn' },
  dispute_opened: { id: 'dikeluhkan', en: 'disputed' },
  campaign_shortfall: { id: 'dikurangi slotnya', en: 'delivered in part' },
};

const paymentStatusWords: Readonly<Record<string, Wording>> = {
  due: { id: 'belum dibayar', en: 'due' },
  proof_submitted: { id: 'sedang dicek', en: 'being verified' },
  rejected: { id: 'ditolak', en: 'rejected' },
  pending: { id: 'sedang diproses', en: 'being processed' },
  settled: { id: 'sudah lunas', en: 'settled' },
  reversed: { id: 'sudah dibalikkan', en: 'reversed' },
  void: { id: 'sudah tidak berlaku', en: 'void' },
};

/** A status of a payment, refund or payout in a sentence. */
export function paymentStatusWord(status: string): Wording {
  return paymentStatusWords[status] ?? { id: `berstatus ${status}`, en: status };
}

/** A status of a campaign, participation or waiting entry in a sentence. */
export function statusWord(status: string): Wording {
  return statusWords[status] ?? { id: `berstatus ${status}`, en: status };
}

/** Returns an event as a participle: the refused action. */
export function eventWord(event: string): Wording {
  return eventWords[event] ?? { id: 'diubah begitu', en: 'changed like that' };
}
