/** Text that is already HTML. All other values are escaped when they are inserted into HTML. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** A value that can be inserted into an HTML template. False, null and undefined insert nothing. */
export type Part = Html | string | number | bigint | boolean | null | undefined | readonly Part[];

/**
 * Builds HTML from a template. Values are escaped unless they are HTML already. The items of lists
 * are joined. Attributes must have double quotes.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0]!;
  for (const [index, part] of parts.entries()) text += renderPart(part) + strings[index + 1]!;
  return new Html(text);
}

/**
 * Marks a text as HTML that must not be escaped. Use it only for files of this project and
 * generated SVG, never for user input.
 */
export function trusted(text: string): Html {
  return new Html(text);
}

/**
 * Returns an HTML attribute. True gives an attribute without a value; false, null and undefined
 * give no attribute.
 */
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
