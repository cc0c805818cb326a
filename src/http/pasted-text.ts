/** Characters without a shape that come along when text is copied: they never belong to a value. */
const invisible = /[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]/g;
/** Blanks of other widths than the usual one. */
const blanks = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g;
const dashes = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g;
const fullWidth = /[\uff01-\uff5e]/g;
/** Joins letters or turns their direction: of use in a sentence, of none in a number. */
const formatting = /\p{Cf}/gu;
const hasMore = /[^\x20-\x7e\n\r\t]/;

/** Fields that hold numbers, codes or addresses of mail: one value has one way to be written. */
const identifiers =
  /(?:^|_)(?:emails?|phone|postal_code|number|code|reference|token|tracking_number)$/;
/** Addresses to send goods to: a telephone number stands in them, and couriers type them. */
const postal = /(?:^|_)(?:address|street|district|city|province)$/;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is signed by its sender: its text is checked as it was sent, never cleaned. */
    isSigned?: boolean;
  }
}

/**
 * Cleans what people pasted into fields, in place: of a JSON body, a form or a query string.
 * Invisible characters are removed and blanks become spaces. Identifiers (numbers, codes, e-mail
 * addresses) are written with the characters of a keyboard. Other text keeps its letters, its
 * emoji, and the joiners and direction marks that some scripts need. However deep a body is, the
 * stack is not.
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
      // The items of a list are what the list's name says.
      const name = Array.isArray(fields) ? parent : key;
      if (typeof value !== 'string') push(value, name);
      else if (hasMore.test(value)) {
        (fields as Record<string, unknown>)[key] = cleaned(name, value);
      } else if (identifiers.test(name)) {
        (fields as Record<string, unknown>)[key] = value.trim();
      }
    }
  }
}

function cleaned(name: string, value: string): string {
  const visible = value.replaceAll(invisible, '').replaceAll(blanks, ' ');
  if (identifiers.test(name)) {
    return keyboardText(visible.normalize('NFKC').replaceAll(formatting, ''))
      .replaceAll(/\s+/g, ' ')
      .trim();
  }
  return postal.test(name) ? keyboardText(visible) : visible;
}

/** Full-width letters, digits and signs, and dashes of every length, as a keyboard types them. */
export function keyboardText(text: string): string {
  return text
    .replaceAll(fullWidth, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfe_e0))
    .replaceAll(dashes, '-');
}
