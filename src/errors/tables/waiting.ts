import { define, fixed, type ErrorTable } from './definition.ts';
import { statusWord, eventWord } from '../wording/state-words.ts';
import { withPlural } from '../wording/plurals.ts';

/** Waiting lists and offers. */
export const waitingErrors = {
  waiting_entry_not_found: fixed(
    404,
    { id: 'Antrean tidak ditemukan', en: 'Waiting entry not found' },
    {
      id: 'Kamu tidak punya antrean ini. Buka halaman sambatannya untuk melihat antreanmu.',
      en: 'This place in a waiting list is not yours. See yours on the page of the campaign.',
    },
  ),
  slots_available: define<{ readonly remaining: number }>(
    409,
    { id: 'Masih ada slot', en: 'There are slots left' },
    ({ remaining }) => ({
      id: `Masih ada ${remaining} slot, jadi belum perlu antre. Langsung ikut saja, yuk!`,
      en: `${remaining} ${remaining === 1 ? 'slot is' : 'slots are'} left, so there is nothing to wait for. Join with up to as many.`,
    }),
  ),
  already_waiting: fixed(
    409,
    { id: 'Kamu sudah antre', en: 'You are waiting already' },
    {
      id: 'Kamu sudah ada di antrean sambatan ini. Mau ganti jumlah? Keluar dulu, lalu antre lagi.',
      en: 'You are on this waiting list already. For another number, leave it and wait anew.',
    },
  ),
  waiting_list_full: define<{ readonly maximum: number }>(
    409,
    { id: 'Antrean penuh', en: 'Waiting list full' },
    ({ maximum }) => ({
      id: `Sudah ada ${maximum} pembeli yang antre. Coba lagi nanti, atau cek sambatan lain, yuk!`,
      en: `${withPlural(maximum, 'buyer is', { many: 'buyers are' })} waiting already. Try again later, or see the other campaigns.`,
    }),
  ),
  waiting_list_closed: fixed(
    409,
    { id: 'Antrean sudah ditutup', en: 'Waiting list closed' },
    {
      id: 'Slot di sambatan ini tidak akan kosong lagi, jadi antreannya sudah ditutup. Uangmu tetap kami kembalikan.',
      en: 'No more slots of this campaign will come free, so its waiting list is closed. Your money is refunded.',
    },
  ),
  offer_expired: fixed(
    409,
    { id: 'Tawaran sudah berakhir', en: 'Offer has ended' },
    {
      id: 'Yah, waktu untuk mengambil slot ini sudah habis. Kalau masih mau, antre lagi, yuk!',
      en: 'The time to take these slots is over. If you still want some, wait again.',
    },
  ),
  offer_is_paid: fixed(
    409,
    { id: 'Tawaran ini diambil dengan membayar', en: 'This offer is taken by paying' },
    {
      id: 'Sambatan ini sudah berhasil, jadi slotnya jadi milikmu begitu kamu bayar. Buka halaman bayarnya.',
      en: 'This campaign has succeeded, so the slots are yours as soon as you pay. Open the page to pay.',
    },
  ),
  waiting_transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    { id: 'Perubahan tidak bisa dilakukan', en: 'Change not possible' },
    ({ from, event }) => ({
      id: `Antrean yang ${statusWord(from).id} tidak bisa ${eventWord(event).id}. Muat ulang, ya.`,
      en: `An entry that is ${statusWord(from).en} cannot be ${eventWord(event).en}. Look again.`,
    }),
  ),
} as const satisfies ErrorTable;
