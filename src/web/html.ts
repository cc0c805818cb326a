/** Text that is HTML already; everything else is escaped where it is put. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: nothing at all for false, null and undefined. */
export type Part = Html | string | number | bigint | boolean | null | undefined | readonly Part[];

/**
 * A piece of HTML. Whatever is put into it is escaped, unless it is itself a piece of HTML; lists
 * are put one after the other. Attributes must stand in double quotes.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0]!;
  for (const [index, part] of parts.entries()) text += rendered(part) + strings[index + 1]!;
  return new Html(text);
}

/** For our own files and what other programs made as HTML or SVG; never for what a person typed. */
export function trusted(text: string): Html {
  return new Html(text);
}

/** An attribute with its value, or without one for true; nothing for false, null and undefined. */
export function attribute(name: string, value: string | number | boolean | null | undefined): Html {
  if (value === undefined || value === null || value === false) return new Html('');
  return new Html(value === true ? ` ${name}` : ` ${name}="${escaped(String(value))}"`);
}

function rendered(part: Part): string {
  if (part === undefined || part === null || typeof part === 'boolean') return '';
  if (part instanceof Html) return part.toString();
  if (typeof part === 'object') return part.map(rendered).join('');
  return escaped(String(part));
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return /[&<>"']/.test(text) ? text.replaceAll(/[&<>"']/g, (one) => entities[one]!) : text;
}
