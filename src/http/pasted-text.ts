/** Invisible characters that come with copied text. They are never part of a value. */
const invisible = /[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]/g;
/** Space characters of unusual widths. */
const blanks = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g;
const dashes = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g;
const fullWidth = /[\uff01-\uff5e]/g;
/**
 * Join controls and direction marks. Some scripts need them in sentences, but a number never
 * contains them.
 */
const formatting = /\p{Cf}/gu;
const hasMore = /[^\x20-\x7e\n\r\t]/;

/**
 * Matches the names of fields that hold numbers, codes or e-mail addresses. Each value has only one
 * correct spelling.
 */
const identifiers =
  /(?:^|_)(?:emails?|phone|postal_code|number|code|reference|token|tracking_number)$/;
/**
 * Matches the names of fields that hold postal addresses. Couriers type these addresses and the
 * telephone number inside.
 */
const postal = /(?:^|_)(?:address|street|district|city|province)$/;

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * True if the sender signed the body. The signature covers the text exactly as sent, so the
     * text is not cleaned.
     */
    isSigned?: boolean;
  }
}

/**
 * Cleans pasted text in a JSON body, a form or a query string; changes the given object. Removes
 * invisible characters and replaces unusual spaces. In numbers, codes and e-mail addresses also
 * replaces characters that a usual keyboard does not have. Other text keeps its letters, its emoji,
 * and the joiners and direction marks that some scripts need. Uses no recursion, so a deeply nested
 * body cannot overflow the stack.
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
      // The items of a list are cleaned like a field with the name of the list.
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
 * Replaces full-width letters, digits and signs, and dashes of every length, with the characters of
 * a usual keyboard.
 */
export function keyboardText(text: string): string {
  return text
    .replaceAll(fullWidth, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfe_e0))
    .replaceAll(dashes, '-');
}
