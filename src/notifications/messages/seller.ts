import type { MessageDefinition, MessageParams } from './messages.ts';
import type { MessageFormatter } from './formatter.ts';

function digestLines(p: MessageParams, say: MessageFormatter): string[] {
  const line = (people: number | undefined, slots: number | undefined, id: string, en: string) => {
    if (people === undefined || people === 0) return '';
    if (say.language === 'id') return `${people} pembeli ${id} (${say.slots(slots)}).`;
    return `${people} ${people === 1 ? 'buyer' : 'buyers'} ${en} (${say.slots(slots)}).`;
  };
  return [
    line(p.joined, p.joined_slots, 'ikut', 'joined'),
    line(p.confirmed, p.confirmed_slots, 'sudah pasti', 'confirmed'),
    line(p.cancelled, p.cancelled_slots, 'keluar', 'left'),
  ];
}

/** Notifications to the members of a brand about its campaigns. */
export const sellerMessages = {
  seller_digest: {
    topic: 'seller_digest',
    id: (p, s) => ({
      title: `Perkembangan ${p.campaign}: ${p.slots_taken ?? 0} dari ${s.slots(p.total_slots)}`,
      paragraphs: [
        ...digestLines(p, s),
        `Sekarang terisi ${p.slots_taken ?? 0} dari ${s.slots(p.total_slots)}.`,
      ],
    }),
    en: (p, s) => ({
      title: `${p.campaign}: ${p.slots_taken ?? 0} of ${s.slots(p.total_slots)} taken`,
      paragraphs: [
        ...digestLines(p, s),
        `Now ${p.slots_taken ?? 0} of ${s.slots(p.total_slots)} are taken.`,
      ],
    }),
  },
  seller_opened: {
    topic: 'seller',
    id: (p) => ({
      title: `${p.campaign} sudah dibuka`,
      paragraphs: ['Sambatanmu sudah bisa diikuti. Yuk, bagikan ke pembelimu.'],
    }),
    en: (p) => ({
      title: `${p.campaign} is open`,
      paragraphs: ['Your campaign takes joins now. Tell your buyers.'],
    }),
  },
  seller_full: {
    topic: 'seller',
    id: (p, s) => ({
      title: `${p.campaign} sudah penuh!`,
      paragraphs: [`Semua ${s.slots(p.total_slots)} sudah terisi.`],
    }),
    en: (p, s) => ({
      title: `${p.campaign} is full!`,
      paragraphs: [`All ${s.slots(p.total_slots)} are taken.`],
    }),
  },
  seller_verifying: {
    topic: 'seller',
    id: (p, s) => ({
      title: `${p.campaign}: waktunya habis, pembayaran sedang dicek`,
      paragraphs: [
        'Sebagian pembayaran masih dicek. Yang dibayar sebelum batas waktu tetap dihitung.',
        `Hasilnya paling lambat ${s.time(p.until)}.`,
      ],
    }),
    en: (p, s) => ({
      title: `${p.campaign}: time is up, payments are being checked`,
      paragraphs: [
        'Some payments are still being checked. What was paid before the deadline counts.',
        `The result is there by ${s.time(p.until)}.`,
      ],
    }),
  },
  seller_below_minimum: {
    topic: 'seller',
    id: (p, s) => ({
      title: `${p.campaign}: lanjut atau batal?`,
      paragraphs: [
        `Yang dibayar ${p.slots_taken ?? 0} dari minimal ${s.slots(p.total_slots)}. Pesanan yang tidak dibayar sudah batal.`,
        `Putuskan di Sambatan sebelum ${s.time(p.until)}: lanjutkan batch ini, atau batalkan dan semua uang dikembalikan. Setelah itu pengelola Sambatan yang bisa memutuskan.`,
      ],
    }),
    en: (p, s) => ({
      title: `${p.campaign}: go on or call it off?`,
      paragraphs: [
        `${p.slots_taken ?? 0} of at least ${s.slots(p.total_slots)} were paid. Unpaid orders are cancelled.`,
        `Decide on Sambatan by ${s.time(p.until)}: go on with this batch, or call it off and everything is refunded. After that the people who run Sambatan may decide.`,
      ],
    }),
  },
  seller_continued: {
    topic: 'seller',
    id: (p) => ({
      title: `${p.campaign} dilanjutkan`,
      paragraphs: ['Pengelola Sambatan memutuskan batch ini tetap dibuat.'],
    }),
    en: (p) => ({
      title: `${p.campaign} goes on`,
      paragraphs: ['The people who run Sambatan decided that this batch is made.'],
    }),
  },
  seller_completed: {
    topic: 'seller',
    id: (p, s) => ({
      title: `${p.campaign} berhasil!`,
      paragraphs: [
        `${s.slots(p.slots_taken)} terisi. Saatnya menyiapkan pesanan.`,
        `Bagianmu setelah biaya layanan: ${s.rupiah(p.amount)}.`,
      ],
    }),
    en: (p, s) => ({
      title: `${p.campaign} has succeeded!`,
      paragraphs: [
        `${s.slots(p.slots_taken)} were taken. It is time to prepare the orders.`,
        `Your share after the fee: ${s.rupiah(p.amount)}.`,
      ],
    }),
  },
  seller_failed: {
    topic: 'seller',
    id: (p, s) => ({
      title: `${p.campaign} belum berhasil`,
      paragraphs: [
        `Sampai batas waktunya baru terisi ${p.slots_taken ?? 0} dari ${s.slots(p.total_slots)}.`,
        'Semua pembeli sudah kami kabari, dan yang sudah membayar menerima uangnya kembali.',
      ],
    }),
    en: (p, s) => ({
      title: `${p.campaign} did not succeed`,
      paragraphs: [
        `By the deadline ${p.slots_taken ?? 0} of ${s.slots(p.total_slots)} were taken.`,
        'We have told all buyers; whoever has paid gets their money back.',
      ],
    }),
  },
  seller_cancelled: {
    topic: 'seller',
    id: (p) => ({
      title: `${p.campaign} dibatalkan`,
      paragraphs: [
        'Semua pembeli sudah kami kabari, dan yang sudah membayar dikembalikan uangnya.',
      ],
    }),
    en: (p) => ({
      title: `${p.campaign} was cancelled`,
      paragraphs: ['We have told all buyers; whoever has paid gets their money back.'],
    }),
  },
} as const satisfies Record<string, MessageDefinition>;
