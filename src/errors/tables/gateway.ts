import { awaySeconds, fixed, type ErrorTable } from './definition.ts';

/** Payments online, through the payment gateway. */
export const gatewayErrors = {
  gateway_off: fixed(
    409,
    { id: 'Bayar online belum tersedia', en: 'No online payment' },
    {
      id: 'Di sini belum bisa bayar online. Bayar lewat transfer bank dulu, ya.',
      en: 'Paying online is not possible here yet. Please pay by bank transfer.',
    },
  ),
  gateway_refused: fixed(
    409,
    { id: 'Bayar online ditolak', en: 'Online payment refused' },
    {
      id: 'Penyedia pembayaran menolak membuka halaman bayar. Coba sekali lagi, atau bayar lewat transfer bank.',
      en: 'The payment provider would not open a page to pay on. Try once more, or pay by transfer.',
    },
  ),
  gateway_unavailable: fixed(
    503,
    { id: 'Penyedia pembayaran belum menjawab', en: 'Payment provider unavailable' },
    {
      id: 'Penyedia pembayaran belum menjawab. Uangmu aman; coba lagi sebentar lagi, ya.',
      en: 'The payment provider does not answer. Your money is safe; try again in a moment.',
    },
    awaySeconds,
  ),
  too_late_to_pay_online: fixed(
    409,
    { id: 'Waktunya terlalu sempit', en: 'Too little time left' },
    {
      id: 'Sisa waktu bayarnya terlalu sedikit untuk membuka pembayaran online. Kalau masih sempat, bayar lewat transfer bank.',
      en: 'Too little time is left to open a payment online. If you still can, pay by bank transfer.',
    },
  ),
  notification_not_genuine: fixed(
    403,
    { id: 'Pemberitahuan tidak sah', en: 'Notification not genuine' },
    {
      id: 'Tanda tangan pemberitahuan ini tidak cocok. Periksa server key di kedua sisi.',
      en: 'The signature of this notification does not fit. Check the server key on both sides.',
    },
  ),
} as const satisfies ErrorTable;
