import { wording } from '../../../i18n/messages.ts';
import type { FieldError } from '../../../errors/errors.ts';
import { input, notice, textarea } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { text } from '../../../http/schemas.ts';
import type { FormState } from '../../kit/form-action.ts';
import { scrollingTable, type Column } from '../../../web/table.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

/** Rows of the preview per page. */
export const rowsShown = 50;

/**
 * The input of an irreversible action: the reason, the typed title, and the numbers that the user
 * saw.
 */
export const deliberation = { reason: text(3, 500), title: text(1, 200), seen: text(1, 60) };

/** The error of a typed title; none if it equals the campaign's, ignoring case and spaces. */
export function titleMistakes(title: string, typed: string): readonly FieldError[] {
  const plain = (words: string) =>
    words.normalize('NFKC').replaceAll(/\s+/g, ' ').trim().toLowerCase();
  if (plain(typed) === plain(title)) return [];
  const message = wording('seller.deliberate.thisIsNotTheTitlePlease');
  return [{ field: 'title', message }];
}

/** A notice above the form if the numbers have changed since the user saw them. */
export function numbersChanged({ t }: PageContext): Html {
  return notice(
    'busy',
    t('seller.deliberate.theNumbersHaveJustChanged'),
    t('seller.deliberate.lookAgainThenSendOnceMore'),
  );
}

/** The fields of such a form: the reason, and the title to type. */
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

/** A page of the affected buyers, with a link to the next page. */
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
    /** The URL of the page, to which the cursor is added. */
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
