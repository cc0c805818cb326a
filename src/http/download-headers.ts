export const csvType = 'text/csv; charset=utf-8';

/** Returns the headers of a download: attachment, not cacheable by proxies. */
export function fileHeaders({
  name,
  type,
  isShown = false,
}: {
  /** ASCII without quotes. */
  readonly name: string;
  readonly type: string;
  /** Display in the browser instead of downloading. */
  readonly isShown?: boolean;
}): Readonly<Record<string, string>> {
  return {
    'content-type': type,
    'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename="${name}"`,
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
  };
}
