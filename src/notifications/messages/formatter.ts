import type { Language } from '../../errors/errors.ts';

/** How values are said to one person: in their language and their time zone. */
export interface MessageFormatter {
  readonly language: Language;
  /** Whole rupiah. */
  rupiah(amount: number | undefined): string;
  /** A moment, with the name of its zone. */
  time(moment: string | undefined): string;
  slots(count: number | undefined): string;
}

const locales = { id: 'id-ID', en: 'en-GB' } as const satisfies Record<Language, string>;
const fallbackZone = 'Asia/Jakarta';

/** Making one costs more than writing a mail with it. Zones are as many as people write them. */
const known = new Map<string, MessageFormatter>();
const mostKnown = 1_000;

/** Speaks to a person; a time zone that nobody knows is taken for Jakarta's. */
export function messageFormatter(language: Language, timeZone: string): MessageFormatter {
  const key = `${language} ${timeZone}`;
  let speaker = known.get(key);
  if (speaker === undefined) {
    speaker = newSpeaker(language, timeZone);
    if (known.size >= mostKnown) known.clear();
    known.set(key, speaker);
  }
  return speaker;
}

function newSpeaker(language: Language, timeZone: string): MessageFormatter {
  const locale = locales[language];
  const money = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'IDR',
    maximumFractionDigits: 0,
  });
  const moments = new Intl.DateTimeFormat(locale, {
    timeZone: isTimeZone(timeZone) ? timeZone : fallbackZone,
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
    // Some languages put a no-break space after the sign; plain text reads better without.
    rupiah: (amount = 0) => money.format(amount).replaceAll(/\s/g, ''),
    time: (moment) => (moment === undefined ? '' : moments.format(new Date(moment))),
    slots: (count = 0) => `${count} ${unit(count)}`,
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
