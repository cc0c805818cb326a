import { wording } from '../i18n/messages.ts';
import { invalidField } from '../errors/errors.ts';

/** The type of one part of a cursor: an id, a number, a percentage or a time. */
type Kind = 'id' | 'number' | 'percent' | 'moment';
interface Parts {
  id: string;
  number: number;
  percent: number;
  moment: Date;
}
type ValuesOf<K extends readonly Kind[]> = { [I in keyof K]: Parts[K[I]] };

const readers: { [K in Kind]: (value: unknown) => Parts[K] | undefined } = {
  id: (value) =>
    typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)
      ? value
      : undefined,
  number: (value) => wholeNumber(value, Number.MAX_SAFE_INTEGER),
  percent: (value) => wholeNumber(value, 100),
  moment: (value) =>
    // A year is valid if a request can contain it. One more year is valid, because a time offset
    // can move the end of the last year into it. PostgreSQL supports fewer years than JavaScript.
    typeof value === 'string' &&
    /^(2\d{3}|3000)-\d\d-\d\dT[\d:.]+Z$/.test(value) &&
    !isNaN(Date.parse(value))
      ? new Date(value)
      : undefined,
};

/**
 * Returns the parts of the cursor from the previous page, or undefined on the first page. Throws
 * `validation_failed` for the cursor of another list.
 */
export function cursorAfter<const K extends readonly Kind[]>(
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
 * Returns the opaque cursor of the next page, or null on the last page. The query reads one row
 * more than a page has; that row shows that there is a next page.
 */
export function nextCursor<R>(
  rows: readonly R[],
  limit: number,
  partsOf: (last: R) => readonly (string | number | Date)[],
): string | null {
  if (rows.length <= limit) return null;
  return Buffer.from(JSON.stringify(partsOf(rows[limit - 1]!))).toString('base64url');
}

function wholeNumber(value: unknown, most: number): number | undefined {
  const fits = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
  return fits ? (value as number) : undefined;
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
  return invalidField('cursor', wording('errors.field.cursor'));
}
