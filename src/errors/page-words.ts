import type { ErrorCode } from './error-table.ts';
import type { Wording } from './wording/language.ts';

/** Text that depends on the parameters of the error. */
type DetailOf = (params: Readonly<Record<string, unknown>>) => Wording;

/** Formats a number of bytes for people. */
function size(bytes: unknown): string {
  const kilobytes = Number(bytes) / 1_024;
  return kilobytes < 1_024 ? `${kilobytes} KB` : `${kilobytes / 1_024} MB`;
}

/**
 * Texts for pages where the API's text is too technical. A code without an entry has one text for
 * both.
 */
export const pageWords: Partial<
  Record<ErrorCode, { readonly title?: Wording; readonly detail: Wording | DetailOf }>
> = {
  outcome_unknown: {
    detail: {
      id: 'Koneksi terputus sebelum hasilnya kami terima. Buka lagi halaman ini untuk melihat apakah sudah tercatat sebelum mencoba lagi.',
      en: 'The connection broke before we knew the outcome. Open this page again to see whether it was saved before you try again.',
    },
  },
  idempotency_key_reused: {
    title: { id: 'Formulir ini sudah terkirim', en: 'This form was already sent' },
    detail: {
      id: 'Formulir ini sudah pernah dikirim dengan isian lain. Muat ulang halaman, lalu isi lagi, ya.',
      en: 'This form was already sent with other content. Reload the page and fill it in again.',
    },
  },
  unsupported_media_type: {
    title: { id: 'Formulir tidak terbaca', en: 'Form not readable' },
    detail: {
      id: 'Formulir ini tidak bisa kami baca. Muat ulang halaman, lalu kirim lagi, ya.',
      en: 'We could not read this form. Reload the page and send it again.',
    },
  },
  content_encoding_not_supported: {
    title: { id: 'Formulir tidak terbaca', en: 'Form not readable' },
    detail: {
      id: 'Formulir ini harus dikirim tanpa kompresi. Muat ulang halaman, lalu kirim lagi, ya.',
      en: 'This form has to be sent uncompressed. Reload the page and send it again.',
    },
  },
  method_not_allowed: {
    title: {
      id: 'Halaman ini tidak bisa dibuka begitu',
      en: 'This page cannot be opened like that',
    },
    detail: {
      id: 'Kembali ke halaman sebelumnya, lalu coba lagi dari sana, ya.',
      en: 'Go back to the page before and try again from there.',
    },
  },
  installation_held: {
    detail: {
      id: 'Pembayaran dan pengembalian dana sedang kami hentikan sementara. Pesananmu aman; coba lagi nanti, ya.',
      en: 'Payments and refunds are paused for now. Your orders are safe; please try again later.',
    },
  },
  payload_too_large: {
    detail: ({ maximum_bytes: most }) => ({
      id: `Isian atau berkasmu terlalu besar, maksimal ${size(most)}. Perkecil atau ringkas, lalu kirim lagi, ya.`,
      en: `What you sent is too large; the limit is ${size(most)}. Make it smaller or shorter and send it again.`,
    }),
  },
  malformed_request: {
    title: { id: 'Permintaan tidak terbaca', en: 'We could not read that' },
    detail: {
      id: 'Yang kamu kirim tidak bisa kami baca. Kembali ke halaman sebelumnya, muat ulang, lalu coba lagi, ya.',
      en: 'We could not read what you sent. Go back to the page before, reload it and try again.',
    },
  },
  validation_failed: {
    detail: {
      id: 'Cek lagi isian yang ditandai, perbaiki, lalu kirim ulang.',
      en: 'Check the marked fields, correct them and send the form again.',
    },
  },
  headers_too_large: {
    title: { id: 'Data situs di perambanmu terlalu besar', en: 'Too much saved site data' },
    detail: {
      id: 'Hapus data situs ini di pengaturan perambanmu, lalu buka lagi halamannya.',
      en: 'Delete the data of this site in your browser’s settings, then open the page again.',
    },
  },
  clock_skewed: {
    title: { id: 'Sedang kami periksa', en: 'We are checking something' },
    detail: {
      id: 'Penutupan sambatan sedang kami tunda sebentar. Pesananmu aman; coba lagi nanti, ya.',
      en: 'Closing campaigns is paused for a moment. Your orders are safe; please try again later.',
    },
  },
  notification_not_genuine: {
    detail: {
      id: 'Pemberitahuan ini tidak bisa kami percaya, jadi tidak kami proses.',
      en: 'We could not trust this notification, so nothing was done with it.',
    },
  },
};
