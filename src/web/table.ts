import { attribute, html, type Html, type Part } from './html.ts';

/** A column of a table. */
export interface Column<R> {
  readonly head: string;
  readonly cell: (row: R) => Part;
  /** True if the cells are numbers. They are aligned to the right. */
  readonly isNumber?: boolean;
  /** True if the cells are the headings of their rows. */
  readonly isRowHead?: boolean;
  /** The CSS class of the cells. */
  readonly kind?: string;
}

export interface TableProps<R> {
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly caption?: Part;
  readonly foot?: Part;
  /**
   * True if each row is shown as a block on phones, with the name of the column before each value.
   */
  readonly isStacked?: boolean;
  /** True if only screen readers get the column headings. */
  readonly hidesHead?: boolean;
  /** The CSS class of the table. */
  readonly kind?: string;
}

/** Returns a table with a heading for each column. */
export function table<R>({
  columns,
  rows,
  caption,
  foot,
  isStacked = false,
  hidesHead = false,
  kind,
}: TableProps<R>): Html {
  const classes = [isStacked && 'stacked', kind].filter(Boolean).join(' ') || undefined;
  return html`<table${attribute('class', classes)}>
    ${
      caption !== undefined &&
      html`<caption>
        ${caption}
      </caption>`
    }
    <thead${attribute('class', hidesHead && 'visually-hidden')}>
      <tr>
        ${columns.map(
          ({ head, isNumber }) =>
            html`<th scope="col" ${attribute('class', isNumber && 'number')}>${head}</th>`,
        )}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${columns.map((column) => cellOf(column, row, isStacked))}
          </tr>`,
      )}
    </tbody>
    ${
      foot !== undefined &&
      html`<tfoot>
        ${foot}
      </tfoot>`
    }
  </table>`;
}

function cellOf<R>(column: Column<R>, row: R, isStacked: boolean): Html {
  const content = isStacked ? html`<span>${column.cell(row)}</span>` : column.cell(row);
  if (column.isRowHead === true) return html`<th scope="row">${content}</th>`;
  const classes = [column.isNumber && 'number', column.kind].filter(Boolean).join(' ');
  const label = attribute('data-label', isStacked && column.head);
  const attributes = [attribute('class', classes || undefined), label];
  return html`<td${attributes}>${content}</td>`;
}

/**
 * Returns a table that can be scrolled horizontally if it is too wide. Its name for screen readers
 * is the text of the element with the id `labelledBy`, or else `label`.
 */
export function scrollingTable<R>(
  name: { readonly labelledBy: string } | { readonly label: string },
  props: TableProps<R>,
): Html {
  const attributes =
    'label' in name
      ? attribute('aria-label', name.label)
      : attribute('aria-labelledby', name.labelledBy);
  return html`<div class="table" tabindex="0" role="region" ${attributes}>${table(props)}</div>`;
}
