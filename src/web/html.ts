/** Text that is HTML already. Everything else is escaped when it is inserted. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** A value in a template. False, null and undefined produce nothing. */
export type Part = Html | string | number | bigint | boolean | null | undefined | readonly Part[];

/**
 * Builds HTML. Values are escaped unless they are HTML themselves. Lists are joined. Attributes
 * must be in double quotes.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0]!;
  for (const [index, part] of parts.entries()) text += renderPart(part) + strings[index + 1]!;
  return new Html(text);
}

/** Marks text as HTML without escaping. Only for our own files and generated SVG, never for input. */
export function trusted(text: string): Html {
  return new Html(text);
}

/** An attribute. True gives it no value; false, null and undefined leave it out. */
export function attribute(name: string, value: string | number | boolean | null | undefined): Html {
  if (value === undefined || value === null || value === false) return new Html('');
  return new Html(value === true ? ` ${name}` : ` ${name}="${escapeText(String(value))}"`);
}

function renderPart(part: Part): string {
  if (part === undefined || part === null || typeof part === 'boolean') return '';
  if (part instanceof Html) return part.toString();
  if (typeof part === 'object') return part.map(renderPart).join('');
  return escapeText(String(part));
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeText(text: string): string {
  return /[&<>"']/.test(text) ? text.replaceAll(/[&<>"']/g, (one) => entities[one]!) : text;
}
