import { between, randomBoolean, oneByWeight, wholeBetween } from './chance.ts';
import type { SeenProduct } from './client.ts';

/** The body of a POST /campaigns request that opens a simulated campaign. */
export interface Opening {
  readonly body: Readonly<Record<string, unknown>> & { readonly title: string };
  /** How many buyers the campaign attracts; 1 is average. */
  readonly appeal: number;
}

type Kind = 'hot' | 'slow' | 'cold' | 'upfront' | 'scheduled';

/**
 * How often campaigns of each kind are opened, how many buyers they attract, and how their titles
 * end.
 */
const kinds = {
  hot: { often: 5, appeal: 8, title: 'batch kecil' },
  slow: { often: 3, appeal: 2.5, title: 'patungan santai' },
  cold: { often: 3, appeal: 0.4, title: 'produksi besar' },
  upfront: { often: 3, appeal: 5, title: 'siap kirim' },
  scheduled: { often: 2, appeal: 6, title: 'sebentar lagi' },
} as const satisfies Record<Kind, { often: number; appeal: number; title: string }>;

/** Returns the request body for a small campaign of a product. The campaign ends within minutes. */
export function inventOpening({ id, name, base_price }: SeenProduct, now = new Date()): Opening {
  const kind = oneByWeight(Object.keys(kinds) as Kind[], (each) => kinds[each].often) ?? 'hot';
  const short = name.replace(/ (EDP|EDT|Ekstrak) .*$/, '');
  const seconds = (least: number, most: number) =>
    new Date(now.getTime() + between(least, most) * 1_000).toISOString();
  const common = {
    product_id: id,
    title: `${short}, ${kinds[kind].title}`,
    price_per_slot: Math.round((base_price * between(0.7, 0.85)) / 1_000) * 1_000,
    publish: true,
  };
  return { appeal: kinds[kind].appeal, body: { ...common, ...termsOf(kind, seconds) } };
}

function termsOf(kind: Kind, seconds: (least: number, most: number) => string) {
  switch (kind) {
    case 'hot':
      return {
        description: 'Batch kecil, biasanya habis dalam semenit.',
        total_slots: wholeBetween(8, 20),
        ...(randomBoolean(0.5) ? { max_slots_per_user: 3 } : {}),
        deadline: seconds(90, 180),
      };
    case 'slow': {
      const total = wholeBetween(20, 40);
      return {
        description: 'Jadi kalau sepertiga slot terisi sampai batas waktu.',
        total_slots: total,
        minimum_slots: Math.ceil(total / 3),
        deadline: seconds(100, 200),
      };
    }
    case 'cold':
      return {
        description: 'Harus penuh supaya jadi diproduksi.',
        total_slots: wholeBetween(60, 120),
        deadline: seconds(60, 150),
      };
    case 'upfront':
      return {
        description: 'Bayar di muka dalam satu menit, atau slotnya kembali.',
        total_slots: wholeBetween(6, 14),
        minimum_slots: 4,
        payment_timing: 'upfront',
        hold_seconds: 60,
        deadline: seconds(120, 240),
      };
    case 'scheduled':
      return {
        description: 'Dibuka otomatis sebentar lagi.',
        total_slots: wholeBetween(8, 16),
        opens_at: seconds(15, 40),
        deadline: seconds(120, 200),
      };
    default:
      return kind satisfies never;
  }
}
