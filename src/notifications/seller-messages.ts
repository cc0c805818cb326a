import type { MessageDefinition, MessageParams } from './messages.ts';
import type { Speaker } from './speaker.ts';

function digestLines(p: MessageParams, say: Speaker): string[] {
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

/** What the members of a brand are told about its campaigns. */
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
