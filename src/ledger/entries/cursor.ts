import { cursorAfter } from '../../http/cursor.ts';

/**
 * The position of a row in a list that is ordered by time: microseconds since 1970, and the id of
 * the row.
 */
export type AgeCursor = readonly [position: number | null, id: string | null];

/**
 * Parses the cursor of a list that is ordered by time. If there is no cursor, returns the start of
 * the list.
 */
export function parseAgeCursor(cursor: string | undefined): AgeCursor {
  const [position = null, id = null] = cursorAfter(cursor, ['number', 'id']);
  return [position, id];
}

/**
 * Returns the SQL of the column `position` of such a list: a timestamp in microseconds since 1970.
 */
export const positionColumn = (timestamp: string) =>
  `(extract(epoch from ${timestamp}) * 1000000)::bigint as position`;

/**
 * Returns the SQL condition for the rows of such a list after a cursor. The cursor is passed as two
 * SQL parameters; if they are null, all rows match.
 */
export const isAfterCursor = (
  timestamp: string,
  id: string,
  [position, afterId]: readonly [`$${number}`, `$${number}`],
) => `(${timestamp}, ${id}) > (
      timestamptz 'epoch' + coalesce(${position}::bigint, 0) * interval '1 microsecond',
      coalesce(${afterId}::uuid, '00000000-0000-0000-0000-000000000000'))`;
