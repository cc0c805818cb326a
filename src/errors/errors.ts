import { pageWords } from './page-words.ts';
import { proofFlaws, type ProofFlaw } from './proof-flaws.ts';
import { withPlural } from './plurals.ts';
import { statementReasons, type StatementReason } from './statement-reasons.ts';

/** The languages the service answers in; Indonesian is the default. */
export const languages = ['id', 'en'] as const;
export type Language = (typeof languages)[number];
/** The same sentence in each language. */
export type Wording = Readonly<Record<Language, string>>;

/** What is wrong with one field; `field` is its name on the wire, `items.0.slots` when nested. */
export interface FieldError {
  readonly field: string;
  readonly message: Wording;
}

interface Definition<P> {
  readonly status: number;
  /** Short and the same for every occurrence (RFC 9457, `title`). */
  readonly title: Wording;
  /** This occurrence, and what the reader can do next (RFC 9457, `detail`). */
  readonly detail: (params: P) => Wording;
  /** Seconds after which the same request is worth sending again; sent as Retry-After. */
  readonly retryAfterSeconds?: number;
}

function define<P extends object>(
  status: number,
  title: Wording,
  detail: (params: P) => Wording,
  retryAfterSeconds?: number,
): Definition<P> {
  return {
    status,
    title,
    detail,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** An error that carries no parameters. */
function fixed(status: number, title: Wording, detail: Wording, retryAfterSeconds?: number) {
  return define<NoParams>(status, title, () => detail, retryAfterSeconds);
}

type NoParams = Readonly<Record<never, never>>;

const busySeconds = 1;
const awaySeconds = 2;

/** Every error the service answers with. The code is the contract; docs/errors.md explains each. */
export const errorTable = {
  malformed_request: fixed(
    400,
    { id: 'Permintaan tidak terbaca', en: 'Unreadable request' },
    {
      id: 'Isi permintaan tidak bisa dibaca. Pastikan formatnya JSON yang benar, lalu kirim lagi.',
      en: 'The request could not be read. Make sure that it is valid JSON and send it again.',
    },
  ),
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
  notification_not_genuine: fixed(
    403,
    { id: 'Pemberitahuan tidak sah', en: 'Notification not genuine' },
    {
      id: 'Tanda tangan pemberitahuan ini tidak cocok. Periksa server key di kedua sisi.',
      en: 'The signature of this notification does not fit. Check the server key on both sides.',
    },
  ),
  foreign_form: fixed(
    403,
    { id: 'Formulir dari luar situs ini', en: 'Form from another site' },
    {
      id: 'Formulir ini tidak dikirim dari halaman Sambatan. Buka halamannya di sini, lalu kirim lagi.',
      en: 'This form was not sent from a page of Sambatan. Open the page here and send it again.',
    },
  ),
  not_found: fixed(
    404,
    { id: 'Halaman tidak ditemukan', en: 'Not found' },
    {
      id: 'Alamat yang kamu tuju tidak ada. Periksa lagi tautannya, ya.',
      en: 'There is nothing at this address. Please check the link.',
    },
  ),
  campaign_not_found: fixed(
    404,
    { id: 'Sambatan tidak ditemukan', en: 'Campaign not found' },
    {
      id: 'Sambatan ini tidak ada atau belum diterbitkan. Coba cari sambatan lain, ya.',
      en: 'This campaign does not exist or is not published yet. Have a look at the others.',
    },
  ),
  participation_not_found: fixed(
    404,
    { id: 'Keikutsertaan tidak ditemukan', en: 'Participation not found' },
    {
      id: 'Keikutsertaan ini tidak ada. Buka daftar sambatan yang kamu ikuti, lalu pilih dari sana.',
      en: 'This participation does not exist. Choose one from the list of those you have joined.',
    },
  ),
  waiting_entry_not_found: fixed(
    404,
    { id: 'Antrean tidak ditemukan', en: 'Waiting entry not found' },
    {
      id: 'Kamu tidak punya antrean ini. Buka halaman sambatannya untuk melihat antreanmu.',
      en: 'This place in a waiting list is not yours. See yours on the page of the campaign.',
    },
  ),
  proof_not_found: fixed(
    404,
    { id: 'Bukti bayar tidak ada', en: 'No proof of payment' },
    {
      id: 'Belum ada bukti bayar untuk keikutsertaan ini. Unggah dulu, lalu buka lagi.',
      en: 'There is no proof of payment for this participation. Upload one, then look again.',
    },
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
  statement_line_not_found: fixed(
    404,
    { id: 'Baris mutasi tidak ditemukan', en: 'Statement line not found' },
    {
      id: 'Baris mutasi ini tidak ada. Muat ulang daftarnya, lalu pilih dari sana.',
      en: 'This line of a statement does not exist. Reload the list and choose one from it.',
    },
  ),
  statement_import_not_found: fixed(
    404,
    { id: 'Impor mutasi tidak ditemukan', en: 'Statement import not found' },
    {
      id: 'Berkas ini tidak ada, atau sudah dihapus karena tidak diterapkan. Unggah lagi, ya.',
      en: 'This file does not exist, or was deleted because nobody applied it. Upload it again.',
    },
  ),
  movement_not_found: fixed(
    404,
    { id: 'Transaksi tidak ditemukan', en: 'Movement not found' },
    {
      id: 'Pengembalian atau pencairan ini tidak ada. Muat ulang daftarnya, lalu pilih dari sana.',
      en: 'This refund or payout does not exist. Reload the list and choose one from it.',
    },
  ),
  dispute_not_found: fixed(
    404,
    { id: 'Keluhan tidak ditemukan', en: 'Dispute not found' },
    {
      id: 'Keluhan ini tidak ada. Muat ulang daftar keluhan, lalu pilih dari sana.',
      en: 'This dispute does not exist. Reload the list of disputes and choose one from it.',
    },
  ),
  product_not_found: fixed(
    404,
    { id: 'Produk tidak ditemukan', en: 'Product not found' },
    {
      id: 'Produk ini tidak ada. Pilih produk lain dari katalog brand-mu.',
      en: 'This product does not exist. Choose another one from the catalogue of your brand.',
    },
  ),
  brand_not_found: fixed(
    404,
    { id: 'Brand tidak ditemukan', en: 'Brand not found' },
    {
      id: 'Brand ini tidak ada. Periksa lagi brand yang kamu pilih, ya.',
      en: 'This brand does not exist. Please check which brand you chose.',
    },
  ),
  member_not_found: fixed(
    404,
    { id: 'Anggota tidak ditemukan', en: 'Member not found' },
    {
      id: 'Orang ini bukan anggota brand-mu lagi. Muat ulang daftar anggotanya, ya.',
      en: 'This person is not a member of the brand any more. Reload the list of members.',
    },
  ),
  invitation_not_found: fixed(
    404,
    { id: 'Undangan tidak berlaku', en: 'Invitation not valid' },
    {
      id: 'Undangan ini sudah dipakai, dibatalkan, atau kedaluwarsa. Minta undangan baru, ya.',
      en: 'This invitation was used, taken back, or has expired. Please ask for a new one.',
    },
  ),
  picture_not_found: fixed(
    404,
    { id: 'Foto tidak ditemukan', en: 'Picture not found' },
    {
      id: 'Foto ini sudah diganti atau dihapus. Muat ulang halamannya untuk melihat yang baru.',
      en: 'This picture was replaced or removed. Reload the page to see the present one.',
    },
  ),
  notification_not_found: fixed(
    404,
    { id: 'Pesan tidak ditemukan', en: 'Message not found' },
    {
      id: 'Pesan ini tidak ada di kotak masukmu. Muat ulang daftar pesanmu, ya.',
      en: 'This message is not in your inbox. Please reload the list of your messages.',
    },
  ),
  webhook_not_found: fixed(
    404,
    { id: 'Webhook tidak ditemukan', en: 'Webhook not found' },
    {
      id: 'Webhook ini tidak ada atau sudah dihapus. Pilih dari daftar webhook-mu.',
      en: 'This webhook does not exist or was removed. Choose one from your list.',
    },
  ),
  delivery_not_found: fixed(
    404,
    { id: 'Kiriman tidak ditemukan', en: 'Delivery not found' },
    {
      id: 'Kiriman ini tidak ada atau catatannya sudah dihapus. Pilih dari daftar kiriman.',
      en: 'This delivery does not exist or its record is gone. Choose one from the list.',
    },
  ),
  link_not_valid: fixed(
    404,
    { id: 'Tautan tidak berlaku', en: 'Link not valid' },
    {
      id: 'Tautan ini tidak berlaku lagi. Masuk, lalu atur pesanmu dari pengaturan, ya.',
      en: 'This link does not work any more. Please sign in and change your message settings.',
    },
  ),
  method_not_allowed: define<{ readonly allowed: readonly string[] }>(
    405,
    { id: 'Metode tidak didukung', en: 'Method not allowed' },
    ({ allowed }) => ({
      id: `Alamat ini hanya menerima ${allowed.join(', ')}.`,
      en: `This address takes ${allowed.join(', ')} only.`,
    }),
  ),
  request_timeout: fixed(
    408,
    { id: 'Permintaan terlalu lama', en: 'Request took too long' },
    {
      id: 'Permintaanmu tidak kunjung selesai terkirim. Periksa koneksi internetmu, lalu coba lagi.',
      en: 'Your request did not arrive in time. Check your connection and try again.',
    },
  ),
  payload_too_large: define<{ readonly maximum_bytes: number }>(
    413,
    { id: 'Isi terlalu besar', en: 'Content too large' },
    ({ maximum_bytes }) => ({
      id: `Isi permintaan terlalu besar, maksimal ${maximum_bytes} byte. Coba ringkas, ya.`,
      en: `The content is too large; at most ${maximum_bytes} bytes are taken. Please shorten it.`,
    }),
  ),
  unsupported_media_type: fixed(
    415,
    { id: 'Format tidak didukung', en: 'Unsupported format' },
    {
      id: 'Kirim data sebagai application/json dengan charset UTF-8, dan berkas dengan tipe yang tercantum di dokumentasi API.',
      en: 'Send data as application/json in UTF-8, and a file with one of the types that the API documents for this address.',
    },
  ),
  content_encoding_not_supported: fixed(
    415,
    { id: 'Data terkompresi tidak diterima', en: 'Compressed requests are not accepted' },
    {
      id: 'Kirim data apa adanya, tanpa kompresi (tanpa header Content-Encoding).',
      en: 'Send the data uncompressed, without a Content-Encoding header.',
    },
  ),
  validation_failed: fixed(
    422,
    { id: 'Ada isian yang perlu diperbaiki', en: 'Some fields need your attention' },
    {
      id: 'Cek lagi isian yang ditandai, perbaiki, lalu kirim ulang.',
      en: 'Check the marked fields, correct them and send the request again.',
    },
  ),
  idempotency_key_reused: fixed(
    422,
    { id: 'Idempotency-Key sudah dipakai', en: 'Idempotency-Key already used' },
    {
      id: 'Idempotency-Key ini sudah dipakai untuk permintaan lain. Buat yang baru, lalu kirim lagi.',
      en: 'This Idempotency-Key was used for another request. Make a new one and send it again.',
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
  proof_not_accepted: define<{ readonly reason: ProofFlaw }>(
    422,
    { id: 'Berkas tidak bisa dibaca', en: 'File not readable' },
    ({ reason }) => proofFlaws[reason],
  ),
  statement_not_readable: define<StatementPlace>(
    422,
    { id: 'Mutasi tidak terbaca', en: 'Statement not readable' },
    statementNotReadable,
  ),
  shortfall_not_possible: define<{ readonly minimum: number; readonly maximum: number }>(
    422,
    { id: 'Jumlah slot tidak sesuai', en: 'Number of slots not accepted' },
    ({ minimum, maximum }) => ({
      id: `Slot yang bisa dipenuhi harus ${minimum} sampai ${maximum}. Ubah jumlahnya, ya.`,
      en: `Between ${minimum} and ${withPlural(maximum, 'slot')} can be delivered. Please change the number.`,
    }),
  ),
  deadline_not_in_future: fixed(
    422,
    { id: 'Batas waktu sudah lewat', en: 'Deadline not in the future' },
    {
      id: 'Batas waktu harus di masa depan. Pilih tanggal dan jam yang belum lewat.',
      en: 'The deadline must be in the future. Choose a later date and time.',
    },
  ),
  deadline_not_later: fixed(
    422,
    { id: 'Batas waktu tidak lebih lama', en: 'Deadline not later' },
    {
      id: 'Batas waktu baru harus setelah batas waktu yang sekarang. Pilih waktu yang lebih lama.',
      en: 'The new deadline must be after the present one. Choose a later time.',
    },
  ),
  last_owner: fixed(
    409,
    { id: 'Pemilik terakhir', en: 'Last owner' },
    {
      id: 'Brand harus punya setidaknya satu pemilik. Jadikan anggota lain pemilik dulu, ya.',
      en: 'A brand needs at least one owner. Make another member an owner first.',
    },
  ),
  already_member: fixed(
    409,
    { id: 'Kamu sudah jadi anggota', en: 'Already a member' },
    {
      id: 'Kamu sudah jadi anggota brand ini, jadi undangannya tidak perlu dipakai.',
      en: 'You are a member of this brand already, so the invitation is not needed.',
    },
  ),
  too_many_invitations: fixed(
    409,
    { id: 'Terlalu banyak undangan', en: 'Too many invitations' },
    {
      id: 'Sudah banyak undangan hari ini, dari kamu, brand ini, atau ke alamat itu. Lanjutkan besok, ya.',
      en: 'Many invitations were sent today, by you, by this brand or to this address. Please go on tomorrow.',
    },
  ),
  export_too_large: define<{ readonly maximum_rows: number }>(
    409,
    { id: 'Terlalu banyak untuk Excel', en: 'Too much for Excel' },
    ({ maximum_rows }) => ({
      id: `Berkas Excel memuat paling banyak ${maximum_rows} baris. Unduh CSV-nya saja, ya.`,
      en: `An Excel file holds ${withPlural(maximum_rows, 'row')} at most. Please download the CSV.`,
    }),
  ),
  campaign_already_open: fixed(
    409,
    { id: 'Sambatan sudah dibuka', en: 'Campaign already open' },
    {
      id: 'Setelah sambatan dibuka, hanya judul dan deskripsinya yang bisa diubah.',
      en: 'Once a campaign is open, only its title and description can be changed.',
    },
  ),
  product_not_enabled: fixed(
    409,
    { id: 'Produk belum dibuka untuk Sambatan', en: 'Product not enabled for Sambatan' },
    {
      id: 'Produk ini belum diaktifkan untuk Sambatan. Aktifkan dulu di pengaturan produk.',
      en: 'This product is not enabled for Sambatan. Enable it in the settings of the product first.',
    },
  ),
  campaign_not_active: define<{ readonly status: string }>(
    409,
    { id: 'Sambatan tidak sedang dibuka', en: 'Campaign not open' },
    ({ status }) => ({
      id: `Sambatan ini ${statusWord(status).id}, jadi belum bisa diikuti. Cek sambatan lain, yuk!`,
      en: `This campaign is ${statusWord(status).en} and takes no joins now. See the others!`,
    }),
  ),
  campaign_closing: fixed(
    409,
    { id: 'Sambatan sedang ditutup', en: 'Campaign is closing' },
    {
      id: 'Sambatan ini sedang ditutup dan tidak bisa diubah lagi. Cek hasilnya sebentar lagi, ya.',
      en: 'This campaign is being closed and cannot be changed any more. See its result in a moment.',
    },
  ),
  deadline_passed: fixed(
    409,
    { id: 'Batas waktu sudah lewat', en: 'Deadline has passed' },
    {
      id: 'Yah, batas waktu sambatan ini sudah lewat. Cek sambatan lain yang masih dibuka, yuk!',
      en: 'The deadline of this campaign has passed. See the others that are still open!',
    },
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
  webhook_limit_reached: define<{ readonly maximum: number }>(
    409,
    { id: 'Webhook sudah terlalu banyak', en: 'Too many webhooks' },
    ({ maximum }) => ({
      id: `Maksimal ${maximum} webhook. Hapus yang tidak dipakai, lalu coba lagi.`,
      en: `There may be ${withPlural(maximum, 'webhook')} at most. Remove one that is not used and try again.`,
    }),
  ),
  transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    { id: 'Perubahan tidak bisa dilakukan', en: 'Change not possible' },
    ({ from, event }) => ({
      id: `Sambatan yang ${statusWord(from).id} tidak bisa ${eventWord(event).id}.`,
      en: `A campaign that is ${statusWord(from).en} cannot be ${eventWord(event).en}.`,
    }),
  ),
  participation_transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    { id: 'Perubahan tidak bisa dilakukan', en: 'Change not possible' },
    ({ from, event }) => ({
      id: `Keikutsertaan yang ${statusWord(from).id} tidak bisa ${eventWord(event).id}.`,
      en: `A participation that is ${statusWord(from).en} cannot be ${eventWord(event).en}.`,
    }),
  ),
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
  participation_not_paid: fixed(
    409,
    { id: 'Belum dibayar', en: 'Not paid yet' },
    {
      id: 'Pesanan ini belum lunas, jadi barangnya belum dikirim. Bayar dulu, atau tunggu sampai pembayarannya kami cek.',
      en: 'This order is not paid yet, so nothing has been sent. Pay first, or wait until the payment has been checked.',
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
      id: `Pembayaran ini ${movementWord(status).id}. Muat ulang halaman untuk melihat keadaannya.`,
      en: `This payment is ${movementWord(status).en}. Reload the page to see how it stands.`,
    }),
  ),
  gateway_off: fixed(
    409,
    { id: 'Bayar online belum tersedia', en: 'No online payment' },
    {
      id: 'Di sini belum bisa bayar online. Bayar lewat transfer bank dulu, ya.',
      en: 'Paying online is not possible here yet. Please pay by bank transfer.',
    },
  ),
  too_late_to_pay_online: fixed(
    409,
    { id: 'Waktunya terlalu sempit', en: 'Too little time left' },
    {
      id: 'Sisa waktu bayarnya terlalu sedikit untuk membuka pembayaran online. Kalau masih sempat, bayar lewat transfer bank.',
      en: 'Too little time is left to open a payment online. If you still can, pay by bank transfer.',
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
  statement_line_handled: fixed(
    409,
    { id: 'Baris mutasi sudah ditangani', en: 'Statement line already handled' },
    {
      id: 'Baris mutasi ini sudah dicocokkan atau diabaikan. Muat ulang daftarnya.',
      en: 'This line was matched or set aside already. Reload the list.',
    },
  ),
  statement_import_started: fixed(
    409,
    { id: 'Impor sudah berjalan', en: 'Import already started' },
    {
      id: 'Berkas ini sudah diterapkan. Lihat kemajuannya di halaman impor.',
      en: 'This file was applied already. See its progress on the page of the import.',
    },
  ),
  statement_line_not_divided: fixed(
    409,
    { id: 'Transfer belum dibagi', en: 'Transfer not divided yet' },
    {
      id: 'Tentukan dulu pesanan mana yang dibayar transfer ini, lalu catat.',
      en: 'Say first which orders this transfer pays for, then count it.',
    },
  ),
  statement_lines_too_little: define<{
    readonly participation_id: string;
    readonly missing: number;
  }>(409, { id: 'Uangnya belum cukup', en: 'Not enough money' }, ({ missing }) => ({
    id: `Masih kurang ${rupiahWords(missing)} untuk salah satu pesanan. Gabungkan dengan transfer lain, ubah pembagiannya, atau pilih untuk mengembalikan uangnya.`,
    en: `One of the orders is still ${rupiahWords(missing)} short. Put it together with another transfer, divide it in another way, or choose to send the money back.`,
  })),
  statement_parts_exceed_line: define<{ readonly amount: number; readonly parts: number }>(
    409,
    { id: 'Pembagian melebihi transfer', en: 'More than the transfer' },
    ({ amount, parts }) => ({
      id: `Bagian-bagiannya berjumlah ${rupiahWords(parts)}, padahal transfernya ${rupiahWords(amount)}.`,
      en: `The parts add up to ${rupiahWords(parts)}, but the transfer is ${rupiahWords(amount)}.`,
    }),
  ),
  movement_transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    { id: 'Perubahan tidak bisa dilakukan', en: 'Change not possible' },
    ({ from }) => ({
      id: `Transaksi ini ${movementWord(from).id}, jadi tidak bisa diubah begitu. Muat ulang daftarnya.`,
      en: `This movement is ${movementWord(from).en} and cannot be changed like that. Reload the list.`,
    }),
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
  no_decision_open: fixed(
    409,
    { id: 'Tidak ada yang perlu diputuskan', en: 'Nothing to decide' },
    {
      id: 'Sambatan ini tidak menunggu keputusan lanjut atau batal. Muat ulang untuk melihat keadaannya.',
      en: 'Nobody has to decide whether this campaign goes on. Reload to see how it stands.',
    },
  ),
  decision_is_sellers: fixed(
    409,
    { id: 'Masih giliran penjual', en: 'The seller decides first' },
    {
      id: 'Penjual masih punya waktu untuk memutuskan. Setelah waktunya lewat, kamu bisa memutuskan.',
      en: 'The seller still has time to decide. Once it is over, you can decide.',
    },
  ),
  goods_received_already: fixed(
    409,
    { id: 'Barang sudah diterima', en: 'Goods were received already' },
    {
      id: 'Sudah ada pembeli yang menerima barangnya, jadi sambatan ini tidak bisa dibatalkan lagi.',
      en: 'A buyer has received the goods, so this campaign cannot be called off any more.',
    },
  ),
  goods_shipped_already: fixed(
    409,
    { id: 'Barang sudah dikirim', en: 'Goods were shipped already' },
    {
      id: 'Barangnya sudah dikirim, jadi sambatan ini tidak bisa dibatalkan lagi. Lanjutkan saja.',
      en: 'The goods are on their way, so this campaign cannot be called off any more. Go on with it.',
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
  rate_limited: define<{ readonly retry_after_seconds: number }>(
    429,
    { id: 'Terlalu banyak percobaan', en: 'Too many attempts' },
    ({ retry_after_seconds }) => ({
      id: `Pelan-pelan, ya. Coba lagi dalam ${retry_after_seconds} detik.`,
      en: `Not so fast, please. Try again in ${withPlural(retry_after_seconds, 'second')}.`,
    }),
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
  reauthentication_required: fixed(
    403,
    { id: 'Buktikan dulu ini kamu', en: 'Please prove that it is you' },
    {
      id: 'Ini hal penting, dan kamu masuknya sudah agak lama. Masuk lagi, lalu ulangi, ya.',
      en: 'This is sensitive, and you signed in a while ago. Please sign in again and repeat it.',
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
  account_not_found: fixed(
    404,
    { id: 'Akun tidak ditemukan', en: 'Account not found' },
    {
      id: 'Belum ada yang masuk dengan e-mail ini. Minta dia masuk sekali dulu, ya.',
      en: 'Nobody has signed in with this address yet. Ask them to sign in once first.',
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
  mail_budget_spent: define<{ readonly retry_after_seconds: number }>(
    503,
    { id: 'Terlalu banyak e-mail sekaligus', en: 'Too many mails at once' },
    ({ retry_after_seconds }) => ({
      id: `Layanan ini sedang sangat ramai mengirim e-mail. Coba lagi dalam ${retry_after_seconds} detik.`,
      en: `This service is sending as many mails as it may. Try again in ${withPlural(retry_after_seconds, 'second')}.`,
    }),
  ),
  mail_unavailable: fixed(
    503,
    { id: 'E-mail belum terkirim', en: 'The mail was not sent' },
    {
      id: 'Kami belum bisa mengirim e-mail. Coba lagi sebentar lagi, ya.',
      en: 'The mail could not be sent. Please try again in a moment.',
    },
    10,
  ),
  headers_too_large: fixed(
    431,
    { id: 'Header terlalu besar', en: 'Headers too large' },
    {
      id: 'Header permintaan terlalu besar. Hapus cookie untuk situs ini, lalu coba lagi.',
      en: 'The headers of the request are too large. Delete the cookies of this site and try again.',
    },
  ),
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
  campaign_busy: fixed(
    503,
    { id: 'Sambatan sedang ramai', en: 'Campaign is busy' },
    {
      id: 'Sambatan ini sedang diproses. Permintaanmu belum tercatat; coba lagi sebentar lagi, ya.',
      en: 'This campaign is being worked on. Your request was not recorded; try again in a moment.',
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
  gateway_unavailable: fixed(
    503,
    { id: 'Penyedia pembayaran belum menjawab', en: 'Payment provider unavailable' },
    {
      id: 'Penyedia pembayaran belum menjawab. Uangmu aman; coba lagi sebentar lagi, ya.',
      en: 'The payment provider does not answer. Your money is safe; try again in a moment.',
    },
    awaySeconds,
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
} as const;

export type ErrorCode = keyof typeof errorTable;
/** The parameters that go with a code; they are sent to the client as `params`. */
export type ErrorParams<C extends ErrorCode> =
  (typeof errorTable)[C] extends Definition<infer P> ? P : never;

export const errorCodes = Object.keys(errorTable) as ErrorCode[];

/** A refusal with a stable code, thrown by verbs and rendered in one place (http/problem.ts). */
export class DomainError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly params: ErrorParams<C>;
  readonly fields: readonly FieldError[];

  constructor(code: C, params: ErrorParams<C>, fields: readonly FieldError[] = []) {
    super(code);
    this.name = 'DomainError';
    this.code = code;
    this.params = params;
    this.fields = fields;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  /** Seconds to wait before sending the request again; undefined when that would not help. */
  get retryAfterSeconds(): number | undefined {
    const { retry_after_seconds: own } = this.params as { retry_after_seconds?: number };
    const definition: Definition<never> = errorTable[this.code];
    return own ?? definition.retryAfterSeconds;
  }

  /** The title and the detail for a person who looks at a page, in their language. */
  text(language: Language): { title: string; detail: string } {
    const words = this.apiText(language);
    const { title, detail } = pageWords[this.code] ?? {};
    return {
      title: title?.[language] ?? words.title,
      detail:
        (typeof detail === 'function'
          ? detail(this.params as object as Readonly<Record<string, unknown>>)
          : detail)?.[language] ?? words.detail,
    };
  }

  /** The title and the detail for whoever uses the API, in the language asked for. */
  apiText(language: Language): { title: string; detail: string } {
    const definition = errorTable[this.code] as Definition<ErrorParams<C>>;
    return {
      title: definition.title[language],
      detail: definition.detail(this.params)[language],
    };
  }
}

/**
 * The error that a database function raised by name, with its parameters as they came from JSON;
 * undefined when the table does not know the code.
 */
export function domainErrorNamed(code: string, params: unknown): DomainError | undefined {
  if (!Object.hasOwn(errorTable, code)) return undefined;
  return new DomainError(code as ErrorCode, (params ?? {}) as ErrorParams<ErrorCode>);
}

/** A validation error of one field: what a verb throws when only it can see the mistake. */
export function invalidField(field: string, message: Wording): DomainError<'validation_failed'> {
  return new DomainError('validation_failed', {}, [{ field, message }]);
}

interface QuantityBounds {
  readonly minimum: number;
  readonly maximum: number | null;
  /** Slots that the buyer has in this campaign already. */
  readonly held: number;
}

/** Where and why a bank statement could not be read. */
interface StatementPlace {
  readonly reason: StatementReason;
  /** Line of the text file or row of the sheet, from 1. */
  readonly line?: number;
  /** Heading of the column, and what stands in the cell. */
  readonly column?: string;
  readonly cell?: string;
  /** For a total or balance that differs: what the file says, and what was read. */
  readonly expected?: string;
  readonly found?: string;
}

/** Whole rupiah in a message, as Indonesians write them. */
function rupiahWords(amount: number): string {
  return `Rp${String(amount).replaceAll(/\B(?=(\d{3})+$)/g, '.')}`;
}

function statementNotReadable({ reason, ...place }: StatementPlace): Wording {
  const { line, column, cell, expected, found } = place;
  const inWords = (words: { line: string; column: string; said: string; read: string }) =>
    [
      line !== undefined && `${words.line} ${line}`,
      column !== undefined && `${words.column} “${column}”`,
      cell !== undefined && `“${cell}”`,
      expected !== undefined && `${words.said} ${expected}`,
      found !== undefined && `${words.read} ${found}`,
    ]
      .filter(Boolean)
      .join(', ');
  const at = {
    id: inWords({ line: 'Baris', column: 'kolom', said: 'tertulis', read: 'terbaca' }),
    en: inWords({ line: 'Line', column: 'column', said: 'stated', read: 'read' }),
  };
  const why = statementReasons[reason];
  return {
    id: at.id === '' ? why.id : `${at.id}: ${why.id}`,
    en: at.en === '' ? why.en : `${at.en}: ${why.en}`,
  };
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

const statusWords: Readonly<Record<string, Wording>> = {
  inactive: { id: 'belum diterbitkan', en: 'not published' },
  scheduled: { id: 'belum dibuka', en: 'not open yet' },
  active: { id: 'sedang berjalan', en: 'active' },
  full: { id: 'sudah penuh', en: 'full' },
  verifying: { id: 'sedang dicek pembayarannya', en: 'checking payments' },
  completed: { id: 'sudah selesai', en: 'completed' },
  failed: { id: 'tidak mencapai target', en: 'failed' },
  reserved: { id: 'menunggu pembayaran', en: 'reserved' },
  confirmed: { id: 'sudah dikonfirmasi', en: 'confirmed' },
  cancelled: { id: 'sudah dibatalkan', en: 'cancelled' },
  refunded: { id: 'sudah dikembalikan dananya', en: 'refunded' },
  fulfilled: { id: 'sudah diterima', en: 'fulfilled' },
  waiting: { id: 'masih menunggu', en: 'still waiting' },
  offered: { id: 'sedang ditawari slot', en: 'offered slots' },
  accepted: { id: 'sudah diterima tawarannya', en: 'accepted' },
  declined: { id: 'sudah ditolak tawarannya', en: 'declined' },
  lapsed: { id: 'sudah lewat waktunya', en: 'lapsed' },
  withdrawn: { id: 'sudah ditinggalkan', en: 'withdrawn' },
  closed: { id: 'sudah ditutup', en: 'closed' },
};

const eventWords: Readonly<Record<string, Wording>> = {
  campaign_opened: { id: 'diterbitkan', en: 'published' },
  campaign_reopened: { id: 'dibuka lagi', en: 'reopened' },
  campaign_completed: { id: 'diselesaikan', en: 'completed' },
  campaign_failed: { id: 'ditutup', en: 'failed' },
  campaign_cancelled: { id: 'dibatalkan', en: 'cancelled' },
  campaign_edited: { id: 'diubah', en: 'edited' },
  deadline_extended: { id: 'diperpanjang', en: 'extended' },
  participant_confirmed: { id: 'dikonfirmasi', en: 'confirmed' },
  participant_cancelled: { id: 'dibatalkan', en: 'cancelled' },
  participant_refunded: { id: 'dikembalikan dananya', en: 'refunded' },
  participant_changed: { id: 'diubah', en: 'changed' },
  participant_fulfilled: { id: 'ditandai sudah diterima', en: 'marked as received' },
  waiting_accepted: { id: 'diambil slotnya', en: 'accepted' },
  waiting_declined: { id: 'ditolak', en: 'declined' },
  waiting_withdrawn: { id: 'ditinggalkan', en: 'withdrawn' },
  dispute_opened: { id: 'dikeluhkan', en: 'disputed' },
  campaign_shortfall: { id: 'dikurangi slotnya', en: 'delivered in part' },
};

const movementWords: Readonly<Record<string, Wording>> = {
  due: { id: 'belum dibayar', en: 'due' },
  proof_submitted: { id: 'sedang dicek', en: 'being verified' },
  rejected: { id: 'ditolak', en: 'rejected' },
  pending: { id: 'sedang diproses', en: 'being processed' },
  settled: { id: 'sudah lunas', en: 'settled' },
  reversed: { id: 'sudah dibalikkan', en: 'reversed' },
  void: { id: 'sudah tidak berlaku', en: 'void' },
};

function movementWord(status: string): Wording {
  return movementWords[status] ?? { id: `berstatus ${status}`, en: status };
}

function statusWord(status: string): Wording {
  return statusWords[status] ?? { id: `berstatus ${status}`, en: status };
}

function eventWord(event: string): Wording {
  return eventWords[event] ?? { id: 'diubah begitu', en: 'changed like that' };
}
