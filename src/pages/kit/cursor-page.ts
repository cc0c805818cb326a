import { nextCursor } from '../../http/cursor.ts';
import { paging } from '../../web/components.ts';
import type { Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/** One page of a list whose pages are linked by cursors. */
export interface CursorPage<R> {
  readonly rows: readonly R[];
  /** Links to the first and the next page. Undefined if all rows fit on one page. */
  readonly links: Html | undefined;
}

/**
 * Returns the first `size` of the found rows, and the links between pages. The query must read one
 * row more than a page has; if that row exists, there is a next page. `url` is the URL of the list
 * with its other parameters.
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
