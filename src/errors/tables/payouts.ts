import { define, fixed, type ErrorTable } from './definition.ts';
import { paymentStatusWord } from '../wording/state-words.ts';

/** Refunds and payouts: outgoing money. */
export const payoutsErrors = {
  movement_not_found: fixed(
    404,
    { id: 'Transaksi tidak ditemukan', en: 'Movement not found' },
    {
      id: 'Pengembalian atau pencairan ini tidak ada. Muat ulang daftarnya, lalu pilih dari sana.',
      en: 'This refund or payout does not exist. Reload the list and choose one from it.',
    },
  ),
  movement_transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    { id: 'Perubahan tidak bisa dilakukan', en: 'Change not possible' },
    ({ from }) => ({
      id: `Transaksi ini ${paymentStatusWord(from).id}, jadi tidak bisa diubah begitu. Muat ulang daftarnya.`,
      en: `This movement is ${paymentStatusWord(from).en} and cannot be changed like that. Reload the list.`,
    }),
  ),
  refund_has_no_choice: fixed(
    409,
    { id: 'Uang ini hanya bisa dikembalikan', en: 'This money can only be refunded' },
    {
      id: 'Hanya transfer yang tepat waktu dan cukup yang bisa dipakai untuk antre paling depan. Yang ini kami kembalikan.',
      en: 'Only a payment made in time and in full can be kept for a place at the front of the line. This one is refunded.',
    },
  ),
  refund_sent_already: fixed(
    409,
    { id: 'Uangnya sudah dikirim', en: 'Refund already sent' },
    {
      id: 'Pengembalian ini sudah dikirim, jadi uangnya tidak bisa dipakai untuk antre lagi. Kamu masih bisa antre biasa.',
      en: 'This refund is already on its way, so the money can no longer be kept. You can still join the waiting list.',
    },
  ),
  refund_is_kept: fixed(
    409,
    { id: 'Uangnya disimpan untuk antrean', en: 'Money is kept for the waiting list' },
    {
      id: 'Pembelinya memilih antre paling depan. Pengembalian ini baru dikirim kalau antreannya berakhir.',
      en: 'The buyer chose to wait at the front of the line. This refund is due again when that ends.',
    },
  ),
  payout_not_released: fixed(
    409,
    { id: 'Pencairan belum dilepas', en: 'Payout not released' },
    {
      id: 'Pencairan ini menunggu barang diterima pembeli. Lepas dulu kalau memang sudah boleh.',
      en: 'This payout waits until buyers have their goods. Release it first if it may leave now.',
    },
  ),
  payout_disputed: fixed(
    409,
    { id: 'Pencairan ditahan', en: 'Payout on hold' },
    {
      id: 'Masih ada keluhan pembeli yang terbuka. Selesaikan dulu, baru cairkan.',
      en: 'A dispute of a buyer is open. Resolve it first, then pay out.',
    },
  ),
  payout_unsettled: fixed(
    409,
    { id: 'Belum semua pesanan beres', en: 'Orders are still open' },
    {
      id: 'Masih ada tawaran slot yang menunggu dibayar, atau keputusan lanjut atau batal. Tunggu sampai beres, ya.',
      en: 'An offer of slots is still to be paid, or somebody has to decide whether the batch goes on. Wait for that.',
    },
  ),
  payout_not_covered: define<{ readonly free: number }>(
    409,
    { id: 'Dana belum cukup', en: 'Not enough money in hand' },
    ({ free }) => ({
      id: `Baru Rp${free.toLocaleString('id-ID')} yang bisa dicairkan. Tunggu pembeli lain membayar, atau hapus tagihannya.`,
      en: `Only Rp${free.toLocaleString('en-US')} can leave now. Wait for the other buyers to pay, or write their payments off.`,
    }),
  ),
  payout_settled_already: fixed(
    409,
    { id: 'Pencairan sudah berjalan', en: 'Payout has left already' },
    {
      id: 'Dana sambatan ini sudah dicairkan. Balikkan pencairannya dulu, baru ulangi.',
      en: 'The money of this campaign was paid out already. Reverse the payout first, then try again.',
    },
  ),
} as const satisfies ErrorTable;
