import { wording } from '../../../i18n/messages.ts';
import type { FieldError } from '../../../errors/errors.ts';
import { input, notice, textarea } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { text } from '../../../http/schemas.ts';
import type { FormState } from '../../kit/form-action.ts';
import { scrollingTable, type Column } from '../../../web/table.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

/** Number of rows per page of a preview. */
export const rowsShown = 50;

/**
 * Form fields for an action that cannot be undone: the reason, the title of the campaign (typed to
 * confirm), and the numbers that the user saw.
 */
export const deliberation = { reason: text(3, 500), title: text(1, 200), seen: text(1, 60) };

/**
 * Returns an error if the typed title differs from the campaign's title. Upper and lower case and
 * spaces are ignored.
 */
export function titleMistakes(title: string, typed: string): readonly FieldError[] {
  const plain = (words: string) =>
    words.normalize('NFKC').replaceAll(/\s+/g, ' ').trim().toLowerCase();
  if (plain(typed) === plain(title)) return [];
  const message = wording('seller.deliberate.thisIsNotTheTitlePlease');
  return [{ field: 'title', message }];
}

/**
 * Returns a notice that the numbers have changed since the user saw them. It is shown above the
 * form.
 */
export function numbersChanged({ t }: PageContext): Html {
  return notice(
    'busy',
    t('seller.deliberate.theNumbersHaveJustChanged'),
    t('seller.deliberate.lookAgainThenSendOnceMore'),
  );
}

/**
 * Returns the form fields for an action that cannot be undone: the reason, and the title to type.
 */
export function deliberateFields(
  visit: PageContext,
  {
    title,
    seen,
    typed,
    errors,
  }: Pick<FormState, 'typed' | 'errors'> & { title: string; seen: string },
): Html {
  const { t } = visit;
  return html`${textarea(visit, {
      name: 'reason',
      label: t('common.reasonForBuyers'),
      hint: t('common.buyersSeeReason'),
      value: typed['reason'],
      errors,
      required: true,
      control: { minlength: 3, maxlength: 500 },
    })}
    ${input(visit, {
      name: 'title',
      label: t('common.typeTitleToConfirm'),
      hint: html`<strong>${title}</strong>`,
      value: typed['title'],
      errors,
      required: true,
      control: { autocomplete: 'off', maxlength: 200 },
    })}
    <input type="hidden" name="seen" value="${seen}" />
    <p>${t('seller.deliberate.thisCannotBeUndone')}</p>`;
}

/** Returns a table with one page of the affected buyers, and a link to the next page. */
export function affectedTable<R>(
  visit: PageContext,
  {
    label,
    caption,
    columns,
    rows,
    path,
    placeOf,
  }: {
    readonly label: string;
    readonly caption: string;
    readonly columns: readonly Column<R>[];
    readonly rows: readonly R[];
    /** The URL of the page. The cursor of the next page is added to it. */
    readonly path: string;
    readonly placeOf: (last: R) => string | number;
  },
): Html {
  const page = cursorPage(visit, rows, {
    size: rowsShown,
    url: path,
    isFirst: true,
    cursorOf: (row) => [placeOf(row)],
  });
  return html`${scrollingTable({ label }, { caption, columns, rows: page.rows })}${page.links}`;
}
