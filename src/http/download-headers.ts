export const csvType = 'text/csv; charset=utf-8';

/** What says of an answer that it is a file for whoever asked, kept by nobody on the way. */
export function fileHeaders({
  name,
  type,
  isShown = false,
}: {
  /** Of ASCII, without quotes. */
  readonly name: string;
  readonly type: string;
  /** In the browser's window, instead of being saved. */
  readonly isShown?: boolean;
}): Readonly<Record<string, string>> {
  return {
    'content-type': type,
    'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename="${name}"`,
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
  };
}
