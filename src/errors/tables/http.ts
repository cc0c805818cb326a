import { define, fixed, type ErrorTable } from './definition.ts';
import { withPlural } from '../wording/plurals.ts';

/** Errors of a request before a slice handles it. */
export const httpErrors = {
  malformed_request: fixed(
    400,
    { id: 'Permintaan tidak terbaca', en: 'Unreadable request' },
    {
      id: 'Isi permintaan tidak bisa dibaca. Pastikan formatnya JSON yang benar, lalu kirim lagi.',
      en: 'The request could not be read. Make sure that it is valid JSON and send it again.',
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
  headers_too_large: fixed(
    431,
    { id: 'Header terlalu besar', en: 'Headers too large' },
    {
      id: 'Header permintaan terlalu besar. Hapus cookie untuk situs ini, lalu coba lagi.',
      en: 'The headers of the request are too large. Delete the cookies of this site and try again.',
    },
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
  rate_limited: define<{ readonly retry_after_seconds: number }>(
    429,
    { id: 'Terlalu banyak percobaan', en: 'Too many attempts' },
    ({ retry_after_seconds }) => ({
      id: `Pelan-pelan, ya. Coba lagi dalam ${retry_after_seconds} detik.`,
      en: `Not so fast, please. Try again in ${withPlural(retry_after_seconds, 'second')}.`,
    }),
  ),
  export_too_large: define<{ readonly maximum_rows: number }>(
    409,
    { id: 'Terlalu banyak untuk Excel', en: 'Too much for Excel' },
    ({ maximum_rows }) => ({
      id: `Berkas Excel memuat paling banyak ${maximum_rows} baris. Unduh CSV-nya saja, ya.`,
      en: `An Excel file holds ${withPlural(maximum_rows, 'row')} at most. Please download the CSV.`,
    }),
  ),
} as const satisfies ErrorTable;
