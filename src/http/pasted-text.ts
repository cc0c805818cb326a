/** Invisible characters that copying adds; they are never part of a value. */
const invisible = /[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]/g;
/** Spaces of unusual widths. */
const blanks = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g;
const dashes = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g;
const fullWidth = /[\uff01-\uff5e]/g;
/** Join controls and direction marks: useful in a sentence, never in a number. */
const formatting = /\p{Cf}/gu;
const hasMore = /[^\x20-\x7e\n\r\t]/;

/** Fields that hold numbers, codes or e-mail addresses: each value has one canonical form. */
const identifiers =
  /(?:^|_)(?:emails?|phone|postal_code|number|code|reference|token|tracking_number)$/;
/** Postal addresses: they contain a telephone number, and couriers type them. */
const postal = /(?:^|_)(?:address|street|district|city|province)$/;

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The sender signed the body: the signature covers the text as sent, so it is never cleaned.
     */
    isSigned?: boolean;
  }
}

/**
 * Cleans pasted text in place, in a JSON body, a form or a query string. Removes invisible
 * characters and replaces unusual spaces. Identifiers (numbers, codes, e-mail addresses) get
 * keyboard characters. Other text keeps its letters, its emoji, and the joiners and direction
 * marks that some scripts need. Uses no recursion, so a deeply nested body cannot overflow the
 * stack.
 */
export function cleanPastedText(body: unknown): void {
  const open: { readonly fields: object; readonly parent: string }[] = [];
  const push = (value: unknown, parent: string) => {
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return;
    open.push({ fields: value, parent });
  };
  push(body, '');
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const { fields, parent } = part;
    for (const [key, value] of Object.entries(fields)) {
      // Items of a list take the name of the list.
      const name = Array.isArray(fields) ? parent : key;
      if (typeof value !== 'string') push(value, name);
      else if (hasMore.test(value)) {
        (fields as Record<string, unknown>)[key] = cleanField(name, value);
      } else if (identifiers.test(name)) {
        (fields as Record<string, unknown>)[key] = value.trim();
      }
    }
  }
}

function cleanField(name: string, value: string): string {
  const visible = value.replaceAll(invisible, '').replaceAll(blanks, ' ');
  if (identifiers.test(name)) {
    return keyboardText(visible.normalize('NFKC').replaceAll(formatting, ''))
      .replaceAll(/\s+/g, ' ')
      .trim();
  }
  return postal.test(name) ? keyboardText(visible) : visible;
}

/**
 * Replaces full-width letters, digits and signs, and dashes of every length, by keyboard
 * characters.
 */
export function keyboardText(text: string): string {
  return text
    .replaceAll(fullWidth, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfe_e0))
    .replaceAll(dashes, '-');
}
