import type { Wording } from './language.ts';

/** Maximum number of pages of a PDF proof of payment. */
export const maxProofPages = 20;

/** Why a proof of payment is rejected, in the buyer's words. */
export const proofFlaws = {
  empty: {
    id: 'Berkasnya belum ada atau kosong. Pilih foto, tangkapan layar, atau PDF bukti transfermu.',
    en: 'There is no file, or it is empty. Choose a photo, a screenshot or a PDF of your transfer.',
  },
  heic: {
    id: 'Foto HEIC dari iPhone belum bisa dibaca. Kirim tangkapan layarnya saja, atau atur Pengaturan › Kamera › Format ke “Paling Kompatibel” lalu foto lagi.',
    en: 'HEIC photos from an iPhone cannot be read. Send a screenshot of it, or set Settings › Camera › Formats to “Most Compatible” and take the photo again.',
  },
  wrong_type: {
    id: 'Bukti bayar harus berupa foto JPEG, PNG, WebP, atau PDF. Coba foto atau tangkap layar lagi.',
    en: 'A proof is a JPEG, PNG or WebP picture or a PDF. Take the photo or screenshot again.',
  },
  unreadable: {
    id: 'Berkas ini rusak atau terpotong, jadi tidak bisa dibuka. Simpan atau unduh ulang, lalu kirim lagi.',
    en: 'This file is damaged or cut off and cannot be opened. Save or download it again, then send it.',
  },
  pdf_locked: {
    id: 'PDF ini dikunci kata sandi, jadi tidak bisa kami buka. Kirim tangkapan layarnya, atau simpan ulang tanpa kata sandi.',
    en: 'This PDF is locked with a password, so we cannot open it. Send a screenshot of it, or save it without the password.',
  },
  pdf_too_many_pages: {
    id: `PDF ini lebih dari ${maxProofPages} halaman. Kirim halaman yang memuat transfermu saja.`,
    en: `This PDF has more than ${maxProofPages} pages. Send only the page that shows your transfer.`,
  },
  picture_too_large: {
    id: 'Foto ini terlalu besar, lebih dari 60 megapiksel. Kirim tangkapan layarnya, atau perkecil dulu.',
    en: 'This picture is too large, more than 60 megapixels. Send a screenshot of it, or make it smaller.',
  },
  file_too_large: {
    id: 'Berkas maksimal 5 MB. Kirim tangkapan layarnya, atau perkecil dulu.',
    en: 'The file can be up to 5 MB. Send a screenshot of it, or make it smaller.',
  },
} as const satisfies Readonly<Record<string, Wording>>;

/** The reasons of `proof_not_accepted`. */
export type ProofFlaw = keyof typeof proofFlaws;
