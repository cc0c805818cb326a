import { fixed, type ErrorTable } from './definition.ts';

/** Disputes of buyers. */
export const disputesErrors = {
  dispute_not_found: fixed(
    404,
    { id: 'Keluhan tidak ditemukan', en: 'Dispute not found' },
    {
      id: 'Keluhan ini tidak ada. Muat ulang daftar keluhan, lalu pilih dari sana.',
      en: 'This dispute does not exist. Reload the list of disputes and choose one from it.',
    },
  ),
  dispute_not_paid: fixed(
    409,
    { id: 'Pesanan ini belum dibayar', en: 'Order is not paid' },
    {
      id: 'Keluhan hanya bisa diajukan untuk pesanan yang sudah dibayar dan belum dikembalikan uangnya.',
      en: 'Only an order that is paid and not refunded can be disputed.',
    },
  ),
  dispute_open_already: fixed(
    409,
    { id: 'Keluhan sudah dibuka', en: 'Dispute is open already' },
    {
      id: 'Keluhanmu sudah kami terima dan sedang ditangani. Tunggu kabar dari kami, ya.',
      en: 'Your dispute is known and being looked at. You will hear from us.',
    },
  ),
  dispute_decided: fixed(
    409,
    { id: 'Keluhan sudah diputuskan', en: 'Dispute is decided' },
    {
      id: 'Keluhan ini sudah diputuskan. Yang ditolak bisa diajukan sekali lagi saja, dalam 7 hari.',
      en: 'This dispute is decided. One that was dismissed can be opened once more, within 7 days.',
    },
  ),
  dispute_says_nothing_new: fixed(
    422,
    { id: 'Belum ada keterangan baru', en: 'Nothing new is said' },
    {
      id: 'Keluhan ini sudah diperiksa. Ceritakan hal yang belum kamu sampaikan, ya.',
      en: 'This was looked into already. Please tell what you have not said yet.',
    },
  ),
  dispute_resolved_already: fixed(
    409,
    { id: 'Keluhan sudah selesai', en: 'Dispute is resolved already' },
    {
      id: 'Keluhan ini sudah diselesaikan. Muat ulang daftar keluhan.',
      en: 'This dispute was resolved already. Reload the list of disputes.',
    },
  ),
} as const satisfies ErrorTable;
