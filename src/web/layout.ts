import { translate, languages } from '../i18n/messages.ts';
import { type Language, defaultLanguage } from '../i18n/language.ts';
import { assets } from './assets.ts';
import { attribute, html, type Html, type Part } from './html.ts';
import { pathIn, type PageContext } from './visit.ts';

/** The content and metadata of a page. */
export interface PageProps {
  readonly title: string;
  /** One sentence about the page, for search engines and link previews. */
  readonly description?: string | undefined;
  /** Further elements for the head of the document: Open Graph tags, the canonical URL. */
  readonly head?: Html | undefined;
  /** The entry of the navigation to which this page belongs. */
  readonly section?: Section | undefined;
  /** The path of the page with its query. Set it only if it differs from `page` in the context. */
  readonly path?: string | undefined;
  readonly main: Html;
  /** True for a wide layout, for tables and dashboards. */
  readonly wide?: boolean | undefined;
}

export type Section = 'home' | 'mine' | 'shop' | 'operator' | 'account';

/** Returns the complete HTML document of a page: head, navigation, content and footer. */
export function layout(visit: PageContext, page: PageProps): Html {
  const { t, language, theme, now } = visit;
  const others = languages().filter((other) => other !== language);
  const path = page.path ?? visit.page;
  const attributes = [
    attribute('lang', language),
    attribute('data-theme', theme),
    attribute('data-now', now.toISOString()),
    attribute('data-page', visit.url(path)),
  ];
  return html`<!doctype html>
    <html${attributes}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <title>${page.title === 'Sambatan' ? page.title : `${page.title} · Sambatan`}</title>
        ${page.description && html`<meta name="description" content="${page.description}" />`}
        <meta name="color-scheme" content="${theme ?? 'light dark'}" />
        <meta name="theme-color" content="#fdf3f7" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#17121a" media="(prefers-color-scheme: dark)" />
        <link rel="icon" href="${assets['icon.svg'].path}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assets['site.css'].path}" />
        <script src="${assets['site.js'].path}" type="module"></script>
        ${alternates(visit, path)}
        <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
        <link rel="manifest" href="/manifest.webmanifest" />
        ${isPrivate(page, path) && html`<meta name="robots" content="noindex" />`}
        ${page.head}
      </head>
      <body>
        <a class="skip" href="#main">${t('site.layout.skipToContent')}</a>
        <header class="top">
          <div class="top-inner">
            <a class="brand" href="${visit.url('/')}">${logo}<span>Sambatan</span></a>
            ${navigation(visit, page.section)}
            ${others.map(
              (other) =>
                html`<a
                  class="language"
                  href="${pathIn(other, path)}"
                  lang="${other}"
                  hreflang="${other}"
                  >${translate(other, 'site.layout.languageName')}</a
                >`,
            )}
          </div>
          ${visit.preferred !== undefined && inOtherLanguage(visit.preferred, path)}
        </header>
        <main
          id="main"
          tabindex="-1"
          ${attribute('class', page.wide && 'wide')}${attribute('data-answer', visit.isAnswer)}
        >
          ${page.main}
        </main>
        ${footer(visit, path)}
      </body>
    </html> `;
}

/** Returns links to this page in every language, for search engines. */
function alternates({ origin }: PageContext, path: string): readonly Html[] {
  const link = (hreflang: string, language: Language) =>
    html`<link rel="alternate" hreflang="${hreflang}" href="${origin}${pathIn(language, path)}" />`;
  return [
    ...languages().map((language) => link(language, language)),
    link('x-default', defaultLanguage),
  ];
}

/** Returns true for personal pages and filtered lists, which search engines should not index. */
function isPrivate({ section }: PageProps, path: string): boolean {
  return section !== 'home' || path.includes('?');
}

/**
 * Returns a link to the page in the language that the browser prefers. Its text is in that
 * language.
 */
function inOtherLanguage(other: Language, path: string): Html {
  return html`<p class="other-language" lang="${other}">
    ${translate(other, 'site.layout.pageInThisLanguage')}
    <a href="${pathIn(other, path)}" hreflang="${other}"
      >${translate(other, 'site.layout.readInThisLanguage')}</a
    >
  </p>`;
}

const logo = html`<svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
  <path d="M16 3c5 6.2 9 10.6 9 16a9 9 0 0 1-18 0c0-5.400 4-9.800 9-16Z"></path>
  <circle cx="12.600" cy="19.500" r="2.300"></circle>
  <circle cx="19.400" cy="19.500" r="2.300"></circle>
  <circle cx="16" cy="14" r="2.300"></circle>
</svg>`;

/** Returns the navigation. It is at the top on wide screens and at the bottom on phones. */
function navigation(visit: PageContext, section: Section | undefined): Html {
  const { t, person, actor } = visit;
  const operator = actor.kind === 'operator' || actor.kind === 'service';
  const entry = (name: Section, path: string, words: string, sign: Html) =>
    html`<li>
      <a href="${visit.url(path)}" ${attribute('aria-current', name === section && 'page')}
        >${sign}<span>${words}</span></a
      >
    </li>`;
  return html`<nav class="main-nav" aria-label="${t('site.layout.mainMenu')}">
    <ul>
      ${entry('home', '/', t('site.layout.explore'), icons.home)}
      ${person && entry('mine', '/ikutan', t('common.myOrders'), icons.mine)}
      ${person && entry('shop', '/toko', t('common.myBrands'), icons.shop)}
      ${operator && entry('operator', '/operator', 'Operator', icons.operator)}
      ${
        person
          ? entry('account', '/akun', t('common.account'), icons.account)
          : entry('account', '/masuk', t('common.signIn'), icons.account)
      }
    </ul>
  </nav>`;
}

function icon(path: string): Html {
  return html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
    <path d="${path}"></path>
  </svg>`;
}

const icons = {
  home: icon('M4 11.500 12 5l8 6.500V20h-5.500v-5h-5v5H4Z'),
  mine: icon('M6 4h12v16l-3-2-3 2-3-2-3 2ZM9 9h6M9 13h6'),
  shop: icon('M5 9h14v11H5ZM4 9l2-5h12l2 5M10 20v-6h4v6'),
  operator: icon('M12 3l7 3v6c0 4.500-3 7.500-7 9-4-1.500-7-4.500-7-9V6ZM9 12l2 2 4-4'),
  account: icon(
    'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20c1-3.600 4-5.500 7.500-5.500s6.500 1.900 7.500 5.500Z',
  ),
} as const satisfies Record<Section, Html>;

function footer(visit: PageContext, path: string): Html {
  const { t, theme, url } = visit;
  const choice = (value: string, words: string) =>
    html`<button
      name="theme"
      value="${value}"
      ${attribute('aria-pressed', value === (theme ?? 'auto') ? 'true' : 'false')}
    >
      ${words}
    </button>`;
  return html`<footer class="foot">
    <p>${t('site.layout.whatSambatanIs')}</p>
    <form class="themes" method="post" action="${url('/tema')}">
      <input type="hidden" name="back" value="${path}" />
      <fieldset>
        <legend>${t('site.layout.appearance')}</legend>
        ${choice('auto', t('site.layout.automatic'))}${choice('light', t('site.layout.light'))}${choice('dark', t('site.layout.dark'))}
      </fieldset>
    </form>
  </footer>`;
}

/** Returns the heading of a page, with an optional sentence below it. */
export function heading(title: string, lead?: Part): Html {
  return html`<div class="heading">
    <h1>${title}</h1>
    ${lead !== undefined && lead !== '' && html`<p>${lead}</p>`}
  </div>`;
}
