import type { FieldError } from '../../../errors/errors.ts';
import { input, notice, textarea } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { text } from '../../../http/schemas.ts';
import type { FormState } from '../../kit/form-action.ts';
import { scrollingTable, type Column } from '../../../web/table.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

/** Rows of what would happen, on one page. */
export const rowsShown = 50;

/**
 * What a form says that ends something for good: why, the campaign's title typed by hand, and the
 * numbers that were seen when it was decided.
 */
export const deliberation = { reason: text(3, 500), title: text(1, 200), seen: text(1, 60) };

/** What is wrong with a typed title; nothing when it is the campaign's, but for case and spaces. */
export function titleMistakes(title: string, typed: string): readonly FieldError[] {
  const plain = (words: string) =>
    words.normalize('NFKC').replaceAll(/\s+/g, ' ').trim().toLowerCase();
  if (plain(typed) === plain(title)) return [];
  const message = {
    id: 'Belum sama dengan judulnya. Ketik ulang persis, ya.',
    en: 'This is not the title. Please type it exactly.',
  };
  return [{ field: 'title', message }];
}

/** Above the form when the numbers are others by now than those that were seen. */
export function numbersChanged({ t }: PageContext): Html {
  return notice(
    'busy',
    t('Angkanya baru saja berubah.', 'The numbers have just changed.'),
    t('Periksa lagi, lalu kirim ulang.', 'Look again, then send once more.'),
  );
}

/** The fields of such a form: why, and the title to type. */
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
      label: t('Alasannya', 'The reason'),
      hint: t('Peserta membacanya.', 'The participants read it.'),
      value: typed['reason'],
      errors,
      required: true,
      control: { minlength: 3, maxlength: 500 },
    })}
    ${input(visit, {
      name: 'title',
      label: t('Ketik judulnya untuk memastikan', 'Type its title to be sure'),
      hint: html`<strong>${title}</strong>`,
      value: typed['title'],
      errors,
      required: true,
      control: { autocomplete: 'off', maxlength: 200 },
    })}
    <input type="hidden" name="seen" value="${seen}" />
    <p>${t('Ini tidak bisa diurungkan.', 'This cannot be undone.')}</p>`;
}

/** A page of the people whom the decision affects, with a link to the next page. */
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
    /** Of the page that it stands on, to which the cursor is added. */
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
