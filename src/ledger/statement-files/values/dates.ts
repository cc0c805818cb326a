import { StatementRefused, type Place } from './refused.ts';
import type { DateStyle } from './types.ts';
import { type DayMonth, type DateFigure, exists, isoDay } from './date-figure.ts';
import type { Period } from './periods.ts';

/**
 * Parses dates in the notations of banks. A cell may first have several meanings; the order of day
 * and month is decided once for all dates of a file.
 */

/** UTC offset of Asia/Jakarta in minutes, all year. */
const jakartaMinutes = 7 * 60;
/** A booking date may be at most this many days after the import, because of long weekends. */
const maxDaysAhead = 7;

/**
 * True if any date of a file has a time of day. If all times are midnight, the bank states no
 * times.
 */
export function hasClocks(dates: readonly PlacedDate[]): boolean {
  return dates.some(
    ({ date: { clock, offset } }) =>
      clock !== undefined && (offset !== undefined || clock !== '00:00:00'),
  );
}

export interface PlacedDate {
  readonly date: DateFigure;
  readonly place: Place;
}

/**
 * Decides the order of day and month from all dates of a file. Every date must exist in that order.
 * If both orders are possible, chooses the order in which all dates are within the period of the
 * file's header, or, if the file states no period, not later than a week after the import. Refuses:
 * date (it does not fit the order of the mapping), date_order (no order fits, or both do).
 */
export function dateStyleOf(
  dates: readonly PlacedDate[],
  given: 'auto' | 'DMY' | 'MDY',
  { period, today }: { readonly period?: Period | undefined; readonly today: string },
): DateStyle {
  const open = dates.filter(
    ({ date: { dmy, mdy } }) => dmy === undefined || mdy === undefined || dmy.day !== mdy.day,
  );
  if (open.length === 0) return 'ISO';
  const fits = (order: 'dmy' | 'mdy') => open.every(({ date }) => date[order] !== undefined);
  if (given !== 'auto') {
    const wrong = open.find(({ date }) => date[given === 'DMY' ? 'dmy' : 'mdy'] === undefined);
    if (wrong) throw new StatementRefused('date', wrong.place);
    return given;
  }
  const orders = (['dmy', 'mdy'] as const).filter(fits);
  if (orders.length === 0) throw new StatementRefused('date_order', open[0]!.place);
  const last = addDays(today, maxDaysAhead);
  const likely = orders.filter((order) =>
    open.every(({ date }) => {
      if (date.year === undefined) return true;
      const day = isoDay(date.year, date[order]!);
      return period ? day >= period.from && day <= period.to : day <= last;
    }),
  );
  const [only, other] = likely.length > 0 ? likely : orders;
  if (other !== undefined) throw new StatementRefused('date_order', open[0]!.place);
  return only === 'mdy' ? 'MDY' : 'DMY';
}

/**
 * Returns the day in Asia/Jakarta, and the time if the bank states it. A missing year is taken from
 * the period. Refuses: date, date_year, date_out_of_range.
 */
export function dayOf(
  { date, place }: PlacedDate,
  style: DateStyle,
  { period, today }: { readonly period?: Period | undefined; readonly today: string },
): { readonly day: string; readonly time?: Date } {
  const parts = style === 'MDY' ? date.mdy : date.dmy;
  if (parts === undefined) throw new StatementRefused('date', place);
  const year = date.year ?? yearIn(parts, period);
  if (year === undefined) throw new StatementRefused('date_year', place);
  let day = isoDay(year, parts);
  let time: Date | undefined;
  if (date.clock !== undefined) {
    const offset = date.offset ?? jakartaMinutes;
    time = new Date(Date.parse(`${day}T${date.clock}Z`) - offset * 60_000);
    day = new Date(time.getTime() + jakartaMinutes * 60_000).toISOString().slice(0, 10);
  }
  refuseFarDay(day, today, place);
  return time === undefined ? { day } : { day, time };
}

/** Refuses a day before the year 2000, or more than a week after today: date_out_of_range. */
export function refuseFarDay(day: string, today: string, place: Place): void {
  if (day < '2000-01-01' || day > addDays(today, maxDaysAhead)) {
    throw new StatementRefused('date_out_of_range', place);
  }
}

/**
 * Returns the year in which a day and month lie within a period; undefined if there is no such year
 * or more than one.
 */
function yearIn(parts: DayMonth, period: Period | undefined): number | undefined {
  if (period === undefined) return undefined;
  const [first, last] = [period.from, period.to].map((day) => Number(day.slice(0, 4))) as [
    number,
    number,
  ];
  const years: number[] = [];
  for (let year = first; year <= last; year++) {
    const day = isoDay(year, parts);
    if (exists(parts, year) && day >= period.from && day <= period.to) years.push(year);
  }
  return years.length === 1 ? years[0] : undefined;
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
