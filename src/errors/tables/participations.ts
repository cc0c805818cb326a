import { define, fixed, type ErrorTable } from './definition.ts';
import { statusWord, eventWord } from '../wording/state-words.ts';
import { withPlural } from '../wording/plurals.ts';
import type { Wording } from '../wording/language.ts';

/** Joins and participations. */
export const participationsErrors = {
  participation_not_found: fixed(
    404,
    { id: 'Keikutsertaan tidak ditemukan', en: 'Participation not found' },
    {
      id: 'Keikutsertaan ini tidak ada. Buka daftar sambatan yang kamu ikuti, lalu pilih dari sana.',
      en: 'This participation does not exist. Choose one from the list of those you have joined.',
    },
  ),
  quantity_out_of_bounds: define<QuantityBounds>(
    422,
    { id: 'Jumlah slot tidak sesuai', en: 'Number of slots not accepted' },
    quantityOutOfBounds,
  ),
  more_slots_by_joining: define<{ readonly quantity: number }>(
    422,
    { id: 'Tambah slot lewat pesanan baru', en: 'Add slots with a new order' },
    ({ quantity }) => ({
      id: `Pesanan ini berisi ${quantity} slot dan hanya bisa dikurangi. Untuk menambah, buat pesanan baru di sambatan yang sama.`,
      en: `This order has ${withPlural(quantity, 'slot')} and can only be reduced. To add slots, order again in the same campaign.`,
    }),
  ),
  slots_unavailable: define<{ readonly remaining: number }>(
    409,
    { id: 'Slot tidak cukup', en: 'Not enough slots left' },
    ({ remaining }) =>
      remaining > 0
        ? {
            id: `Slot yang tersisa tinggal ${remaining}. Kurangi jumlah slot, lalu coba lagi.`,
            en: `Only ${remaining} ${remaining === 1 ? 'slot is' : 'slots are'} left. Ask for fewer and try again.`,
          }
        : {
            id: 'Yah, semua slot sudah terisi atau sedang ditawarkan. Yuk, masuk antrean saja!',
            en: 'All slots are taken or on offer. Join the waiting list to get one that comes free.',
          },
  ),
  participation_transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    { id: 'Perubahan tidak bisa dilakukan', en: 'Change not possible' },
    ({ from, event }) => ({
      id: `Keikutsertaan yang ${statusWord(from).id} tidak bisa ${eventWord(event).id}.`,
      en: `A participation that is ${statusWord(from).en} cannot be ${eventWord(event).en}.`,
    }),
  ),
  participation_not_paid: fixed(
    409,
    { id: 'Belum dibayar', en: 'Not paid yet' },
    {
      id: 'Pesanan ini belum lunas, jadi barangnya belum dikirim. Bayar dulu, atau tunggu sampai pembayarannya kami cek.',
      en: 'This order is not paid yet, so nothing has been sent. Pay first, or wait until the payment has been checked.',
    },
  ),
} as const satisfies ErrorTable;

interface QuantityBounds {
  readonly minimum: number;
  readonly maximum: number | null;
  /** Slots that the buyer already has in this campaign. */
  readonly held: number;
}

function quantityOutOfBounds({ minimum, maximum, held }: QuantityBounds): Wording {
  const range =
    maximum === null
      ? { id: `minimal ${minimum} slot`, en: `at least ${withPlural(minimum, 'slot')}` }
      : {
          id: minimum === maximum ? `${minimum} slot` : `${minimum} sampai ${maximum} slot`,
          en: slotRange(minimum, maximum),
        };
  const already =
    held > 0
      ? { id: ` Kamu sudah punya ${held} slot.`, en: ` You have ${held} already.` }
      : { id: '', en: '' };
  return {
    id: `Tiap pembeli bisa mengambil ${range.id}.${already.id} Ubah jumlahnya, ya.`,
    en: `A buyer can take ${range.en}.${already.en} Please change the number.`,
  };
}

function slotRange(minimum: number, maximum: number): string {
  const most = withPlural(maximum, 'slot');
  return minimum === maximum ? most : `${minimum} to ${most}`;
}
