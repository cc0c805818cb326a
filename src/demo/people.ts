import type { SignedIn } from '../identity/actor.ts';

export type DemoUser = Extract<SignedIn, { kind: 'user' }>;

/** Number of demo buyers: enough that no buyer reaches the limit of joins per minute. */
export const demoBuyerCount = 120;

const address = '127.0.0.1';

/** Returns the demo buyer with a number, from 1. The ids are easy to recognise as invented. */
export function demoBuyer(number: number): DemoUser {
  return { kind: 'user', userId: demoId('b', number), address, roles: [] };
}

/** Returns the owner of the demo brand with a number, from 1. */
export function demoSeller(number: number): DemoUser {
  return { kind: 'user', userId: demoId('5', number), address, roles: [] };
}

/** The operator who verifies payments in the demo market. */
export const demoOperator: SignedIn = {
  kind: 'operator',
  userId: demoId('0', 1),
  address,
  roles: ['operator'],
};

const streets = ['Jalan Contoh', 'Gang Percobaan', 'Perumahan Peraga', 'Jalan Ilustrasi'];
const towns = ['Kota Contoh', 'Kabupaten Peraga', 'Kota Ilustrasi'];

/** Returns a buyer's shipping address, which is easy to recognise as invented. */
export function demoAddress(number: number): string {
  const street = streets[number % streets.length];
  const town = towns[number % towns.length];
  return `Pembeli Demo ${number}, ${street} No. ${number}, ${town} 00000`;
}

const notes = [
  'Tolong dibungkus rapi, untuk kado.',
  'Kalau bisa kirim hari Sabtu.',
  'Titip di pos satpam ya, Kak.',
  'Semoga batch ini jadi!',
];

/** Returns a buyer's note; most buyers have none. */
export function demoNote(number: number): string | undefined {
  return number % 5 === 0 ? notes[(number / 5) % notes.length] : undefined;
}

function demoId(kind: string, number: number): string {
  return `00000000-0000-7000-8000-${kind.repeat(4)}${String(number).padStart(8, '0')}`;
}
