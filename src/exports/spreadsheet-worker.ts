// The worker thread of spreadsheet.ts. It receives batches of rows until it receives null; then it
// posts the file and ends.
import { parentPort, workerData } from 'node:worker_threads';
import writeExcelFile from 'write-excel-file/node';
import { escapeFormula, onWesternClock, type Cell } from './csv.ts';
import type { SheetHead } from './spreadsheet.ts';

type SheetCell =
  | { readonly value: string; readonly type: StringConstructor; readonly fontWeight?: 'bold' }
  | { readonly value: number; readonly type: NumberConstructor }
  | { readonly value: Date; readonly type: DateConstructor; readonly format: string }
  | null;

const { name, columns } = workerData as SheetHead;
const data: SheetCell[][] = [
  columns.map(({ head }) => ({ value: head, type: String, fontWeight: 'bold' })),
];

parentPort!.on('message', (batch: (readonly Cell[])[] | null) => {
  if (batch === null) void finish();
  else for (const row of batch) data.push(row.map(sheetCell));
});

function sheetCell(cell: Cell): SheetCell {
  if (cell === null || cell === '') return null;
  if (typeof cell === 'number') return { value: cell, type: Number };
  if (typeof cell === 'string') return { value: escapeFormula(cell), type: String };
  // Spreadsheets have no time zones, so write the time of the Western Indonesian clock.
  return { value: onWesternClock(cell), type: Date, format: 'yyyy-mm-dd hh:mm' };
}

async function finish(): Promise<void> {
  const file = await writeExcelFile(data as never, {
    sheet: name,
    columns: columns.map(({ width }) => ({ width })),
    stickyRowsCount: 1,
  }).toBuffer();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(new Uint8Array(file));
  parentPort!.close();
}
