import { defaultLanguage, type Language } from '../i18n/language.ts';
import { languages } from '../i18n/messages.ts';

/**
 * Returns the response language from `Accept-Language` (RFC 9110, section 12.5.4): the supported
 * language with the highest weight. Among equal weights the first language wins. Returns Indonesian
 * when no supported language matches.
 */
export function languageOf(acceptLanguage: string | undefined): Language {
  let best: { language: Language; weight: number } | undefined;
  for (const range of (acceptLanguage ?? '').slice(0, 500).split(',')) {
    const [tag = '', ...parameters] = range.toLowerCase().split(';');
    const language = supportedLanguage(tag.trim());
    const weight = weightIn(parameters);
    if (!language || weight <= (best?.weight ?? 0)) continue;
    best = { language, weight };
  }
  return best?.language ?? defaultLanguage;
}

function supportedLanguage(tag: string): Language | undefined {
  if (tag === '*') return defaultLanguage;
  const primary = tag.split('-')[0];
  // Older Android phones send the language code "in" for Indonesian instead of "id".
  return languages().find((language) => language === (primary === 'in' ? 'id' : primary));
}

function weightIn(parameters: readonly string[]): number {
  const text = parameters.map((one) => /^\s*q\s*=\s*([\d.]+)\s*$/.exec(one)?.[1]).find(Boolean);
  const weight = text === undefined ? 1 : Number(text);
  return Number.isFinite(weight) ? weight : 0;
}
