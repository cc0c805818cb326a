import { cursorAfter } from '../../http/cursor.ts';

/** A position in a list ordered by age: microseconds since 1970 and the id of a row. */
export type AgeCursor = readonly [position: number | null, id: string | null];

/** Parses the cursor of a list ordered by age; without one, the start of the list. */
export function parseAgeCursor(cursor: string | undefined): AgeCursor {
  const [position = null, id = null] = cursorAfter(cursor, ['number', 'id']);
  return [position, id];
}

/** The column `position` of such a list: a timestamp in microseconds since 1970. */
export const positionColumn = (timestamp: string) =>
  `(extract(epoch from ${timestamp}) * 1000000)::bigint as position`;

/**
 * SQL condition for the rows of such a list after a cursor, given as two parameters; all rows if it
 * is null.
 */
export const isAfterCursor = (
  timestamp: string,
  id: string,
  [position, afterId]: readonly [`$${number}`, `$${number}`],
) => `(${timestamp}, ${id}) > (
      timestamptz 'epoch' + coalesce(${position}::bigint, 0) * interval '1 microsecond',
      coalesce(${afterId}::uuid, '00000000-0000-0000-0000-000000000000'))`;
