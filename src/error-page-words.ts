import type { ErrorCode, Wording } from './errors.ts';

/**
 * What people read on pages where the API's sentence speaks to programs. A code that is not here has
 * one sentence for both.
 */
export const pageWords: Partial<
  Record<ErrorCode, { readonly title?: Wording; readonly detail: Wording }>
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
    detail: {
      id: 'Isian atau berkasmu terlalu besar. Perkecil atau ringkas, lalu kirim lagi, ya.',
      en: 'What you sent is too large. Make it smaller or shorter and send it again.',
    },
  },
};
