import { languages } from '../../../src/i18n/messages.ts';
import type { Language } from '../../../src/i18n/language.ts';
import { themes, type Theme } from '../../../src/web/visit.ts';
import { sizes, type Size } from './browser.ts';

/** A combination of language, viewport and theme for a page. */
export interface Look {
  readonly language: Language;
  readonly size: Size;
  readonly theme: Theme;
}

/** All combinations. */
export const everyLook: readonly Look[] = languages().flatMap((language) =>
  sizes.flatMap((size) => themes.map((theme) => ({ language, size, theme }))),
);

/** `id-phone-light`: the name in file names and test titles. */
export function nameOf({ language, size, theme }: Look): string {
  return `${language}-${size}-${theme}`;
}

/**
 * The two combinations of the page with this number in a short run: on a phone, and on a larger
 * viewport in the other language and theme. Eight consecutive pages cover all combinations.
 */
export function coveringLooks(number: number): readonly Look[] {
  const language = languages()[number % 2]!;
  const theme = themes[Math.floor(number / 2) % 2]!;
  return [
    { language, size: 'phone', theme },
    {
      language: languages().find((one) => one !== language)!,
      size: Math.floor(number / 4) % 2 === 0 ? 'tablet' : 'laptop',
      theme: themes.find((one) => one !== theme)!,
    },
  ];
}
