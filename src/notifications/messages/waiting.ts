import type { MessageDefinition } from './messages.ts';

/** What those are told who wait for slots. */
export const waitingMessages = {
  waiting_joined: {
    topic: 'waiting',
    id: (p, s) => ({
      title: `Kamu sudah antre di ${p.campaign}`,
      paragraphs: [
        `Kalau ${s.slots(p.quantity)} kosong lagi, kami tawarkan ke kamu sesuai urutan.`,
      ],
    }),
    en: (p, s) => ({
      title: `You are waiting for ${p.campaign}`,
      paragraphs: [`When ${s.slots(p.quantity)} come free, we offer them to you in your turn.`],
    }),
  },
  waiting_offered: {
    topic: 'waiting',
    id: (p, s) => ({
      title: `Ada slot buat kamu di ${p.campaign}!`,
      paragraphs: [
        `${s.slots(p.quantity)} kami simpan untukmu sampai ${s.time(p.until)}.`,
        'Yuk, ambil sebelum itu. Lewat dari itu, slotnya kami tawarkan ke pembeli berikutnya.',
      ],
    }),
    en: (p, s) => ({
      title: `There are slots of ${p.campaign} for you!`,
      paragraphs: [
        `We keep ${s.slots(p.quantity)} for you until ${s.time(p.until)}.`,
        'Take them before then; after that they are offered to the next one.',
      ],
    }),
  },
  waiting_offered_to_pay: {
    topic: 'waiting',
    id: (p, s) => ({
      title: `Ada slot buat kamu di ${p.campaign}!`,
      paragraphs: [
        `Sambatan ini berhasil, dan ${s.slots(p.quantity)} kami simpan untukmu sampai ${s.time(p.until)}.`,
        'Slotnya jadi milikmu begitu kamu bayar. Buka Sambatan untuk melihat jumlah persisnya dan rekeningnya.',
      ],
    }),
    en: (p, s) => ({
      title: `There are slots of ${p.campaign} for you!`,
      paragraphs: [
        `This campaign has succeeded, and we keep ${s.slots(p.quantity)} for you until ${s.time(p.until)}.`,
        'They are yours as soon as you pay. Open Sambatan for the exact amount and the account.',
      ],
    }),
  },
  waiting_offer_lapsed: {
    topic: 'waiting',
    id: (p) => ({
      title: `Tawaran slot di ${p.campaign} sudah berakhir`,
      paragraphs: ['Slotnya kami tawarkan ke pembeli berikutnya. Masih mau? Kamu bisa antre lagi.'],
    }),
    en: (p) => ({
      title: `Your offer of slots of ${p.campaign} has ended`,
      paragraphs: ['They go to the next one. Still want some? You can wait again.'],
    }),
  },
  waiting_in_vain: {
    topic: 'waiting',
    id: (p, s) => ({
      title: `Slot di ${p.campaign} tidak cukup`,
      paragraphs: [
        `Yang kosong tidak sampai ${s.slots(p.quantity)}, jadi antreanmu berakhir. Coba antre dengan jumlah yang lebih kecil, ya.`,
      ],
    }),
    en: (p, s) => ({
      title: `Too few slots of ${p.campaign} came free`,
      paragraphs: [
        `Fewer than ${s.slots(p.quantity)} came free, so you wait no more. You can wait for fewer.`,
      ],
    }),
  },
  waiting_removed: {
    topic: 'waiting',
    id: (p) => ({
      title: `Antreanmu di ${p.campaign} dihapus`,
      paragraphs: ['Pengelola Sambatan menghapus antreanmu. Tidak ada yang perlu kamu bayar.'],
    }),
    en: (p) => ({
      title: `You were taken off the waiting list of ${p.campaign}`,
      paragraphs: ['The people who run Sambatan did this. There is nothing to pay.'],
    }),
  },
  waiting_closed: {
    topic: 'waiting',
    id: (p) => ({
      title: `Antrean ${p.campaign} ditutup`,
      paragraphs: [
        'Sambatan ini sudah ditutup, jadi tidak ada slot lagi. Terima kasih sudah antre!',
      ],
    }),
    en: (p) => ({
      title: `The waiting list of ${p.campaign} is closed`,
      paragraphs: ['This campaign has closed, so no more slots come free. Thank you for waiting!'],
    }),
  },
} as const satisfies Record<string, MessageDefinition>;
