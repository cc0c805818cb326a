import { createHash } from 'node:crypto';
import { translate } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import { html, trusted } from '../web/html.ts';

/**
 * A page that loads no other file, because a request for the file would fail too: the service is
 * overloaded or not reachable.
 */
export interface StandalonePage {
  readonly html: string;
  /** The content security policy that the response with this page must have. */
  readonly contentSecurityPolicy: string;
}

const style =
  'body{font:1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}' +
  ':root{color-scheme:light dark}';
const styleDigest = createHash('sha256').update(style).digest('base64');
const contentSecurityPolicy =
  `default-src 'none'; style-src 'sha256-${styleDigest}'; ` +
  "base-uri 'none'; frame-ancestors 'none'";

/** Returns a page with a title, a text, and a link that requests the same address again. */
export function standalonePage(
  language: Language,
  { title, detail }: { readonly title: string; readonly detail: string },
): StandalonePage {
  const again = translate(language, 'site.overloaded.tryAgain');
  const page = html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Sambatan</title>
        ${trusted(`<style>${style}</style>`)}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p>${detail}</p>
          <p><a href="">${again}</a></p>
        </main>
      </body>
    </html>`;
  return { html: page.toString(), contentSecurityPolicy };
}
