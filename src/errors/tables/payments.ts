import { define, fixed, type ErrorTable } from './definition.ts';
import { paymentStatusWord } from '../wording/state-words.ts';
import { proofFlaws, type ProofFlaw } from '../wording/proof-flaws.ts';

/** Payments by bank transfer, proofs of payment and bank accounts. */
export const paymentsErrors = {
  payment_account_missing: fixed(
    409,
    { id: 'Rekening tujuan belum siap', en: 'No account to pay to' },
    {
      id: 'Rekening tujuan belum siap. Tunggu sebentar, ya; kami sedang menyiapkannya.',
      en: 'There is no account to pay to yet. Please wait a little; it is being set up.',
    },
  ),
  unique_codes_exhausted: fixed(
    409,
    { id: 'Nominal pembayaran belum tersedia', en: 'No payment amount available' },
    {
      id: 'Nominal untuk pembayaran ini sedang habis. Coba lagi nanti, ya; slotmu tetap aman.',
      en: 'There is no amount for this payment right now. Please try again later; your slots are safe.',
    },
  ),
  payment_not_due: fixed(
    409,
    { id: 'Belum ada yang perlu dibayar', en: 'Nothing to pay yet' },
    {
      id: 'Keikutsertaan ini belum perlu dibayar. Kami kabari begitu waktunya membayar, ya.',
      en: 'There is nothing to pay for this participation yet. You will be told when there is.',
    },
  ),
  payment_not_open: define<{ readonly status: string }>(
    409,
    { id: 'Pembayaran tidak bisa diubah', en: 'Payment not open' },
    ({ status }) => ({
      id: `Pembayaran ini ${paymentStatusWord(status).id}. Muat ulang halaman untuk melihat keadaannya.`,
      en: `This payment is ${paymentStatusWord(status).en}. Reload the page to see how it stands.`,
    }),
  ),
  proof_not_found: fixed(
    404,
    { id: 'Bukti bayar tidak ada', en: 'No proof of payment' },
    {
      id: 'Belum ada bukti bayar untuk keikutsertaan ini. Unggah dulu, lalu buka lagi.',
      en: 'There is no proof of payment for this participation. Upload one, then look again.',
    },
  ),
  proof_not_accepted: define<{ readonly reason: ProofFlaw }>(
    422,
    { id: 'Berkas tidak bisa dibaca', en: 'File not readable' },
    ({ reason }) => proofFlaws[reason],
  ),
  bank_account_not_found: fixed(
    404,
    { id: 'Rekening belum diisi', en: 'No bank account given' },
    {
      id: 'Rekening bank ini belum diisi. Isi bank, nomor, dan nama pemiliknya dulu, ya.',
      en: 'This bank account was not given yet. Fill in the bank, the number and its holder.',
    },
  ),
  receiving_account_not_found: fixed(
    404,
    { id: 'Rekening tidak ditemukan', en: 'Account not found' },
    {
      id: 'Rekening penerima ini tidak ada. Pilih dari daftar rekening.',
      en: 'This receiving account does not exist. Choose one from the list of accounts.',
    },
  ),
  receiving_account_missing: fixed(
    409,
    { id: 'Belum ada rekening penerima', en: 'No account to receive payments' },
    {
      id: 'Pembeli harus bayar di muka, tapi belum ada rekening tujuan. Minta pengelola Sambatan menambah rekening penerima, atau pilih bayar saat berhasil.',
      en: 'Buyers have to pay up front, but there is no account to pay to yet. Ask the people who run Sambatan to add a receiving account, or let buyers pay once it succeeds.',
    },
  ),
  receiving_account_exists: fixed(
    409,
    { id: 'Rekening sudah ada', en: 'Account exists already' },
    {
      id: 'Nomor rekening di bank ini sudah terdaftar. Ubah yang sudah ada saja.',
      en: 'This number at this bank is in the list already. Change that one instead.',
    },
  ),
  receiving_account_is_default: fixed(
    409,
    { id: 'Ini rekening utama', en: 'This is the default account' },
    {
      id: 'Rekening utama tidak bisa dinonaktifkan. Pilih dulu rekening utama yang lain.',
      en: 'The default account cannot be switched off. Make another one the default first.',
    },
  ),
} as const satisfies ErrorTable;
