import type { Wording } from './language.ts';

/** Why a bank statement is refused, and what the operator can do about it. */
export const statementReasons = {
  empty: {
    id: 'Berkas kosong. Unduh ulang mutasinya dari bank.',
    en: 'The file is empty. Download the statement from the bank again.',
  },
  encoding: {
    id: 'Penyandian teks berkas tidak dikenali. Simpan sebagai CSV UTF-8, lalu unggah lagi.',
    en: 'The text encoding of the file is not supported. Save it as CSV UTF-8 and upload it again.',
  },
  pdf: {
    id: 'Ini PDF. Unduh mutasi dalam format CSV atau Excel dari bank.',
    en: 'This is a PDF. Download the statement as CSV or Excel from the bank.',
  },
  old_excel: {
    id: 'Ini berkas Excel lama (.xls) atau Excel berkata sandi. Buka di Excel, simpan sebagai .xlsx tanpa kata sandi, lalu unggah lagi.',
    en: 'This is an old Excel file (.xls) or one with a password. Open it in Excel, save it as .xlsx without a password and upload it again.',
  },
  web_page: {
    id: 'Isi berkas ini halaman web, bukan tabel. Buka di Excel, simpan sebagai .xlsx, lalu unggah lagi.',
    en: 'This file holds a web page, not a table. Open it in Excel, save it as .xlsx and upload it again.',
  },
  not_a_statement: {
    id: 'Jenis berkas ini tidak didukung. Pakai CSV, TSV, XLSX, MT940, atau CAMT.053.',
    en: 'This kind of file is not supported. Use CSV, TSV, XLSX, MT940 or CAMT.053.',
  },
  workbook: {
    id: 'Berkas Excel ini rusak atau terpotong. Unduh ulang dari bank.',
    en: 'This Excel file is damaged or cut off. Download it from the bank again.',
  },
  too_large: {
    id: 'Isi berkas ini terlalu besar. Pilih rentang tanggal yang lebih pendek.',
    en: 'The content of this file is too large. Choose a shorter period.',
  },
  several_sheets: {
    id: 'Lebih dari satu lembar berisi mutasi. Simpan satu lembar per berkas.',
    en: 'More than one sheet holds a statement. Save one sheet per file.',
  },
  xml: {
    id: 'XML ini tidak sah atau bukan CAMT.053. Unduh ulang dari bank.',
    en: 'This XML is not valid or not CAMT.053. Download it from the bank again.',
  },
  mt940: {
    id: 'Baris ini tidak sesuai MT940. Unduh ulang berkasnya dari bank.',
    en: 'This line is not valid MT940. Download the file from the bank again.',
  },
  heading_not_found: {
    id: 'Judul kolom tidak dikenali. Petakan kolom berkas ini sekali, lalu impor dengan pemetaan itu.',
    en: 'The column headings are not known. Map the columns of this file once and import it with that mapping.',
  },
  column_twice: {
    id: 'Judul kolom ini ada dua kali, jadi tidak jelas mana yang dipakai. Petakan kolomnya.',
    en: 'This column heading appears twice, so it is not clear which one counts. Map the columns.',
  },
  rows_before_heading: {
    id: 'Ada baris mutasi di atas judul kolom. Petakan kolom berkas ini.',
    en: 'There are transactions above the column headings. Map the columns of this file.',
  },
  quote_not_closed: {
    id: 'Tanda kutip tidak ditutup, jadi batas barisnya hilang. Unduh ulang dari bank.',
    en: 'A quotation mark is not closed, so the end of the row is lost. Download the file from the bank again.',
  },
  row_short: {
    id: 'Baris ini terpotong: kolom jumlahnya tidak ada. Unduh ulang dari bank.',
    en: 'This row is cut off: it has no amount column. Download the file from the bank again.',
  },
  row_long: {
    id: 'Baris ini punya kolom berlebih, jadi jumlahnya tidak pasti.',
    en: 'This row has more cells than headings, so its amount is not certain.',
  },
  row_unknown: {
    id: 'Baris ini memuat nominal, tetapi bukan transaksi yang dikenali.',
    en: 'This row holds an amount but is no transaction that can be read.',
  },
  amount: {
    id: 'Nominal ini tidak bisa dibaca.',
    en: 'This amount cannot be read.',
  },
  amount_too_large: {
    id: 'Nominal ini lebih dari 15 angka.',
    en: 'This amount has more than 15 digits.',
  },
  mixed_numbers: {
    id: 'Berkas ini memakai dua cara menulis angka (1.500.000,00 dan 1,500,000.00). Samakan dulu.',
    en: 'This file writes numbers in two ways (1.500.000,00 and 1,500,000.00). Use one of them.',
  },
  amount_twice: {
    id: 'Debit dan kredit sama-sama terisi di baris ini.',
    en: 'This row has both a debit and a credit.',
  },
  mark: {
    id: 'Tidak jelas apakah baris ini uang masuk atau keluar.',
    en: 'It is not clear whether this row is money in or money out.',
  },
  date: {
    id: 'Tanggal ini tidak bisa dibaca.',
    en: 'This date cannot be read.',
  },
  date_missing: {
    id: 'Baris ini memuat nominal tetapi tidak ada tanggalnya.',
    en: 'This row has an amount but no date.',
  },
  date_order: {
    id: 'Tidak jelas mana hari dan mana bulan di berkas ini. Tentukan urutannya di pemetaan kolom.',
    en: 'It is not clear which part of the dates is the day and which is the month. Set the order in the column mapping.',
  },
  date_year: {
    id: 'Tanggal ini tanpa tahun, dan tidak masuk periode di awal berkas.',
    en: 'This date has no year and does not fall in a period given at the top of the file.',
  },
  date_out_of_range: {
    id: 'Tanggal ini di masa depan atau terlalu lama.',
    en: 'This date is in the future or too long ago.',
  },
  currency: {
    id: 'Rekening ini bukan rekening rupiah.',
    en: 'This is not an account in rupiah.',
  },
  several_accounts: {
    id: 'Berkas ini memuat lebih dari satu rekening. Unduh satu rekening per berkas.',
    en: 'This file covers more than one account. Download one account per file.',
  },
  check: {
    id: 'Yang terbaca berbeda dari jumlah atau saldo di berkas. Mungkin ada baris yang hilang. Unduh ulang dari bank.',
    en: 'What was read differs from the totals or balances in the file. Rows may be missing. Download it from the bank again.',
  },
  too_many_lines: {
    id: 'Lebih dari 20.000 baris. Pilih rentang tanggal yang lebih pendek.',
    en: 'More than 20,000 rows. Choose a shorter period.',
  },
} as const satisfies Record<string, Wording>;

export type StatementReason = keyof typeof statementReasons;
