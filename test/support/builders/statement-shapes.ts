import { bcaAndMandiri } from './statement-shapes-bca-mandiri.ts';
import { otherBanks } from './statement-shapes-others.ts';
import type { Shape, StatementInput } from './statement-writing.ts';

export type { Shape, StatementInput } from './statement-writing.ts';

/** Every kind of bank statement that the service can read without configuration. */
export const shapes: Readonly<Record<string, Shape>> = { ...bcaAndMandiri, ...otherBanks };

/** The rows of a statement file. The heading is repeated after every `pageLength` transactions. */
export function rowsOf(shape: Shape, written: StatementInput, pageLength = Infinity) {
  const rows: { cells: string[]; entry?: number }[] = [];
  const add = (more: readonly string[][]) => rows.push(...more.map((cells) => ({ cells })));
  add(shape.head(written));
  add(shape.heading);
  let balance = written.opening;
  for (const [index, entry] of written.entries.entries()) {
    if (index > 0 && index % pageLength === 0) add(shape.heading);
    balance += entry.sen;
    const [first, ...below] = shape.rows(entry, balance, index);
    rows.push({ cells: first!, entry: index });
    add(below);
  }
  add(shape.foot(written));
  return rows;
}

/** A row as a line of text. Cells have quotes only where they need them, or everywhere. */
export function rowText(cells: readonly string[], delimiter: string, quoteAll = false): string {
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const needs = (cell: string) => [delimiter, '"', '\n'].some((sign) => cell.includes(sign));
  return cells.map((cell) => (quoteAll || needs(cell) ? quoted(cell) : cell)).join(delimiter);
}
