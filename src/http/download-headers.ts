export const csvType = 'text/csv; charset=utf-8';

/**
 * Returns the headers of a file download. They make the file an attachment that proxies do not
 * cache.
 */
export function fileHeaders({
  name,
  type,
  isShown = false,
}: {
  /** The file name, in ASCII without quotes. */
  readonly name: string;
  readonly type: string;
  /** True if the browser displays the file instead of downloading it. */
  readonly isShown?: boolean;
}): Readonly<Record<string, string>> {
  return {
    'content-type': type,
    'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename="${name}"`,
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
  };
}
