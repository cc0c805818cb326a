import type { Language } from '../../errors/errors.ts';
import { isTimeZone, westernIndonesia } from '../../web/format.ts';

/** Formats values for one person, in their language and time zone. */
export interface MessageFormatter {
  readonly language: Language;
  /** Whole rupiah. */
  rupiah(amount: number | undefined): string;
  /** A time with the name of its zone. */
  time(moment: string | undefined): string;
  slots(count: number | undefined): string;
}

const locales = { id: 'id-ID', en: 'en-GB' } as const satisfies Record<Language, string>;

/**
 * Cache: creating a formatter costs more than rendering an e-mail. Its key includes the zone as
 * written.
 */
const cache = new Map<string, MessageFormatter>();
const maxCached = 1_000;

/** Returns the formatter for a language and time zone; an unknown zone counts as Asia/Jakarta. */
export function messageFormatter(language: Language, timeZone: string): MessageFormatter {
  const key = `${language} ${timeZone}`;
  let formatter = cache.get(key);
  if (formatter === undefined) {
    formatter = newSpeaker(language, timeZone);
    if (cache.size >= maxCached) cache.clear();
    cache.set(key, formatter);
  }
  return formatter;
}

function newSpeaker(language: Language, timeZone: string): MessageFormatter {
  const locale = locales[language];
  const money = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'IDR',
    maximumFractionDigits: 0,
  });
  const moments = new Intl.DateTimeFormat(locale, {
    timeZone: isTimeZone(timeZone) ? timeZone : westernIndonesia,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  });
  const unit = (count: number) => (language === 'en' && count !== 1 ? 'slots' : 'slot');
  return {
    language,
    // Some languages put a no-break space after the sign; plain text omits it.
    rupiah: (amount = 0) => money.format(amount).replaceAll(/\s/g, ''),
    time: (moment) => (moment === undefined ? '' : moments.format(new Date(moment))),
    slots: (count = 0) => `${count} ${unit(count)}`,
  };
}
