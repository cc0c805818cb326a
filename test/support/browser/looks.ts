import { languages, type Language } from '../../../src/errors/errors.ts';
import { themes, type Theme } from '../../../src/web/visit.ts';
import { sizes, type Size } from './browser.ts';

/** How one page is looked at: by whom, on what. */
export interface Look {
  readonly language: Language;
  readonly size: Size;
  readonly theme: Theme;
}

/** Every way there is. */
export const everyLook: readonly Look[] = languages.flatMap((language) =>
  sizes.flatMap((size) => themes.map((theme) => ({ language, size, theme }))),
);

/** `id-phone-light`: as pictures and tests are called. */
export function nameOf({ language, size, theme }: Look): string {
  return `${language}-${size}-${theme}`;
}

/**
 * The two looks that the page with this number gets where there is no time for all: on a phone,
 * and on something larger in the other language and the other theme. Eight pages in a row are seen
 * in every look there is.
 */
export function coveringLooks(number: number): readonly Look[] {
  const language = languages[number % 2]!;
  const theme = themes[Math.floor(number / 2) % 2]!;
  return [
    { language, size: 'phone', theme },
    {
      language: languages.find((one) => one !== language)!,
      size: Math.floor(number / 4) % 2 === 0 ? 'tablet' : 'laptop',
      theme: themes.find((one) => one !== theme)!,
    },
  ];
}
