import type { MessageDefinition } from './messages.ts';

/** Notifications to buyers and sellers about payments, refunds and payouts. */
export const moneyMessages = {
  proof_received: {
    topic: 'payments',
    id: (p) => ({
      title: `Bukti transfermu untuk ${p.campaign} sudah masuk`,
      paragraphs: ['Kami cek dulu, ya. Selama dicek, slotmu aman.'],
    }),
    en: (p) => ({
      title: `We have your proof of payment for ${p.campaign}`,
      paragraphs: ['We are checking it. Your slots are safe meanwhile.'],
    }),
  },
  payment_rejected: {
    topic: 'payments',
    id: (p) => ({
      title: `Pembayaranmu untuk ${p.campaign} belum bisa diterima`,
      paragraphs: [
        p.reason === undefined ? '' : `Alasannya: “${p.reason}”`,
        'Buka Sambatan untuk melihat jumlah dan rekeningnya, lalu unggah bukti yang benar.',
      ],
    }),
    en: (p) => ({
      title: `Your payment for ${p.campaign} could not be accepted`,
      paragraphs: [
        p.reason === undefined ? '' : `The reason: “${p.reason}”`,
        'Open Sambatan for the amount and the account, and upload the right proof.',
      ],
    }),
  },
  payment_late: {
    topic: 'payments',
    id: (p, s) => ({
      title: `Uangmu untuk ${p.campaign} akan dikembalikan`,
      paragraphs: [
        `Transfer ${s.rupiah(p.amount)} tidak bisa dipakai untuk slot lagi, jadi kami kembalikan seluruhnya.`,
        'Pastikan rekening pengembalianmu sudah diisi di Sambatan.',
      ],
    }),
    en: (p, s) => ({
      title: `Your money for ${p.campaign} will be returned`,
      paragraphs: [
        `The transfer of ${s.rupiah(p.amount)} can pay for no slot any more, so we return all of it.`,
        'Make sure that the account for your refunds is filled in on Sambatan.',
      ],
    }),
  },
  payment_late_choice: {
    topic: 'payments',
    id: (p, s) => ({
      title: `Transfermu untuk ${p.campaign} tepat waktu, tapi slotnya sudah habis`,
      paragraphs: [
        `Transfer ${s.rupiah(p.amount)} kamu tepat waktu, tapi baru terlihat setelah slotnya diberikan ke pembeli lain. Maaf, ya.`,
        'Tanpa kabar darimu, uangnya kami kembalikan seluruhnya. Masih mau slotnya? Buka pesananmu dan pilih antre paling depan, sebelum uangnya dikirim.',
        'Pastikan rekening pengembalianmu sudah diisi di Sambatan.',
      ],
    }),
    en: (p, s) => ({
      title: `Your payment for ${p.campaign}: refund, or front of the line?`,
      paragraphs: [
        `You paid ${s.rupiah(p.amount)} on time, but we only saw it after your slots had gone to other buyers. We're sorry.`,
        "If you do nothing, you'll be refunded in full. Still want the slots? Open your order and choose the front of the waiting list before the refund is sent.",
        'Make sure your refund account on Sambatan is filled in.',
      ],
    }),
  },
  payment_too_little: {
    topic: 'payments',
    id: (p, s) => ({
      title: `Transfermu untuk ${p.campaign} kurang`,
      paragraphs: [
        `${s.rupiah(p.amount)} yang masuk kurang dari yang harus dibayar, jadi kami kembalikan seluruhnya.`,
        'Slotmu belum terbayar. Buka Sambatan untuk melihat jumlah persisnya dan batas waktunya.',
        'Pastikan rekening pengembalianmu sudah diisi.',
      ],
    }),
    en: (p, s) => ({
      title: `Your transfer for ${p.campaign} was too little`,
      paragraphs: [
        `${s.rupiah(p.amount)} arrived, which is less than what is to be paid, so we return all of it.`,
        'Your slots are not paid for yet. Open Sambatan for the exact amount and until when.',
        'Make sure that the account for your refunds is filled in.',
      ],
    }),
  },
  payment_too_much: {
    topic: 'payments',
    id: (p, s) => ({
      title: `Kelebihan bayarmu untuk ${p.campaign} akan dikembalikan`,
      paragraphs: [
        `Kamu membayar ${s.rupiah(p.amount)} lebih dari yang perlu. Slotmu tidak terpengaruh; kelebihannya kami kembalikan.`,
        'Pastikan rekening pengembalianmu sudah diisi di Sambatan.',
      ],
    }),
    en: (p, s) => ({
      title: `What you paid too much for ${p.campaign} will be returned`,
      paragraphs: [
        `You paid ${s.rupiah(p.amount)} more than was needed. Your slots are paid for; we return the rest.`,
        'Make sure that the account for your refunds is filled in on Sambatan.',
      ],
    }),
  },
  refund_settled_online: {
    topic: 'payments',
    id: (p, s) => ({
      title: `Uangmu dari ${p.campaign} sudah dikembalikan`,
      paragraphs: [
        `${s.rupiah(p.amount)} sudah dikirim balik lewat cara bayar yang kamu pakai waktu membayar online.`,
      ],
    }),
    en: (p, s) => ({
      title: `Your money from ${p.campaign} has been returned`,
      paragraphs: [`${s.rupiah(p.amount)} was sent back the way by which you paid online.`],
    }),
  },
  refund_settled: {
    topic: 'payments',
    id: (p, s) => ({
      title: `Uangmu dari ${p.campaign} sudah dikembalikan`,
      paragraphs: [`${s.rupiah(p.amount)} sudah ditransfer ke rekening pengembalianmu.`],
    }),
    en: (p, s) => ({
      title: `Your money from ${p.campaign} has been returned`,
      paragraphs: [`${s.rupiah(p.amount)} was sent to the account for your refunds.`],
    }),
  },
  refund_failed: {
    topic: 'payments',
    id: (p, s) => ({
      title: `Pengembalian uang dari ${p.campaign} belum berhasil`,
      paragraphs: [
        `Transfer ${s.rupiah(p.amount)} ditolak bank. Periksa rekening pengembalianmu; kami coba lagi setelah itu.`,
      ],
    }),
    en: (p, s) => ({
      title: `Your refund from ${p.campaign} did not arrive`,
      paragraphs: [
        `The bank refused the transfer of ${s.rupiah(p.amount)}. Check the account for your refunds; then we try again.`,
      ],
    }),
  },
  dispute_dismissed: {
    topic: 'payments',
    id: (p) => ({
      title: `Keluhanmu tentang ${p.campaign} sudah diputuskan`,
      paragraphs: [
        'Buka Sambatan untuk membaca penjelasannya.',
        'Ada keterangan baru? Kamu bisa melaporkannya sekali lagi dalam 7 hari.',
      ],
    }),
    en: (p) => ({
      title: `Your complaint about ${p.campaign} has been decided`,
      paragraphs: [
        'Open Sambatan to read why.',
        'Is there something new? You can report it once more within 7 days.',
      ],
    }),
  },
  dispute_resolved: {
    topic: 'payments',
    id: (p) => ({
      title: `Keluhan tentang ${p.campaign} sudah diputuskan`,
      paragraphs: ['Buka Sambatan untuk melihat hasilnya.'],
    }),
    en: (p) => ({
      title: `The complaint about ${p.campaign} has been decided`,
      paragraphs: ['Open Sambatan to see what was decided.'],
    }),
  },
  refunded_after_dispute: {
    topic: 'orders',
    id: (p, s) => ({
      title: `Uangmu dari ${p.campaign} kami kembalikan`,
      paragraphs: [
        `Keluhanmu diterima, jadi pesananmu (${s.slots(p.quantity)}) dikembalikan penuh.`,
        'Kami kabari saat uangnya dikirim.',
      ],
    }),
    en: (p, s) => ({
      title: `You get your money back from ${p.campaign}`,
      paragraphs: [
        `Your complaint was upheld, so your order (${s.slots(p.quantity)}) is refunded in full.`,
        'We will tell you when the money is sent.',
      ],
    }),
  },
  shortfall: {
    topic: 'campaigns',
    id: (p) => ({
      title: `${p.campaign} dibuat lebih sedikit`,
      paragraphs: [
        'Penjual tidak bisa membuat semua slot yang terjual. Slot yang tidak dibuat dikembalikan uangnya.',
        'Berapa slot yang kamu terima dan berapa uang yang kembali ada di halaman pesananmu.',
        p.reason === undefined ? '' : `Kata penjual: “${p.reason}”`,
      ],
    }),
    en: (p) => ({
      title: `Less of ${p.campaign} is made`,
      paragraphs: [
        'The seller cannot make all the slots that were sold. What is not made is refunded.',
        'The page of your order says how many slots you get and how much is refunded.',
        p.reason === undefined ? '' : `The seller says: “${p.reason}”`,
      ],
    }),
  },
  seller_dispute: {
    topic: 'seller',
    id: (p) => ({
      title: `Ada keluhan tentang ${p.campaign}`,
      paragraphs: ['Pencairan dananya ditahan sampai operator memutuskan.'],
    }),
    en: (p) => ({
      title: `There is a complaint about ${p.campaign}`,
      paragraphs: ['Its payout is held until an operator has decided.'],
    }),
  },
  seller_payout_released: {
    topic: 'seller',
    id: (p, s) => ({
      title: `Dana ${p.campaign} siap dicairkan`,
      paragraphs: [`${s.rupiah(p.amount)} segera kami transfer ke rekening brand-mu.`],
    }),
    en: (p, s) => ({
      title: `The money of ${p.campaign} is released`,
      paragraphs: [`We will soon send ${s.rupiah(p.amount)} to the account of your brand.`],
    }),
  },
  seller_payout_settled: {
    topic: 'seller',
    id: (p, s) => ({
      title: `Dana ${p.campaign} sudah ditransfer`,
      paragraphs: [`${s.rupiah(p.amount)} sudah dikirim ke rekening brand-mu.`],
    }),
    en: (p, s) => ({
      title: `The money of ${p.campaign} was sent`,
      paragraphs: [`${s.rupiah(p.amount)} was sent to the account of your brand.`],
    }),
  },
} as const satisfies Record<string, MessageDefinition>;
