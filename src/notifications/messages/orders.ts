import type { MessageDefinition } from './messages.ts';

/** Notifications about corrected orders and shipped batches. */
export const orderMessages = {
  goods_shipped: {
    topic: 'orders',
    id: (p, s) => ({
      title: `Pesananmu di ${p.campaign} sudah dikirim`,
      paragraphs: [
        `${p.brand} sudah mengirim pesananmu. Kalau sudah sampai, konfirmasi di Sambatan, ya.`,
        `Tanpa kabar darimu sampai ${s.time(p.until)}, pesanan kami anggap sudah diterima. Ada masalah? Laporkan sebelum itu.`,
      ],
    }),
    en: (p, s) => ({
      title: `Your order of ${p.campaign} was shipped`,
      paragraphs: [
        `${p.brand} has sent your order. Please confirm on Sambatan once it arrives.`,
        `If we don't hear from you by ${s.time(p.until)}, the order counts as received. If something is wrong, report it before then.`,
      ],
    }),
  },
  receipt_ending: {
    topic: 'reminders',
    id: (p, s) => ({
      title: `Pesananmu di ${p.campaign} sudah sampai?`,
      paragraphs: [
        `Konfirmasi kalau sudah sampai, atau laporkan kalau ada masalah. Tanpa kabar sampai ${s.time(p.until)}, pesanan kami anggap sudah diterima.`,
      ],
    }),
    en: (p, s) => ({
      title: `Has your order of ${p.campaign} arrived?`,
      paragraphs: [
        `Confirm that it arrived, or report a problem. If we don't hear from you by ${s.time(p.until)}, the order counts as received.`,
      ],
    }),
  },
  received_without_word: {
    topic: 'orders',
    id: (p) => ({
      title: `Pesananmu di ${p.campaign} dianggap sudah diterima`,
      paragraphs: [
        'Waktu konfirmasinya sudah lewat. Kalau ada masalah, laporkan di halaman pesananmu.',
      ],
    }),
    en: (p) => ({
      title: `Your order of ${p.campaign} counts as received`,
      paragraphs: [
        'The time to confirm has passed. If something is wrong, report it on your order page.',
      ],
    }),
  },
  order_reduced: {
    topic: 'orders',
    id: (p, s) => ({
      title: `Pesananmu di ${p.campaign} sudah dikurangi`,
      paragraphs: [
        `Pesananmu sekarang ${s.slots(p.quantity)}.`,
        p.amount ? `${s.rupiah(p.amount)} kami kembalikan kepadamu.` : '',
      ],
    }),
    en: (p, s) => ({
      title: `Your order of ${p.campaign} was reduced`,
      paragraphs: [
        `Your order is now ${s.slots(p.quantity)}.`,
        p.amount ? `We will refund ${s.rupiah(p.amount)}.` : '',
      ],
    }),
  },
  seller_order_changed: {
    topic: 'seller',
    id: (p) => ({
      title: `Alamat atau catatan pesanan ${p.campaign} berubah`,
      paragraphs: [
        'Seorang pembeli memperbarui alamat atau catatannya. Cek daftar peserta sebelum mengemas, ya.',
      ],
    }),
    en: (p) => ({
      title: `An order of ${p.campaign} has a new address or note`,
      paragraphs: [
        'A buyer updated their address or note. Check the participants list before you pack.',
      ],
    }),
  },
} as const satisfies Record<string, MessageDefinition>;
