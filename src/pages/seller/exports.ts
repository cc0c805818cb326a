import type { Campaign } from '../../campaigns/campaign.ts';
import { harmless, type Cell } from '../../csv.ts';
import type { Visit } from '../../web/visit.ts';
import type { RosterRow } from '../../participations/roster-queries.ts';
import { spokenParticipationStatus } from '../../participations/status.ts';
import { shortMoment } from '../../web/format.ts';
import { participationWords } from '../../web/statuses.ts';
import { nameOf } from './parts.ts';

/** The most rows of a spreadsheet: it is made in memory. */
export const mostSheetRows = 20_000;

/** What every export has of a participation. */
function columns({ t }: Visit): string[] {
  return [
    t('Nomor', 'Number'),
    t('Nama', 'Name'),
    'E-mail',
    t('Alamat', 'Address'),
    'Slot',
    t('Total (Rp)', 'Total (Rp)'),
    t('Berat (g)', 'Weight (g)'),
    'Status',
    t('Catatan', 'Note'),
    t('Ikut pada (WIB)', 'Joined at (WIB)'),
  ];
}

function cells(visit: Visit, campaign: Campaign, row: RosterRow): Cell[] {
  const status = participationWords[spokenParticipationStatus(row.status)].words;
  return [
    row.participation_id,
    nameOf(visit, row),
    row.email ?? '',
    row.shipping_address,
    row.quantity,
    Number(campaign.price_per_slot) * row.quantity,
    campaign.weight_grams === null ? '' : campaign.weight_grams * row.quantity,
    status[visit.language],
    row.note ?? '',
    shortMoment(row.joined_at, visit.language),
  ];
}

/** The participants as CSV: a head, and a line for each. */
export async function* linesOf(
  visit: Visit,
  campaign: Campaign,
  rows: AsyncIterable<RosterRow>,
): AsyncGenerator<Cell[]> {
  yield columns(visit);
  for await (const row of rows) yield cells(visit, campaign, row);
}

/** The same as a spreadsheet, whose cells say that they are text. */
export async function sheetOf(
  visit: Visit,
  campaign: Campaign,
  rows: AsyncIterable<RosterRow>,
): Promise<Buffer> {
  const { default: writeExcelFile } = await import('write-excel-file/node');
  const data: {
    value: Cell;
    type: StringConstructor | NumberConstructor;
    fontWeight?: 'bold';
  }[][] = [columns(visit).map((value) => ({ value, type: String, fontWeight: 'bold' }))];
  for await (const row of rows) {
    data.push(
      cells(visit, campaign, row).map((value) =>
        typeof value === 'number'
          ? { value, type: Number }
          : { value: String(harmless(value)), type: String },
      ),
    );
  }
  const widths = [38, 24, 28, 60, 8, 16, 12, 18, 40, 22];
  return await writeExcelFile(data as never, {
    sheet: visit.t('Peserta', 'Participants'),
    columns: widths.map((width) => ({ width })),
    stickyRowsCount: 1,
  }).toBuffer();
}

/** The name of a downloaded file, from the campaign's title. */
export function fileName(campaign: Campaign, ending: string): string {
  const plain = campaign.title
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/gi, '-')
    .replaceAll(/^-+|-+$/g, '')
    .toLowerCase()
    .slice(0, 60);
  return `sambatan-${plain === '' ? campaign.id : plain}.${ending}`;
}
