import { monthByName, dateFigureOf, isoDay } from './date-figure.ts';

export interface Period {
  readonly from: string;
  readonly to: string;
}

const datesInText =
  /\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)\b|\d{1,2}[-/. ]*[A-Za-z]{3,9}\.?[-/. ,]*\d{4}/g;

/**
 * Returns the period in a header line, such as `Periode : 01/11/2026 - 30/11/2026`; undefined if
 * the line has no period. The day comes before the month, as usual for Indonesian banks.
 */
export function periodOf(text: string): Period | undefined {
  const line = text.replaceAll(/\s+/g, ' ');
  const labelled = /\bperiode?\b.*/i.exec(line)?.[0];
  const found = (labelled ?? line).match(datesInText) ?? [];
  const days = found.flatMap((part) => {
    const date = dateFigureOf(part.trim());
    const parts = date?.dmy;
    return date?.year === undefined || parts === undefined ? [] : [isoDay(date.year, parts)];
  });
  if (days.length === 0) return monthOf(text);
  const [from, to, more] = days;
  if (from === undefined || to === undefined || from > to) return undefined;
  // The print date may follow the period.
  if (more !== undefined && labelled === undefined) return undefined;
  return { from, to };
}

/** Returns the period in a line such as `Periode : NOVEMBER 2026`. */
function monthOf(text: string): Period | undefined {
  const [, name, year] = /\bperiode?\b.*?\b([a-z]{3,9})[ ,-]+(20\d\d)\b/i.exec(text) ?? [];
  const month = monthByName.get(name?.toLowerCase() ?? '');
  if (month === undefined) return undefined;
  const last = new Date(Date.UTC(Number(year), month, 0)).getUTCDate();
  const day = (number: number) => isoDay(Number(year), { day: number, month });
  return { from: day(1), to: day(last) };
}
