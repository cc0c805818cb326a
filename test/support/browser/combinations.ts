import { languages } from '../../../src/i18n/messages.ts';
import type { Language } from '../../../src/i18n/language.ts';
import { themes, type Theme } from '../../../src/web/visit.ts';
import { viewports, type ViewportName } from './browser.ts';

/** A language, a viewport and a theme in which a page is checked. */
export interface Combination {
  readonly language: Language;
  readonly viewport: ViewportName;
  readonly theme: Theme;
}

/** All combinations of language, viewport and theme. */
export const allCombinations: readonly Combination[] = languages().flatMap((language) =>
  viewports.flatMap((viewport) => themes.map((theme) => ({ language, viewport, theme }))),
);

/** The name of a combination in file names and test titles, such as `id-phone-light`. */
export function nameOf({ language, viewport, theme }: Combination): string {
  return `${language}-${viewport}-${theme}`;
}

/**
 * The two combinations in which a short test run checks the page with this number: one on a phone,
 * and one on a larger viewport in the other language and theme. Eight consecutive pages together
 * cover all combinations.
 */
export function combinationsOf(number: number): readonly Combination[] {
  const language = languages()[number % 2]!;
  const theme = themes[Math.floor(number / 2) % 2]!;
  return [
    { language, viewport: 'phone', theme },
    {
      language: languages().find((one) => one !== language)!,
      viewport: Math.floor(number / 4) % 2 === 0 ? 'tablet' : 'laptop',
      theme: themes.find((one) => one !== theme)!,
    },
  ];
}
