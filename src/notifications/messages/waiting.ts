import type { MessageDefinition } from './messages.ts';

/** Notifications to buyers on a waiting list. */
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
  waiting_first: {
    topic: 'waiting',
    id: (p, s) => ({
      title: `Kamu antre paling depan di ${p.campaign}`,
      paragraphs: [
        `Uangmu ${s.rupiah(p.amount)} kami simpan untuk ${s.slots(p.quantity)}. Begitu slotnya kosong, langsung jadi milikmu.`,
        'Berubah pikiran? Keluar dari antrean kapan saja dan uangmu kami kembalikan.',
      ],
    }),
    en: (p, s) => ({
      title: `You're at the front of the line for ${p.campaign}`,
      paragraphs: [
        `We're keeping your ${s.rupiah(p.amount)} for ${s.slots(p.quantity)}. As soon as they come free, they're yours.`,
        "Changed your mind? Leave the waiting list any time and we'll refund you.",
      ],
    }),
  },
  waiting_given: {
    topic: 'waiting',
    id: (p, s) => ({
      title: `Kamu dapat slot di ${p.campaign}!`,
      paragraphs: [
        `${s.slots(p.quantity)} sekarang milikmu, dibayar dengan uang yang kami simpan. Tidak ada yang perlu dibayar lagi.`,
        'Pesananmu sudah pasti. Cek alamat pengirimannya di Sambatan, ya.',
      ],
    }),
    en: (p, s) => ({
      title: `You got your slots of ${p.campaign}!`,
      paragraphs: [
        `${s.slots(p.quantity)} now yours, paid with the money we kept. There's nothing more to pay.`,
        'Your order is confirmed. Please check its delivery address on Sambatan.',
      ],
    }),
  },
  waiting_refunded: {
    topic: 'waiting',
    id: (p, s) => ({
      title: `Antreanmu di ${p.campaign} berakhir`,
      paragraphs: [
        `Slotnya tidak bisa kami dapatkan untukmu. ${s.rupiah(p.amount)} yang kami simpan dikembalikan seluruhnya.`,
        'Pastikan rekening pengembalianmu sudah diisi di Sambatan.',
      ],
    }),
    en: (p, s) => ({
      title: `Your place in line for ${p.campaign} has ended`,
      paragraphs: [
        `We couldn't get the slots for you. The ${s.rupiah(p.amount)} we kept will be refunded in full.`,
        'Make sure your refund account on Sambatan is filled in.',
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
