/** Characters without a shape that come along when text is copied: they never belong to a value. */
const invisible = /[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]/g;
/** Blanks of other widths than the usual one. */
const blanks = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g;
const dashes = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g;
/** Fields that hold numbers, codes or addresses of mail: one value has one way to be written. */
const identifiers = /(?:^|_)(?:email|phone|postal_code|number|account_number|code|reference)$/;
const hasMore = /[^\x20-\x7e\n\r\t]/;

/**
 * Cleans what was pasted into the fields of a parsed body, in place: shapeless characters go, blanks
 * become usual ones, and in identifiers full-width letters and digits and other dashes become those
 * of a keyboard.
 */
export function cleanPastedText(body: unknown): void {
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return;
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === 'object') cleanPastedText(value);
    else if (typeof value === 'string' && hasMore.test(value)) {
      (body as Record<string, unknown>)[name] = cleaned(name, value);
    }
  }
}

function cleaned(name: string, value: string): string {
  const visible = value.replaceAll(invisible, '').replaceAll(blanks, ' ');
  if (!identifiers.test(name)) return visible;
  return visible.normalize('NFKC').replaceAll(dashes, '-').trim();
}
