import { awaySeconds, busySeconds, fixed, type ErrorTable } from './definition.ts';

/** Temporary failures of the service. */
export const serviceErrors = {
  internal_error: fixed(
    500,
    { id: 'Ada gangguan di sistem kami', en: 'Something went wrong on our side' },
    {
      id: 'Maaf, ada gangguan di sistem kami. Coba lagi nanti, atau hubungi kami dengan kode ini.',
      en: 'Sorry, something went wrong on our side. Try again later, or contact us with this code.',
    },
  ),
  overloaded: fixed(
    503,
    { id: 'Sedang ramai', en: 'Very busy' },
    {
      id: 'Lagi ramai banget, nih. Permintaanmu belum diproses; coba lagi sebentar lagi, ya.',
      en: 'It is very busy right now. Your request was not processed; try again in a moment.',
    },
    busySeconds,
  ),
  database_unavailable: fixed(
    503,
    { id: 'Layanan sedang tidak tersedia', en: 'Service unavailable' },
    {
      id: 'Layanan sedang terganggu. Permintaanmu belum tercatat; coba lagi sebentar lagi, ya.',
      en: 'The service is disturbed. Your request was not recorded; try again in a moment.',
    },
    awaySeconds,
  ),
  outcome_unknown: fixed(
    503,
    { id: 'Hasil belum pasti', en: 'Outcome unknown' },
    {
      id:
        'Koneksi terputus sebelum hasilnya kami terima. Kirim ulang permintaan yang sama dengan ' +
        'Idempotency-Key yang sama; kamu tidak akan tercatat dua kali.',
      en:
        'The connection broke before the outcome was known. Send the same request with the same ' +
        'Idempotency-Key; it will not be recorded twice.',
    },
    awaySeconds,
  ),
  clock_skewed: fixed(
    503,
    { id: 'Jam server tidak cocok', en: 'Clocks disagree' },
    {
      id: 'Jam server dan jam database berbeda lebih dari 30 detik, jadi tidak ada sambatan yang ditutup dulu. Betulkan jamnya, lalu coba lagi.',
      en: 'The clocks of the service and of the database differ by more than 30 seconds, so no campaign is closed. Set them right, then try again.',
    },
    30,
  ),
  installation_held: fixed(
    409,
    { id: 'Uang dan pesan ditahan dulu', en: 'Money and messages are held' },
    {
      id:
        'Basis data ini dipulihkan dari cadangan dan belum dipastikan sebagai yang asli, jadi ' +
        'belum ada uang yang boleh bergerak. Minta operator menjalankan "sambatan release-hold".',
      en:
        'This database was restored from a backup and nobody has said yet that it is the real ' +
        'one, so no money may move. Ask the operator to run "sambatan release-hold".',
    },
  ),
} as const satisfies ErrorTable;
