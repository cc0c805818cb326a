import { nextCursor } from '../../http/cursor.ts';
import { paging } from '../../web/components.ts';
import type { Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/** One page of a list with a cursor. */
export interface CursorPage<R> {
  readonly rows: readonly R[];
  /** Links to the first and the next page; undefined if all rows are on one page. */
  readonly links: Html | undefined;
}

/**
 * Cuts the found rows to one page. `found` has one row more than the page if there are more; `url`
 * is the list's URL with its other parameters.
 */
export function cursorPage<R>(
  visit: PageContext,
  found: readonly R[],
  {
    size,
    url,
    isFirst,
    cursorOf,
  }: {
    readonly size: number;
    readonly url: string;
    readonly isFirst: boolean;
    readonly cursorOf: (last: R) => readonly (string | number | Date)[];
  },
): CursorPage<R> {
  const next = nextCursor(found, size, cursorOf);
  const separator = url.includes('?') ? '&' : '?';
  return {
    rows: found.slice(0, size),
    links: paging(visit, {
      first: isFirst ? undefined : url,
      next: next === null ? undefined : `${url}${separator}cursor=${next}`,
    }),
  };
}
