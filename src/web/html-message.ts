import type { MessageKey, Messages } from '../i18n/message-keys.ts';
import { textOf, type Value } from '../i18n/messages.ts';
import { Html, html } from './html.ts';
import type { PageContext } from './visit.ts';

/** The values for the placeholders of a message. Each value may be HTML. */
type HtmlValues<K extends MessageKey> = {
  readonly [N in keyof Messages[K]]: Messages[K][N] | Html;
};

/**
 * The first of the private-use characters that replace HTML values while a message is formatted.
 */
const firstMark = 0xe000;

/**
 * Returns a message in the language of the page, with HTML values in its placeholders. So a
 * sentence that contains a time or an emphasized amount is one message, and each language can
 * choose the order of its words.
 */
export function htmlMessage<K extends MessageKey>(
  { language }: Pick<PageContext, 'language'>,
  key: K,
  values: HtmlValues<K>,
): Html {
  const parts: Html[] = [];
  const mark = (value: Value | Html): Value => {
    if (!(value instanceof Html)) return value;
    return String.fromCharCode(firstMark + parts.push(value) - 1);
  };
  const marked = Object.fromEntries(
    Object.entries(values as Readonly<Record<string, Value | Html>>).map(([name, value]) => [
      name,
      mark(value),
    ]),
  );
  const pieces = textOf(language, { key, values: marked }).split(/([\u{e000}-\u{f8ff}])/u);
  return html`${pieces.map((piece, index) =>
    index % 2 === 0 ? piece : parts[piece.charCodeAt(0) - firstMark],
  )}`;
}
