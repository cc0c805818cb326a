import { defaultLanguage, type Language } from './language.ts';
import { localesOf, translate, type Value } from './messages.ts';

/** The time zone in which deadlines are set: Western Indonesian time (WIB). */
export const westernIndonesia = 'Asia/Jakarta';

/**
 * Formats an amount in whole rupiah, such as `Rp195.000` in Indonesian or `Rp195,000` in English.
 */
export function formatRupiah(amount: bigint | number, language: Language): string {
  const digits = formatCount(amount < 0 ? -amount : amount, language);
  return `${amount < 0 ? '−' : ''}Rp${digits}`;
}

/**
 * Returns an amount of money for a message. The amount is formatted when the language of the
 * message is known.
 */
export function rupiah(amount: bigint | number): Value {
  return (language) => formatRupiah(amount, language);
}

/** Formats a number with the separators of the language. */
export function formatCount(value: bigint | number, language: Language): string {
  return formatter(`n ${language}`, () => new Intl.NumberFormat(localesOf(language))).format(value);
}

/** Formats the size of a file, such as `84 KB` or `1.2 MB`. */
export function fileSize(bytes: number, language: Language): string {
  const kilobytes = Math.max(1, Math.round(bytes / 1_024));
  if (kilobytes < 1_024) return `${formatCount(kilobytes, language)} KB`;
  const megabytes = Math.round((kilobytes / 1_024) * 10) / 10;
  return `${formatCount(megabytes, language)} MB`;
}

/** Formats a number of slots, such as `1 slot` or `12 slots`. Indonesian has no plural form. */
export function formatSlots(value: bigint | number, language: Language): string {
  return translate(language, 'common.slots', { count: value });
}

/** Formats a number of participants, such as `1 peserta`, `1 participant` or `12 participants`. */
export function formatParticipants(value: number, language: Language): string {
  return translate(language, 'common.participantCount', { count: value });
}

/**
 * Formats a share in whole percent. Shows 100% only if `part` equals `whole`, and 0% only if `part`
 * is 0.
 */
export function formatPercent(part: number, whole: number, language: Language): string {
  const exact = whole === 0 ? 0 : (part / whole) * 100;
  const shown =
    part === whole ? 100 : part === 0 ? 0 : Math.min(99, Math.max(1, Math.floor(exact)));
  return `${formatCount(shown, language)}%`;
}

/**
 * Formats a date and time in the given time zone, such as `Sabtu, 5 Desember 2026 pukul 19.00 WIB`.
 */
export function formatMoment(at: Date, language: Language, timeZone = westernIndonesia): string {
  const format = dates(`long ${language} ${timeZone}`, language, {
    // The predefined Indonesian long format is not used: it would show “05 Desember” instead of “5
    // Desember”.
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
  });
  return `${format.format(at)} ${zoneName(at, language, timeZone)}`;
}

/** Formats a date and time for tables, such as `28 Nov 2026, 19.00`. */
export function formatShortMoment(
  at: Date,
  language: Language,
  timeZone = westernIndonesia,
): string {
  return dates(`short ${language} ${timeZone}`, language, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone,
  }).format(at);
}

/** Formats a day without a time: `2026-11-25` becomes `25 November 2026`. */
export function formatDay(day: string, language: Language): string {
  const format = dates(`day ${language}`, language, { dateStyle: 'long', timeZone: 'UTC' });
  return format.format(new Date(`${day}T00:00:00Z`));
}

/**
 * Formats a time as the value of a `datetime-local` field: `2026-11-28T19:00`, in Western
 * Indonesian time.
 */
export function formatFieldMoment(at: Date): string {
  return new Date(at.getTime() + 7 * 3_600_000).toISOString().slice(0, 16);
}

/**
 * Formats the difference between a time and now in its largest unit, such as `3 hari lagi` or `2
 * days ago`.
 */
export function formatDistance(at: Date, now: Date, language: Language): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1_000);
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1)!;
  const relative = formatter(
    `ago ${language}`,
    () => new Intl.RelativeTimeFormat(localesOf(language), { numeric: 'always' }),
  );
  return relative.format(Math.trunc(seconds / length), unit);
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const satisfies readonly (readonly [Intl.RelativeTimeFormatUnit, number])[];

/** Returns true if this is the name of a time zone in the IANA database, such as `Asia/Jakarta`. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z_]+(\/[A-Za-z_+-]+[0-9]*){0,2}$/.test(name) || name.length > 64) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns a short name of a time zone, such as `WIB` or `CET`. If the language has no name for the
 * zone, returns the Indonesian name, or else the offset from UTC.
 */
function zoneName(at: Date, language: Language, timeZone: string): string {
  const names = [language, defaultLanguage].map(
    (one) =>
      dates(`zone ${one} ${timeZone}`, one, { timeZone, timeZoneName: 'short' })
        .formatToParts(at)
        .find(({ type }) => type === 'timeZoneName')?.value,
  );
  return names.find((name) => name && !/[+−-]\d/.test(name)) ?? names[0] ?? timeZone;
}

function dates(key: string, language: Language, options: Intl.DateTimeFormatOptions) {
  return formatter(key, () => new Intl.DateTimeFormat(localesOf(language), options));
}

type Formatter = Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat;

/**
 * The formatters that were created so far, by their options. Creating a formatter takes a hundred
 * times longer than using it.
 */
const formatters = new Map<string, Formatter>();

function formatter<F extends Formatter>(key: string, make: () => F) {
  let known = formatters.get(key) as F | undefined;
  if (known === undefined) {
    known = make();
    // Users can choose any time zone in their profile, so the number of stored formatters is
    // limited.
    if (formatters.size < 2_000) formatters.set(key, known);
  }
  return known;
}
