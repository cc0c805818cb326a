import type { MessageDefinition } from './messages.ts';

/** What is told when a buyer corrects an order. */
export const orderMessages = {
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
