import { StatementRefused, type Place } from './refused.ts';
import type { DateStyle } from './types.ts';

/**
 * Dates as banks write them. Parsing a cell gives all days that it may mean; the order of day and
 * month is decided once for all dates of a file.
 */

/** UTC offset of Asia/Jakarta in minutes, all year. */
const jakartaMinutes = 7 * 60;
/** Maximum days after the import that a booking date may have, for long weekends. */
const maxDaysAhead = 7;

interface DayMonth {
  readonly day: number;
  readonly month: number;
}

/** A cell with a date, before the order of its parts is known. */
export interface DateFigure {
  readonly dmy?: DayMonth;
  readonly mdy?: DayMonth;
  /** Missing if the bank writes day and month only. */
  readonly year?: number;
  /** `HH:MM:SS`, and the UTC offset in minutes if the bank names a zone. */
  readonly clock?: string;
  readonly offset?: number;
}

const monthNames = [
  ['jan', 'januari', 'january'],
  ['feb', 'peb', 'februari', 'february', 'pebruari'],
  ['mar', 'maret', 'march', 'mrt'],
  ['apr', 'april'],
  ['mei', 'may'],
  ['jun', 'juni', 'june'],
  ['jul', 'juli', 'july'],
  ['agu', 'agt', 'ags', 'agus', 'agust', 'agustus', 'aug', 'august'],
  ['sep', 'sept', 'september'],
  ['okt', 'oktober', 'oct', 'october'],
  ['nov', 'nop', 'november', 'nopember'],
  ['des', 'desember', 'dec', 'december'],
];
const monthByName = new Map(
  monthNames.flatMap((names, index) => names.map((name) => [name, index + 1] as const)),
);
const weekday =
  /^(?:senin|selasa|rabu|kamis|jum'?at|sabtu|minggu|sen|sel|rab|kam|jum|sab|min|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)\s*,?\s+(?=\d)/i;
const zones: Record<string, number> = { Z: 0, UTC: 0, GMT: 0, WIB: 420, WITA: 480, WIT: 540 };
const clockShape =
  /^(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,]\d{1,9})?)?\s*([AP]M)?\s*(Z|UTC|GMT|WIB|WITA|WIT|[+-]\d\d:?\d\d)?$/i;

/** A time of day, such as `09:39:37 WIB`, `9.39` or `2:05 PM`; undefined for anything else. */
export function clockOf(cell: string): Pick<DateFigure, 'clock' | 'offset'> | undefined {
  const found = clockShape.exec(cell.trim());
  if (found === null) return undefined;
  const [, hour = '', minute = '', second = '00', half, zone] = found;
  const hours = (Number(hour) % (half ? 12 : 24)) + (half?.toUpperCase() === 'PM' ? 12 : 0);
  if (Number(hour) > (half ? 12 : 23) || Number(minute) > 59 || Number(second) > 59) {
    return undefined;
  }
  const clock = `${String(hours).padStart(2, '0')}:${minute}:${second}`;
  return zone === undefined ? { clock } : { clock, offset: offsetOf(zone) };
}

function offsetOf(zone: string): number {
  const known = zones[zone.toUpperCase()];
  if (known !== undefined) return known;
  const [hours, minutes] = [zone.slice(1, 3), zone.slice(-2)].map(Number) as [number, number];
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** The possible meanings of a cell as a date; undefined if it has none. */
export function dateFigureOf(cell: string): DateFigure | undefined {
  const text = cell
    .normalize('NFKC')
    .replaceAll(/[\p{Cf}]/gu, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/^[='" ]+/, '')
    .replace(/[" ]+$/, '')
    .replace(weekday, '');
  for (const [shape, read] of dateShapes) {
    const found = shape.exec(text);
    if (found === null) continue;
    const date = read(found);
    const rest = text.slice(found[0].length).replace(/^(?:T|,? +|-(?=\d\d:))/i, '');
    const clock = rest === '' ? {} : clockOf(rest);
    if (date !== undefined && clock !== undefined) return { ...date, ...clock };
  }
  return undefined;
}

type Parts = RegExpExecArray;
const edge = String.raw`(?=$|[\sT,]|-\d\d:)`;

/**
 * Patterns with the meaning of their parts. The first match wins; only a time may follow the date.
 */
const dateShapes: readonly (readonly [RegExp, (parts: Parts) => DateFigure | undefined])[] = [
  [
    new RegExp(String.raw`^(\d{4}) ?([-/. ]) ?(\d{1,2}) ?\2 ?(\d{1,2})${edge}`),
    ([, year, , month, day]) => sure(Number(year), Number(month), Number(day)),
  ],
  [
    new RegExp(String.raw`^(\d{1,2}) ?([-/. ]) ?(\d{1,2}) ?\2 ?(\d{4}|\d\d)${edge}`),
    ([, one, , two, year]) => either(Number(one), Number(two), fullYear(year!)),
  ],
  [
    new RegExp(String.raw`^(20\d\d)(\d\d)(\d\d)${edge}`),
    ([, year, month, day]) => sure(Number(year), Number(month), Number(day)),
  ],
  [
    new RegExp(String.raw`^(\d\d)(\d\d)(20\d\d)${edge}`),
    ([, one, two, year]) => either(Number(one), Number(two), Number(year)),
  ],
  [
    new RegExp(String.raw`^(\d{1,2})[-/. ]*([A-Za-z]{3,9})\.?[-/., ']*(\d{4}|\d\d(?!:))${edge}`),
    ([, day, name, year]) => named(day!, name!, fullYear(year!)),
  ],
  [
    new RegExp(String.raw`^([A-Za-z]{3,9})\.? ?(\d{1,2}),? (\d{4})${edge}`),
    ([, name, day, year]) => named(day!, name!, Number(year)),
  ],
  [
    new RegExp(String.raw`^(\d{1,2})[-/. ]*([A-Za-z]{3,9})\.?${edge}`),
    ([, day, name]) => named(day!, name!),
  ],
  [
    new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})${edge}`),
    ([, one, , two]) => either(Number(one), Number(two)),
  ],
  [/^(\d{5}(?:\.\d+)?)$/, ([, serial]) => serialDate(Number(serial))],
];

function fullYear(text: string): number {
  return text.length === 2 ? 2000 + Number(text) : Number(text);
}

function exists({ day, month }: DayMonth, year = 2024): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return day > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function sure(year: number, month: number, day: number): DateFigure | undefined {
  return exists({ day, month }, year)
    ? { dmy: { day, month }, mdy: { day, month }, year }
    : undefined;
}

function named(day: string, name: string, year?: number): DateFigure | undefined {
  const month = monthByName.get(name.toLowerCase());
  if (month === undefined || !exists({ day: Number(day), month }, year)) return undefined;
  const one = { day: Number(day), month };
  return { dmy: one, mdy: one, ...(year === undefined ? {} : { year }) };
}

function either(one: number, two: number, year?: number): DateFigure | undefined {
  const [dmy, mdy] = [
    { day: one, month: two },
    { day: two, month: one },
  ].map((parts) => (exists(parts, year) ? parts : undefined));
  if (dmy === undefined && mdy === undefined) return undefined;
  return {
    ...(dmy === undefined ? {} : { dmy }),
    ...(mdy === undefined ? {} : { mdy }),
    ...(year === undefined ? {} : { year }),
  };
}

/** Days since 30 December 1899, as spreadsheets count, with the time as a fraction. */
function serialDate(serial: number): DateFigure | undefined {
  if (serial < 36_526 || serial > 73_050) return undefined;
  const moment = new Date(Math.round((serial - 25_569) * 86_400) * 1000);
  const date = sure(moment.getUTCFullYear(), moment.getUTCMonth() + 1, moment.getUTCDate());
  return serial % 1 === 0 ? date : { ...date, clock: moment.toISOString().slice(11, 19) };
}

/**
 * Whether any date of a file has a time of day. Midnight everywhere means that no time is known.
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

export interface Period {
  readonly from: string;
  readonly to: string;
}

/**
 * Decides the order of day and month from all dates of a file: the order in which every date
 * exists. If both do, the one within the period of the file's header, or else before the import's
 * day. Refuses: date (no order fits this one), date_order.
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
 * The day in Asia/Jakarta, and the time if the bank states one. The period gives a missing year.
 * Refuses: date, date_year, date_out_of_range.
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

/** Refuses a day before 2000 or more than a week from today: date_out_of_range. */
export function refuseFarDay(day: string, today: string, place: Place): void {
  if (day < '2000-01-01' || day > addDays(today, maxDaysAhead)) {
    throw new StatementRefused('date_out_of_range', place);
  }
}

/** The year for which a day and month lie within a period; undefined for no year or several. */
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

function isoDay(year: number, { day, month }: DayMonth): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

const datesInText =
  /\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)\b|\d{1,2}[-/. ]*[A-Za-z]{3,9}\.?[-/. ,]*\d{4}/g;

/**
 * The period in a header line, such as `Periode : 01/11/2026 - 30/11/2026`; undefined if the line
 * has none. The day comes first, as Indonesian banks write it.
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

/** `Periode : NOVEMBER 2026`. */
function monthOf(text: string): Period | undefined {
  const [, name, year] = /\bperiode?\b.*?\b([a-z]{3,9})[ ,-]+(20\d\d)\b/i.exec(text) ?? [];
  const month = monthByName.get(name?.toLowerCase() ?? '');
  if (month === undefined) return undefined;
  const last = new Date(Date.UTC(Number(year), month, 0)).getUTCDate();
  const day = (number: number) => isoDay(Number(year), { day: number, month });
  return { from: day(1), to: day(last) };
}
