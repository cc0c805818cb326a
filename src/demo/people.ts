import type { SignedIn } from '../identity/actor.ts';

export type DemoUser = Extract<SignedIn, { kind: 'user' }>;

/** How many buyers the demo market has: enough that nobody meets the limit of joins a minute. */
export const demoBuyerCount = 120;

const address = '127.0.0.1';

/** The buyer of this number, from 1. Their ids say that they are made up. */
export function demoBuyer(number: number): DemoUser {
  return { kind: 'user', userId: demoId('b', number), address, roles: [] };
}

/** The owner of the demo brand of this number, from 1. */
export function demoSeller(number: number): DemoUser {
  return { kind: 'user', userId: demoId('5', number), address, roles: [] };
}

/** The member of staff who verifies payments in the demo market. */
export const demoOperator: SignedIn = {
  kind: 'operator',
  userId: demoId('0', 1),
  address,
  roles: ['operator'],
};

const streets = ['Jalan Contoh', 'Gang Percobaan', 'Perumahan Peraga', 'Jalan Ilustrasi'];
const towns = ['Kota Contoh', 'Kabupaten Peraga', 'Kota Ilustrasi'];

/** Where the buyer of this number has it sent: an address that cannot be mistaken for a real one. */
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

/** What the buyer adds to a join; most say nothing. */
export function demoNote(number: number): string | undefined {
  return number % 5 === 0 ? notes[(number / 5) % notes.length] : undefined;
}

function demoId(kind: string, number: number): string {
  return `00000000-0000-7000-8000-${kind.repeat(4)}${String(number).padStart(8, '0')}`;
}
