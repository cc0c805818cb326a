import Type from 'typebox';
import { formParser } from '../../../http/forms.ts';
import { choice, closed } from '../../../http/schemas.ts';
import type { Mapping, TablePreview } from '../../../ledger/statement-files/values/types.ts';
import { statementFormats, type StatementFormat } from '../../../ledger/statement-files/parse.ts';
import type { MappingInput, StoredMapping } from '../../../ledger/bank-statements/mapping.ts';
import { input, select } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { scrollingTable } from '../../../web/table.ts';

/** Maximum numbers of rows and columns of the file that the mapping page shows. */
const maxRows = 15;
const maxColumns = 30;

const Column = Type.Optional(Type.Integer({ minimum: 0, maximum: 199 }));
const roles = [
  'date',
  'time',
  'description',
  'description_2',
  'description_3',
  'credit',
  'debit',
  'amount',
  'mark',
  'balance',
  'reference',
] as const;
type Role = (typeof roles)[number];

/**
 * Parses the mapping form. It contains the format of a bank, or the number of the column for each
 * role.
 */
export const readMapping = formParser(
  closed({
    format: choice([...statementFormats, 'columns'] as const),
    header_row: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
    numbers: choice(['auto', 'dot_thousands', 'comma_thousands']),
    dates: choice(['auto', 'DMY', 'MDY']),
    ...(Object.fromEntries(roles.map((role) => [role, Column])) as Record<Role, typeof Column>),
  }),
);

export interface MappingFields extends Partial<Record<Role, number>> {
  readonly format: StatementFormat | 'columns';
  readonly header_row?: number;
  readonly numbers: 'auto' | 'dot_thousands' | 'comma_thousands';
  readonly dates: 'auto' | 'DMY' | 'MDY';
}

/**
 * Returns the mapping that a form describes. Undefined if it has no date column or no amount
 * column.
 */
export function mappingOfFields(fields: MappingFields): StoredMapping | undefined {
  if (fields.format !== 'columns') return { format: fields.format };
  const { date, credit, debit, amount, header_row: header = 0, numbers, dates } = fields;
  if (date === undefined) return undefined;
  const isSplit = credit !== undefined && debit !== undefined;
  if (!isSplit && amount === undefined) return undefined;
  const descriptions = [fields.description, fields.description_2, fields.description_3];
  const described = [...new Set(descriptions.filter((column) => column !== undefined))];
  const one = (column: number | undefined) => (column === undefined ? undefined : [column]);
  const columns = {
    date: [date],
    description: described.length > 0 ? described : [date],
    ...omitUndefined({
      time: one(fields.time),
      credit: isSplit ? one(credit) : undefined,
      debit: isSplit ? one(debit) : undefined,
      amount: isSplit ? undefined : one(amount),
      mark: isSplit ? undefined : one(fields.mark),
      balance: one(fields.balance),
      reference: one(fields.reference),
    }),
  };
  const place = header > 0 ? { header_row: header } : { first_row: 1 };
  return { columns: { columns, ...place, numbers, dates } as MappingInput };
}

function omitUndefined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

interface MappingProps {
  readonly table: TablePreview;
  readonly mapping: StoredMapping;
  readonly guess: Partial<Mapping>;
  /** True if the file cannot be read without a mapping. The form is then open from the start. */
  readonly isOpen: boolean;
}

/** Returns the first rows of a file, and the form that assigns a role to its columns. */
export function mappingPart(visit: PageContext, path: string, props: MappingProps): Html | false {
  const { t } = visit;
  const { table, isOpen } = props;
  if (table.rows.length === 0) return false;
  const form = mappingForm(visit, path, props);
  return html`<section class="panel" aria-labelledby="columns">
    <h2 id="columns">${t('operator.mappingForm.columnsOfTheFile')}</h2>
    ${rowsTable(visit, table)}
    ${
      isOpen
        ? form
        : html`<details>
            <summary>${t('operator.mappingForm.changeHowColumnsAreRead')}</summary>
            ${form}
          </details>`
    }
  </section>`;
}

/** Returns the form in which an operator chooses the meaning of each column. */
function mappingForm(
  visit: PageContext,
  path: string,
  { table, mapping, guess, isOpen }: MappingProps,
): Html {
  const { t, url } = visit;
  const chosen = chosenColumns(mapping, guess);
  return html`<form class="stack" method="post" action="${url(`${path}/kolom`)}">
    ${select(
      visit,
      {
        name: 'format',
        label: t('operator.mappingForm.howToRead'),
        value: 'columns' in mapping || isOpen ? 'columns' : mapping.format,
        required: true,
      },
      [
        { value: 'columns', label: t('operator.mappingForm.theColumnsChosenBelow') },
        ...statementFormats.map((value) => ({ value, label: formatName(visit, value) })),
      ],
    )}
    ${input(visit, {
      name: 'header_row',
      label: t('operator.mappingForm.rowOfTheColumnHeadings'),
      hint: t('operator.mappingForm.0IfTheFileHas'),
      value: chosen.headerRow,
      control: { type: 'number', min: 0, max: 1_000, inputmode: 'numeric' },
    })}
    ${roles.map((role) => columnSelect(visit, table, chosen.headerRow, role, chosen.roles[role]))}
    ${formatSelects(visit, chosen)}
    <button class="button">${t('operator.mappingForm.readItLike')}</button>
  </form>`;
}

/** Returns the form fields for the formats of numbers and dates. */
function formatSelects(
  visit: PageContext,
  chosen: Pick<ReturnType<typeof chosenColumns>, 'numbers' | 'dates'>,
): Html {
  const { t } = visit;
  return html`${select(
    visit,
    {
      name: 'numbers',
      label: t('operator.mappingForm.numberFormat'),
      value: chosen.numbers,
      required: true,
    },
    [
      { value: 'auto', label: t('operator.mappingForm.detectAutomatically') },
      { value: 'dot_thousands', label: '1.500.123,00' },
      { value: 'comma_thousands', label: '1,500,123.00' },
    ],
  )}
  ${select(
    visit,
    {
      name: 'dates',
      label: t('operator.mappingForm.dateFormat'),
      value: chosen.dates,
      required: true,
    },
    [
      { value: 'auto', label: t('operator.mappingForm.detectAutomatically') },
      { value: 'DMY', label: t('operator.mappingForm.dayMonthYear') },
      { value: 'MDY', label: t('operator.mappingForm.monthDayYear') },
    ],
  )}`;
}

function formatName({ t }: PageContext, format: StatementFormat): string {
  const names: Record<StatementFormat, string> = {
    auto: t('operator.mappingForm.detectTheBankAutomatically'),
    generic: t('operator.mappingForm.cSVDateDescriptionAmount'),
    bca: 'BCA (KlikBCA, myBCA)',
    mandiri: 'Mandiri (Kopra, MCM, Livin’)',
    bri: 'BRI (CMS, Internet Banking, QLola)',
    bni: 'BNI (BNIDirect, Mobile)',
    bsi: 'BSI',
    cimb: 'CIMB Niaga (OCTO)',
    permata: 'Permata (PermataNet)',
  };
  return names[format];
}

function roleName({ t }: PageContext, role: Role): string {
  const names: Record<Role, string> = {
    date: t('common.date'),
    time: t('operator.mappingForm.time'),
    description: t('common.description'),
    description_2: t('operator.mappingForm.descriptionSecond'),
    description_3: t('operator.mappingForm.descriptionThird'),
    credit: t('operator.mappingForm.moneyInCredit'),
    debit: t('operator.mappingForm.moneyOutDebit'),
    amount: t('operator.mappingForm.amountOneColumn'),
    mark: t('operator.mappingForm.cRDBMark'),
    balance: t('operator.mappingForm.balance'),
    reference: t('operator.mappingForm.referenceNumber'),
  };
  return names[role];
}

function columnSelect(
  visit: PageContext,
  { rows }: TablePreview,
  headerRow: number,
  role: Role,
  value: number | undefined,
): Html {
  const width = Math.min(maxColumns, Math.max(...rows.map(({ cells }) => cells.length)));
  const headings = rows.find(({ row }) => row === headerRow)?.cells ?? [];
  const below = rows.find(({ row, cells }) => row > headerRow && cells.some((cell) => cell !== ''));
  const options = Array.from({ length: width }, (_, index) => {
    const heading = headings[index] || visit.t('operator.mappingForm.column', { index: index + 1 });
    const example = below?.cells[index] ?? '';
    const label = example === '' ? heading : `${heading} (${example.slice(0, 30)})`;
    return { value: String(index), label };
  });
  return select(visit, { name: role, label: roleName(visit, role), value }, [
    { value: '', label: '–' },
    ...options,
  ]);
}

interface Chosen {
  readonly headerRow: number;
  readonly numbers: string;
  readonly dates: string;
  readonly roles: Partial<Record<Role, number>>;
}

/**
 * Returns the initial values of the form: the current mapping, or else a guess from the column
 * headings.
 */
function chosenColumns(mapping: StoredMapping, guess: Partial<Mapping>): Chosen {
  const kept = 'columns' in mapping ? mapping.columns : undefined;
  const columns = (kept?.columns ?? guess.columns ?? {}) as Readonly<Record<string, unknown>>;
  const first = (role: string, at = 0): number | undefined => {
    const refs: unknown = columns[role];
    const ref: unknown = Array.isArray(refs) ? refs[at] : undefined;
    return typeof ref === 'number' ? ref : undefined;
  };
  const found: Partial<Record<Role, number>> = {};
  for (const role of roles) {
    const [name = '', nth = '1'] = role.split('_');
    const column = first(name, Number(nth) - 1);
    if (column !== undefined) found[role] = column;
  }
  return {
    headerRow: kept ? (kept.header_row ?? 0) : (guess.headerRow ?? 1),
    numbers: kept?.numbers ?? 'auto',
    dates: kept?.dates ?? 'auto',
    roles: found,
  };
}

function rowsTable(visit: PageContext, { rows }: TablePreview): Html {
  const { t } = visit;
  const shown = rows.slice(0, maxRows);
  const width = Math.min(maxColumns, Math.max(...shown.map(({ cells }) => cells.length)));
  const columns = Array.from({ length: width }, (_, index) => ({
    head: t('operator.mappingForm.column', { index: index + 1 }),
    cell: ({ cells }: (typeof shown)[number]) => cells[index] ?? '',
  }));
  return scrollingTable(
    { label: t('operator.mappingForm.firstRowsOfTheFile') },
    {
      rows: shown,
      columns: [{ head: t('common.row'), isRowHead: true, cell: ({ row }) => row }, ...columns],
    },
  );
}
