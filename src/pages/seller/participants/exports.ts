import { toApiParticipationStatus } from '../../../database/status-words.ts';
import type { Campaign } from '../../../campaigns/campaign.ts';
import type { Cell } from '../../../exports/csv.ts';
import { deliveredQuantityOf } from '../../../participations/participation.ts';
import type { ParticipantRow } from '../../../participations/participant-list-queries.ts';
import type { SheetHead } from '../../../exports/spreadsheet.ts';
import { participationWords, paymentWords } from '../../statuses.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';
import { nameOf } from '../brand/shop-head.ts';

/**
 * A column of the exported files: its heading, its width in a spreadsheet, and a function that
 * returns its value for a row.
 */
interface Column {
  readonly head: string;
  readonly width: number;
  cell(row: ParticipantRow): Cell;
}

/** Returns the columns that every exported file has. */
function columnsOf(visit: PageContext, campaign: Campaign): readonly Column[] {
  const { t } = visit;
  const { weight_grams: weight, price_per_slot: price } = campaign;
  return [
    { head: t('common.orderNumber'), width: 38, cell: (row) => row.participation_id },
    { head: t('common.name2'), width: 24, cell: (row) => nameOf(visit, row) },
    { head: 'E-mail', width: 28, cell: (row) => row.email },
    { head: t('common.address'), width: 60, cell: (row) => row.shipping_address },
    { head: t('seller.exports.slotsOrdered'), width: 12, cell: (row) => row.quantity },
    { head: t('seller.exports.slotsToDeliver'), width: 12, cell: deliveredQuantityOf },
    {
      head: t('seller.exports.totalRp'),
      width: 16,
      cell: (row) => Number(price) * deliveredQuantityOf(row),
    },
    {
      head: t('seller.exports.weightG'),
      width: 12,
      cell: (row) => (weight === null ? null : weight * deliveredQuantityOf(row)),
    },
    {
      head: 'Status',
      width: 18,
      cell: (row) =>
        inLanguage(visit, participationWords[toApiParticipationStatus(row.status)].words),
    },
    {
      head: t('common.payment'),
      width: 24,
      cell: (row) => inLanguage(visit, paymentWords[row.payment_state].words),
    },
    { head: t('seller.exports.paidRp'), width: 16, cell: (row) => Number(row.paid_amount) },
    {
      head: t('seller.exports.toBePaidRp'),
      width: 16,
      cell: (row) => Number(row.amount_due),
    },
    { head: t('seller.exports.payByWIB'), width: 18, cell: (row) => row.pay_by },
    {
      head: t('seller.exports.refundDueRp'),
      width: 16,
      cell: (row) => Number(row.refund_due_amount),
    },
    {
      head: t('seller.exports.refundedRp'),
      width: 16,
      cell: (row) => Number(row.refunded_amount),
    },
    { head: t('common.note'), width: 40, cell: (row) => row.note },
    { head: t('seller.exports.joinedAtWIB'), width: 18, cell: (row) => row.joined_at },
  ];
}

/** Returns the name and the column headings of the participants' spreadsheet. */
export function sheetHead(visit: PageContext, campaign: Campaign): SheetHead {
  return {
    name: visit.t('common.participants'),
    columns: columnsOf(visit, campaign).map(plain),
  };
}

// A worker thread builds the spreadsheet. Functions cannot be sent to that thread, so they are left
// out.
const plain = ({ head, width }: Column) => ({ head, width });

/** Returns the rows of an exported file, one for each participant. */
export async function* linesOf(
  visit: PageContext,
  campaign: Campaign,
  rows: AsyncIterable<ParticipantRow>,
): AsyncGenerator<Cell[]> {
  const columns = columnsOf(visit, campaign);
  for await (const row of rows) yield columns.map((column) => column.cell(row));
}

/** Returns the rows of the CSV file: the headings, then one row for each participant. */
export async function* csvLinesOf(
  visit: PageContext,
  campaign: Campaign,
  rows: AsyncIterable<ParticipantRow>,
): AsyncGenerator<Cell[]> {
  yield columnsOf(visit, campaign).map(({ head }) => head);
  yield* linesOf(visit, campaign, rows);
}

/** Returns the name of a downloaded file. It is made from the title of the campaign. */
export function fileName(campaign: Campaign, ending: string): string {
  const plainTitle = campaign.title
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/gi, '-')
    .replaceAll(/^-+|-+$/g, '')
    .toLowerCase()
    .slice(0, 60);
  return `sambatan-${plainTitle === '' ? campaign.id : plainTitle}.${ending}`;
}
