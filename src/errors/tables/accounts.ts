import { awaySeconds, define, fixed, type ErrorTable } from './definition.ts';
import { withPlural } from '../wording/plurals.ts';

/** Sign-in, permissions, second factors and accounts. */
export const accountsErrors = {
  unauthenticated: fixed(
    401,
    { id: 'Silakan masuk dulu', en: 'Please sign in' },
    {
      id: 'Kamu belum masuk atau sesimu sudah berakhir. Yuk, masuk lagi untuk melanjutkan.',
      en: 'You are not signed in, or your session has ended. Please sign in to go on.',
    },
  ),
  account_required: fixed(
    403,
    { id: 'Perlu akun', en: 'An account is needed' },
    {
      id: 'Untuk ini kamu perlu akun dengan alamat e-mail atau nomor HP. Daftar dulu, lalu coba lagi.',
      en: 'This needs an account with an e-mail address or phone number. Sign up, then try again.',
    },
  ),
  verified_email_required: fixed(
    403,
    { id: 'Perlu alamat e-mail yang terbukti', en: 'A verified e-mail address is needed' },
    {
      id: 'Sebelum mengundang orang lain, masuk dulu dengan kode yang kami kirim ke alamat e-mailmu.',
      en: 'Before you invite others, sign in with a code that we send to your e-mail address.',
    },
  ),
  forbidden: fixed(
    403,
    { id: 'Akses ditolak', en: 'Not allowed' },
    {
      id: 'Akunmu tidak punya izin untuk ini. Masuk dengan akun lain atau hubungi pengelola brand.',
      en: 'Your account may not do this. Use another account or ask the manager of the brand.',
    },
  ),
  reauthentication_required: fixed(
    403,
    { id: 'Buktikan dulu ini kamu', en: 'Please prove that it is you' },
    {
      id: 'Ini hal penting, dan kamu masuknya sudah agak lama. Masuk lagi, lalu ulangi, ya.',
      en: 'This is sensitive, and you signed in a while ago. Please sign in again and repeat it.',
    },
  ),
  sign_in_code_wrong: define<{ readonly remaining: number }>(
    422,
    { id: 'Kodenya belum cocok', en: 'The code does not match' },
    ({ remaining }) => ({
      id:
        remaining > 0
          ? `Cek lagi kode di e-mailmu. Kamu masih bisa mencoba ${remaining} kali.`
          : 'Kode ini sudah terlalu sering dicoba. Minta kode baru, ya.',
      en:
        remaining > 0
          ? `Please check the code in your mail. Tries left: ${remaining}.`
          : 'This code was tried too often. Please ask for a new one.',
    }),
  ),
  sign_in_ended: fixed(
    410,
    { id: 'Kode atau tautan sudah tidak berlaku', en: 'The code or link has ended' },
    {
      id: 'Kode dan tautan hanya bisa dipakai sekali selama 15 menit. Minta yang baru, ya.',
      en: 'A code or link works once, for 15 minutes. Please ask for a new one.',
    },
  ),
  second_factor_required: fixed(
    403,
    { id: 'Perlu kode dari aplikasi', en: 'A second factor is needed' },
    {
      id: 'Operator harus masuk dengan kode dari aplikasi juga. Aktifkan atau masukkan dulu, ya.',
      en: 'Operators have to sign in with a second factor as well. Please set it up, or give it.',
    },
  ),
  second_factor_wrong: fixed(
    422,
    { id: 'Kodenya belum cocok', en: 'The code does not match' },
    {
      id: 'Tunggu kode berikutnya di aplikasimu, lalu masukkan yang itu. Tiap kode hanya berlaku sekali.',
      en: 'Wait for the next code of your app and enter that one. Each code works once.',
    },
  ),
  second_factor_present: fixed(
    409,
    { id: 'Sudah aktif', en: 'It is on already' },
    {
      id: 'Kode dari aplikasi sudah aktif di akunmu. Matikan dulu kalau mau ganti aplikasi.',
      en: 'Your account has a second factor already. Remove it first to set up another.',
    },
  ),
  second_factor_not_begun: fixed(
    409,
    { id: 'Belum ada yang disiapkan', en: 'There is no second factor' },
    {
      id: 'Akunmu belum punya kode dari aplikasi. Mulai dari halaman Keamanan, ya.',
      en: 'Your account has no second factor yet. Begin on the page about security.',
    },
  ),
  identity_unavailable: fixed(
    503,
    { id: 'Layanan masuk sedang terganggu', en: 'Sign-in unavailable' },
    {
      id: 'Kami belum bisa memeriksa sesimu. Coba lagi sebentar lagi; kamu tidak perlu masuk ulang.',
      en: 'Your session could not be checked. Try again in a moment; no need to sign in anew.',
    },
    awaySeconds,
  ),
  account_not_found: fixed(
    404,
    { id: 'Akun tidak ditemukan', en: 'Account not found' },
    {
      id: 'Belum ada yang masuk dengan e-mail ini. Minta dia masuk sekali dulu, ya.',
      en: 'Nobody has signed in with this address yet. Ask them to sign in once first.',
    },
  ),
  account_has_participations: define<{ readonly count: number }>(
    409,
    { id: 'Masih ada ikutan yang berjalan', en: 'Some of your slots are still running' },
    ({ count }) => ({
      id: `Akunmu masih punya ${count} ikutan yang belum selesai atau uangnya belum kembali. Batalkan atau tunggu selesai dulu, ya.`,
      en: `Your account has ${withPlural(count, 'order')} still running or not refunded yet. Cancel first, or wait for the end.`,
    }),
  ),
  account_owns_brand: define<{ readonly brand_id: string; readonly brand: string }>(
    409,
    { id: 'Serahkan dulu brand-mu', en: 'Hand your brand over first' },
    ({ brand }) => ({
      id: `Kamu satu-satunya pemilik ${brand}, dan masih ada anggota lain di sana. Jadikan salah satunya pemilik dulu, ya.`,
      en: `You are the only owner of ${brand}, which has other members. Make one of them an owner first.`,
    }),
  ),
  account_has_campaigns: define<{ readonly count: number }>(
    409,
    { id: 'Brand-mu masih punya Sambatan', en: 'Your brand has running campaigns' },
    ({ count }) => ({
      id: `Brand milikmu masih punya ${count} Sambatan yang berjalan atau belum dibayarkan. Selesaikan dulu, ya.`,
      en: `Your brand has ${withPlural(count, 'campaign')} still running or not paid out. Finish that first.`,
    }),
  ),
  address_not_found: fixed(
    404,
    { id: 'Alamat tidak ditemukan', en: 'Address not found' },
    {
      id: 'Alamat tersimpan ini tidak ada. Pilih dari daftar alamatmu, ya.',
      en: 'This saved address does not exist. Choose one from your list.',
    },
  ),
  too_many_addresses: define<{ readonly maximum: number }>(
    409,
    { id: 'Alamat tersimpan sudah penuh', en: 'No room for another address' },
    ({ maximum }) => ({
      id: `Kamu bisa menyimpan sampai ${maximum} alamat. Hapus salah satu dulu, ya.`,
      en: `You can save up to ${withPlural(maximum, 'address', { many: 'addresses' })}. Please delete one first.`,
    }),
  ),
} as const satisfies ErrorTable;
