import type { FastifyRequest } from 'fastify';
import type { Wording } from '../../errors/errors.ts';
import { notice } from '../../web/components.ts';
import type { Html } from '../../web/html.ts';
import { inLanguage } from '../../web/visit.ts';
import { queryParam } from './params.ts';

/** What a form did, by the word that the next page gets in its query. */
const messages = {
  // Shops.
  'brand-dibuat': { id: 'Brand-mu sudah jadi.', en: 'Your brand is made.' },
  tersimpan: { id: 'Perubahan tersimpan.', en: 'The changes are saved.' },
  'produk-dibuat': { id: 'Produk ditambahkan.', en: 'The product is added.' },
  'foto-dihapus': { id: 'Foto dihapus.', en: 'The picture is removed.' },
  diundang: { id: 'Undangan sudah dikirim.', en: 'The invitation is on its way.' },
  'undangan-batal': { id: 'Undangan dibatalkan.', en: 'The invitation was taken back.' },
  'anggota-keluar': { id: 'Anggota dikeluarkan.', en: 'The member was removed.' },
  keluar: { id: 'Kamu sudah keluar dari brand itu.', en: 'You have left the brand.' },
  bergabung: { id: 'Selamat datang di brand ini!', en: 'Welcome to this brand!' },
  draf: {
    id: 'Draf tersimpan. Hanya tim brand-mu yang melihatnya.',
    en: 'The draft is saved. Only your team sees it.',
  },
  terbit: { id: 'Sambatan sudah dibuka. Yuk, bagikan!', en: 'The campaign is open. Share it!' },
  dijadwalkan: {
    id: 'Sambatan dijadwalkan; terbuka sendiri pada waktunya.',
    en: 'The campaign is scheduled and opens by itself.',
  },
  diperpanjang: {
    id: 'Batas waktu diperpanjang, dan pesertanya diberi tahu.',
    en: 'The deadline is later now, and the participants are told.',
  },
  dibatalkan: {
    id: 'Sambatan dibatalkan. Dana yang sudah masuk dikembalikan.',
    en: 'The campaign is called off. What was paid goes back.',
  },
  'webhook-diubah': { id: 'Webhook diubah.', en: 'The webhook is changed.' },
  'webhook-hidup': { id: 'Webhook dinyalakan.', en: 'The webhook is switched on.' },
  'webhook-mati': { id: 'Webhook dimatikan.', en: 'The webhook is switched off.' },
  'webhook-dihapus': { id: 'Webhook dihapus.', en: 'The webhook is removed.' },
  'kirim-ulang': { id: 'Dikirim ulang sebentar lagi.', en: 'It is sent again in a moment.' },
  dikirim: {
    id: 'Tercatat. Pembeli yang sudah bayar diberi tahu.',
    en: 'Noted. Buyers who have paid are told.',
  },
  dikurangi: {
    id: 'Tercatat. Pembelinya diberi tahu, dan uangnya dikembalikan.',
    en: 'It is noted. The buyers are told, and their money goes back.',
  },
  // Operators.
  diterima: { id: 'Pembayaran diterima.', en: 'The payment is settled.' },
  ditolak: {
    id: 'Bukti ditolak. Pembeli diberi tahu alasannya.',
    en: 'The proof is rejected. The buyer is told why.',
  },
  dipasangkan: { id: 'Transfer dicatat untuk pesanan itu.', en: 'The transfer is counted for it.' },
  menunggusisa: {
    id: 'Uangnya belum cukup, jadi menunggu transfer sisanya. Belum ada yang dicatat.',
    en: 'It is not enough yet, so it waits for the rest. Nothing is recorded so far.',
  },
  diurungkan: { id: 'Pembagian diurungkan.', en: 'The division is undone.' },
  disisihkan: { id: 'Transfer disisihkan.', en: 'The transfer is set aside.' },
  'rekening-tersimpan': { id: 'Rekening tersimpan.', en: 'The account is saved.' },
  lunas: { id: 'Pengembalian dicatat selesai.', en: 'The refunds are settled.' },
  gagal: {
    id: 'Kegagalan dicatat. Pengembaliannya tetap menunggu.',
    en: 'The failure is noted. The refund stays due.',
  },
  dibalik: {
    id: 'Dicatat kembali. Uangnya menunggu dikirim ulang.',
    en: 'It is noted as come back. The money is due again.',
  },
  pulih: { id: 'Uangnya dicatat sudah kembali.', en: 'The money is noted as come back.' },
  relakan: { id: 'Dicatat sebagai kerugian.', en: 'It is noted as a loss.' },
  dilepas: { id: 'Pencairan boleh dikirim.', en: 'The payout may leave.' },
  cair: { id: 'Pencairan dicatat selesai.', en: 'The payout is settled.' },
  ditunjuk: { id: 'Operator ditunjuk.', en: 'The operator is named.' },
  dicabut: { id: 'Operator dicabut.', en: 'It is taken away.' },
  selesai: { id: 'Keluhan selesai.', en: 'The dispute is resolved.' },
} as const satisfies Record<string, Wording>;

export type FlashMessage = keyof typeof messages;

/** A path whose page shows a message once. */
export function withFlash(path: string, message: FlashMessage): string {
  return `${path}${path.includes('?') ? '&' : '?'}kabar=${message}`;
}

/** The message that the page before put into the query with `withFlash`. */
export function flashMessage(request: FastifyRequest): Html | undefined {
  const word = queryParam(request, 'kabar');
  if (word === undefined || !Object.hasOwn(messages, word)) return undefined;
  return notice('good', inLanguage(request.visit, messages[word as FlashMessage]));
}
