export interface DayMonth {
  readonly day: number;
  readonly month: number;
}

/** A cell with a date before the order of day and month is known. */
export interface DateFigure {
  readonly dmy?: DayMonth;
  readonly mdy?: DayMonth;
  /** Missing if the bank writes only day and month. */
  readonly year?: number;
  /** The time as `HH:MM:SS`, and the UTC offset in minutes if the bank states a time zone. */
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

export const monthByName = new Map(
  monthNames.flatMap((names, index) => names.map((name) => [name, index + 1] as const)),
);

const weekday =
  /^(?:senin|selasa|rabu|kamis|jum'?at|sabtu|minggu|sen|sel|rab|kam|jum|sab|min|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)\s*,?\s+(?=\d)/i;

const zones: Record<string, number> = { Z: 0, UTC: 0, GMT: 0, WIB: 420, WITA: 480, WIT: 540 };

const clockShape =
  /^(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,]\d{1,9})?)?\s*([AP]M)?\s*(Z|UTC|GMT|WIB|WITA|WIT|[+-]\d\d:?\d\d)?$/i;

/**
 * Parses a time of day, such as `09:39:37 WIB`, `9.39` or `2:05 PM`. Returns undefined for anything
 * else.
 */
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

/** Returns the possible meanings of a cell as a date; undefined if the cell is not a date. */
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
 * Patterns of dates, with the meaning of their parts. The first pattern that matches is used; only
 * a time may follow the date.
 */
const dateShapes: readonly (readonly [RegExp, (parts: Parts) => DateFigure | undefined])[] = [
  [
    new RegExp(String.raw`^(\d{4}) ?([-/. ]) ?(\d{1,2}) ?\2 ?(\d{1,2})${edge}`),
    ([, year, , month, day]) => unambiguousDate(Number(year), Number(month), Number(day)),
  ],
  [
    new RegExp(String.raw`^(\d{1,2}) ?([-/. ]) ?(\d{1,2}) ?\2 ?(\d{4}|\d\d)${edge}`),
    ([, one, , two, year]) => ambiguousDate(Number(one), Number(two), fullYear(year!)),
  ],
  [
    new RegExp(String.raw`^(20\d\d)(\d\d)(\d\d)${edge}`),
    ([, year, month, day]) => unambiguousDate(Number(year), Number(month), Number(day)),
  ],
  [
    new RegExp(String.raw`^(\d\d)(\d\d)(20\d\d)${edge}`),
    ([, one, two, year]) => ambiguousDate(Number(one), Number(two), Number(year)),
  ],
  [
    new RegExp(String.raw`^(\d{1,2})[-/. ]*([A-Za-z]{3,9})\.?[-/., ']*(\d{4}|\d\d(?!:))${edge}`),
    ([, day, name, year]) => dateWithMonthName(day!, name!, fullYear(year!)),
  ],
  [
    new RegExp(String.raw`^([A-Za-z]{3,9})\.? ?(\d{1,2}),? (\d{4})${edge}`),
    ([, name, day, year]) => dateWithMonthName(day!, name!, Number(year)),
  ],
  [
    new RegExp(String.raw`^(\d{1,2})[-/. ]*([A-Za-z]{3,9})\.?${edge}`),
    ([, day, name]) => dateWithMonthName(day!, name!),
  ],
  [
    new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})${edge}`),
    ([, one, , two]) => ambiguousDate(Number(one), Number(two)),
  ],
  [/^(\d{5}(?:\.\d+)?)$/, ([, serial]) => serialDate(Number(serial))],
];

function fullYear(text: string): number {
  return text.length === 2 ? 2000 + Number(text) : Number(text);
}

export function exists({ day, month }: DayMonth, year = 2024): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return day > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function unambiguousDate(year: number, month: number, day: number): DateFigure | undefined {
  return exists({ day, month }, year)
    ? { dmy: { day, month }, mdy: { day, month }, year }
    : undefined;
}

function dateWithMonthName(day: string, name: string, year?: number): DateFigure | undefined {
  const month = monthByName.get(name.toLowerCase());
  if (month === undefined || !exists({ day: Number(day), month }, year)) return undefined;
  const one = { day: Number(day), month };
  return { dmy: one, mdy: one, ...(year === undefined ? {} : { year }) };
}

function ambiguousDate(one: number, two: number, year?: number): DateFigure | undefined {
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

/**
 * Parses a date of a spreadsheet: the number of days since 30 December 1899, with the time of day
 * as a fraction.
 */
function serialDate(serial: number): DateFigure | undefined {
  if (serial < 36_526 || serial > 73_050) return undefined;
  const moment = new Date(Math.round((serial - 25_569) * 86_400) * 1000);
  const date = unambiguousDate(
    moment.getUTCFullYear(),
    moment.getUTCMonth() + 1,
    moment.getUTCDate(),
  );
  return serial % 1 === 0 ? date : { ...date, clock: moment.toISOString().slice(11, 19) };
}

export function isoDay(year: number, { day, month }: DayMonth): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
