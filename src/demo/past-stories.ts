import type { Scenario } from './stories.ts';

const upfront = { paymentTiming: 'upfront' } as const;

/** Campaigns that have ended, each with a different outcome. */
const past: readonly Scenario[] = [
  {
    product: 'Kopi Tubruk EDP 50 ml',
    terms: {
      title: 'Kopi Tubruk batch 4',
      description: 'Batch keempat, resep sama dengan batch ketiga. Dikirim setelah maserasi.',
      totalSlots: 24,
      pricePerSlot: 189_000n,
    },
    ends: 'completed',
    taken: 24,
    receivers: 5,
  },
  {
    product: 'Kenanga Kebaya EDP 50 ml',
    terms: {
      title: 'Kenanga Kebaya, botol ukir',
      description: 'Botol ukir edisi terbatas. Bayar di muka karena botol dipesan khusus.',
      totalSlots: 16,
      minimumSlots: 10,
      pricePerSlot: 245_000n,
      ...upfront,
    },
    ends: 'completed',
    taken: 14,
    payers: 8,
    receivers: 2,
  },
  {
    product: 'Garam Laut EDT 50 ml',
    terms: {
      title: 'Garam Laut untuk musim panas',
      description: 'Jadi kalau minimal 20 botol terkumpul sampai batas waktu.',
      totalSlots: 40,
      minimumSlots: 20,
      pricePerSlot: 139_000n,
    },
    ends: 'completed',
    taken: 31,
  },
  {
    product: 'Gaharu Asap Ekstrak 30 ml',
    terms: {
      title: 'Gaharu Asap batch perdana',
      description: 'Gaharu budi daya, satu drum kecil. Kalau tidak penuh, semua uang kembali.',
      totalSlots: 20,
      pricePerSlot: 560_000n,
      ...upfront,
    },
    ends: 'failed',
    taken: 9,
    payers: 4,
  },
  {
    product: 'Kabut Pinus EDP 35 ml',
    terms: {
      title: 'Kabut Pinus batch 2',
      description: 'Batch kedua dengan kayu putih yang sedikit lebih lembut.',
      totalSlots: 30,
      minimumSlots: 24,
      pricePerSlot: 175_000n,
    },
    ends: 'failed',
    taken: 11,
    leavers: 2,
  },
  {
    product: 'Nilam Tua EDP 50 ml',
    terms: {
      title: 'Nilam Tua panen Maret',
      description: 'Nilam simpanan dua tahun, hanya satu kali produksi.',
      totalSlots: 18,
      pricePerSlot: 265_000n,
    },
    ends: 'cancelled',
    taken: 7,
    reason: 'Bahan baku nilam tidak lolos uji mutu, semua pesanan dikembalikan.',
  },
  {
    product: 'Teh Kebun EDT 50 ml',
    terms: {
      title: 'Teh Kebun kemasan isi ulang',
      description: 'Isi ulang 100 ml dalam kantong aluminium.',
      totalSlots: 50,
      pricePerSlot: 155_000n,
      ...upfront,
    },
    ends: 'cancelled',
    taken: 12,
    payers: 5,
    reason: 'Pemasok kantong isi ulang berhenti berproduksi.',
  },
];

/** A campaign whose deadline has passed and whose last payments are being checked. */
const checked: readonly Scenario[] = [
  {
    product: 'Garam Laut EDT 50 ml',
    terms: {
      title: 'Garam Laut, isi ulang pantai',
      description: 'Bayar di muka. Pembayaran terakhir sedang dicek.',
      totalSlots: 20,
      minimumSlots: 10,
      pricePerSlot: 129_000n,
      ...upfront,
    },
    ends: 'verifying',
    taken: 12,
    payers: 3,
  },
];

/** Campaigns whose deadline has passed. */
export const pastScenarios: readonly Scenario[] = [...past, ...checked];
