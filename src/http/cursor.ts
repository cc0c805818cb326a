import { invalidField } from '../errors.ts';

/** What one part of a cursor is: an id, a number, a moment. */
type Kind = 'id' | 'number' | 'moment';
interface Parts {
  id: string;
  number: number;
  moment: Date;
}
type ValuesOf<K extends readonly Kind[]> = { [I in keyof K]: Parts[K[I]] };

const readers: { [K in Kind]: (value: unknown) => Parts[K] | undefined } = {
  id: (value) =>
    typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)
      ? value
      : undefined,
  number: (value) => (Number.isSafeInteger(value) ? (value as number) : undefined),
  moment: (value) => {
    const moment = new Date(typeof value === 'string' ? value : NaN);
    return Number.isNaN(moment.getTime()) ? undefined : moment;
  },
};

/**
 * Where a list goes on: the parts of the cursor that the last page gave, or nothing on the first
 * page. Throws `validation_failed` for a cursor that this list did not give.
 */
export function after<const K extends readonly Kind[]>(
  cursor: string | undefined,
  kinds: K,
): ValuesOf<K> | [] {
  if (cursor === undefined) return [];
  const parts = parse(cursor);
  const values = kinds.map((kind, index) => readers[kind](parts[index]));
  if (parts.length !== kinds.length || values.includes(undefined)) throw unknownCursor();
  return values as unknown as ValuesOf<K>;
}

/**
 * The cursor of the next page, opaque to clients; null on the last one. `rows` holds one row more
 * than the page when there is more.
 */
export function nextCursor<R>(
  rows: readonly R[],
  limit: number,
  partsOf: (last: R) => readonly (string | number | Date)[],
): string | null {
  if (rows.length <= limit) return null;
  return Buffer.from(JSON.stringify(partsOf(rows[limit - 1]!))).toString('base64url');
}

function parse(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    throw unknownCursor();
  }
}

function unknownCursor() {
  return invalidField('cursor', {
    id: 'Penanda halaman ini tidak dikenal. Mulai lagi dari halaman pertama, ya.',
    en: 'This cursor is not known. Please start again from the first page.',
  });
}
