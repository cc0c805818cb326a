import type { CampaignStatus } from '../database/status-words.ts';
import type { CampaignTerms } from '../campaigns/campaign.ts';
import { pastScenarios } from './past-stories.ts';

/** A campaign of the demo market, and the state that it reaches. */
export interface Scenario {
  /** The name of the campaign's product, which must be in the demo market. */
  readonly product: string;
  readonly terms: Pick<CampaignTerms, 'title' | 'description' | 'totalSlots' | 'pricePerSlot'> &
    Partial<CampaignTerms>;
  readonly ends: CampaignStatus;
  /** Number of slots that buyers take. */
  readonly taken: number;
  /** Number of buyers who pay; only for campaigns with upfront payment. */
  readonly payers?: number;
  /** Number of buyers who cancel their orders. */
  readonly leavers?: number;
  /** Number of buyers who receive the goods of a completed campaign. */
  readonly receivers?: number;
  /** Minutes from now to the deadline; not used for campaigns that end. */
  readonly deadlineMinutes?: number;
  /** Minutes from now to the opening of a scheduled campaign. */
  readonly opensInMinutes?: number;
  /** The reason for extending the deadline; without it the deadline is not extended. */
  readonly extended?: string;
  /** The reason for cancelling the campaign. */
  readonly reason?: string;
}

const hour = 60;
const day = 24 * hour;
const upfront = { paymentTiming: 'upfront' } as const;

/** Campaigns that are open or are already full. */
const present: readonly Scenario[] = [
  {
    product: 'Melati Senja EDP 50 ml',
    terms: {
      title: 'Melati Senja batch 7',
      description: 'Tinggal beberapa slot lagi. Maksimal tiga botol per pembeli.',
      totalSlots: 50,
      maxSlotsPerUser: 3,
      pricePerSlot: 195_000n,
    },
    ends: 'active',
    taken: 47,
    leavers: 1,
    deadlineMinutes: 2 * day,
  },
  {
    product: 'Susu Gula Aren EDP 35 ml',
    terms: {
      title: 'Susu Gula Aren, ditutup sebentar lagi',
      description: 'Sudah melewati minimum, jadi pasti diproduksi saat batas waktu.',
      totalSlots: 40,
      minimumSlots: 20,
      pricePerSlot: 159_000n,
    },
    ends: 'active',
    taken: 26,
    deadlineMinutes: 4,
  },
  {
    product: 'Bakau Sore EDP 50 ml',
    terms: {
      title: 'Bakau Sore batch uji coba',
      description: 'Masih jauh dari minimum. Kalau tidak tercapai, tidak ada yang dibayar.',
      totalSlots: 60,
      minimumSlots: 48,
      pricePerSlot: 209_000n,
    },
    ends: 'active',
    taken: 8,
    deadlineMinutes: 6,
  },
  {
    product: 'Cendana Timur Ekstrak 30 ml',
    terms: {
      title: 'Cendana Timur maserasi 8 minggu',
      description: 'Bayar di muka dalam 24 jam; slot yang belum dibayar kembali ke pembeli lain.',
      totalSlots: 12,
      maxSlotsPerUser: 1,
      pricePerSlot: 465_000n,
      ...upfront,
    },
    ends: 'active',
    taken: 7,
    payers: 4,
    deadlineMinutes: 5 * day,
  },
  {
    product: 'Pandan Pagi EDT 30 ml',
    terms: {
      title: 'Pandan Pagi paket keluarga',
      description: 'Minimal dua botol per pembeli, maksimal enam.',
      totalSlots: 80,
      minimumSlots: 40,
      minSlotsPerUser: 2,
      maxSlotsPerUser: 6,
      pricePerSlot: 109_000n,
    },
    ends: 'active',
    taken: 34,
    deadlineMinutes: 3 * day,
    extended: 'Banyak yang minta waktu sampai gajian.',
  },
  {
    product: 'Petrikor Kota EDP 50 ml',
    terms: {
      title: 'Petrikor Kota batch 3',
      description: 'Batch besar dengan harga terbaik sejauh ini.',
      totalSlots: 250,
      minimumSlots: 150,
      pricePerSlot: 199_000n,
    },
    ends: 'active',
    taken: 92,
    deadlineMinutes: 7 * day,
  },
  {
    product: 'Batik Tulis EDP 50 ml',
    terms: {
      title: 'Batik Tulis edisi canting',
      description: 'Baru dibuka. Setiap botol dibungkus kain perca batik tulis.',
      totalSlots: 36,
      pricePerSlot: 235_000n,
    },
    ends: 'active',
    taken: 1,
    deadlineMinutes: 4 * day,
  },
  {
    product: 'Kelapa Muda EDT 30 ml',
    terms: {
      title: 'Kelapa Muda batch liburan',
      description: 'Semua slot sudah terisi dan menunggu diproses.',
      totalSlots: 30,
      pricePerSlot: 99_000n,
    },
    ends: 'full',
    taken: 30,
    deadlineMinutes: day,
  },
  {
    product: 'Sedap Malam EDP 35 ml',
    terms: {
      title: 'Sedap Malam, bayar di muka',
      description: 'Slot penuh; diproduksi begitu semua pembayaran terverifikasi.',
      totalSlots: 15,
      pricePerSlot: 179_000n,
      ...upfront,
    },
    ends: 'full',
    taken: 15,
    payers: 6,
    deadlineMinutes: 2 * day,
  },
];

/** Campaigns that will open later, and a draft. */
const future: readonly Scenario[] = [
  {
    product: 'Jahe Merah EDP 50 ml',
    terms: {
      title: 'Jahe Merah dibuka sebentar lagi',
      description: 'Siapkan pesanan: dibuka otomatis dalam beberapa menit.',
      totalSlots: 20,
      maxSlotsPerUser: 2,
      pricePerSlot: 179_000n,
    },
    ends: 'scheduled',
    taken: 0,
    opensInMinutes: 3,
    deadlineMinutes: 30,
  },
  {
    product: 'Kamboja Basah EDT 50 ml',
    terms: {
      title: 'Kamboja Basah batch 2',
      description: 'Dibuka besok, satu botol per pembeli.',
      totalSlots: 45,
      minimumSlots: 30,
      maxSlotsPerUser: 1,
      pricePerSlot: 149_000n,
    },
    ends: 'scheduled',
    taken: 0,
    opensInMinutes: day,
    deadlineMinutes: 4 * day,
  },
  {
    product: 'Cengkih Maluku EDP 50 ml',
    terms: {
      title: 'Cengkih Maluku (draf)',
      description: 'Harga masih dihitung ulang, belum terlihat pembeli.',
      totalSlots: 25,
      pricePerSlot: 219_000n,
    },
    ends: 'inactive',
    taken: 0,
    deadlineMinutes: 10 * day,
  },
  {
    product: 'Melati Senja EDP 50 ml',
    terms: {
      title: 'Melati Senja ukuran perjalanan',
      description: 'Rencana botol 10 ml yang tidak jadi dibuka.',
      totalSlots: 100,
      pricePerSlot: 65_000n,
    },
    ends: 'cancelled',
    taken: 0,
    opensInMinutes: 2 * day,
    deadlineMinutes: 9 * day,
    reason: 'Botol 10 ml tidak jadi diproduksi tahun ini.',
  },
];

/** All campaigns of the demo market. They have all statuses and both payment timings. */
export const demoScenarios: readonly Scenario[] = [...pastScenarios, ...present, ...future];
