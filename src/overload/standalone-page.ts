import { createHash } from 'node:crypto';
import type { Language } from '../i18n/language.ts';
import { attribute, html, trusted, type Html } from '../web/html.ts';
import type { Theme } from '../web/visit.ts';

/** A page that loads no other file, because a request for the file would fail too. */
export interface StandalonePage {
  readonly language: Language;
  /** The theme that the visitor has chosen; undefined if the device decides. */
  readonly theme?: Theme | undefined;
  readonly title: string;
  readonly content: Html;
  /** The script of the page. It must be constant, because its hash is in the policy. */
  readonly script?: string | undefined;
}

const dark =
  'color-scheme:dark;--ground:#17121a;--glow:#45203a;--panel:#241b27;--line:#f7edf324;' +
  '--ink:#f7edf3;--quiet:#c3b1bd;--accent:#ff9cc6;--on-accent:#3a0820';
const style = [
  ':root{color-scheme:light;--ground:#fdf6f9;--glow:#ffd9e8;--panel:#fffdfe;--line:#5e284624;' +
    '--ink:#2a1822;--quiet:#6a5562;--accent:#a3195b;--on-accent:#fff}',
  `@media(prefers-color-scheme:dark){:root:not([data-theme=light]){${dark}}}`,
  `:root[data-theme=dark]{${dark}}`,
  '*{box-sizing:border-box}',
  'body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.25rem;' +
    "font:1rem/1.6 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;" +
    'color:var(--ink);background:radial-gradient(60rem 30rem at 20% -10%,var(--glow),transparent)' +
    ' no-repeat var(--ground)}',
  'main{width:100%;max-width:32rem;padding:1.75rem 1.5rem;border:1px solid var(--line);' +
    'border-radius:1.1rem;background:var(--panel)}',
  'h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;text-wrap:balance}',
  'p{margin:.75rem 0 0}.brand{margin:0 0 1.5rem;font-weight:700;color:var(--accent)}',
  '.quiet{color:var(--quiet)}.wait{font-variant-numeric:tabular-nums}',
  'a,button{display:inline-block;margin-top:1.25rem;min-height:2.75rem;padding:.6rem 1.4rem;' +
    'border:0;border-radius:99px;font:inherit;font-weight:600;text-decoration:none;cursor:pointer;' +
    'color:var(--on-accent);background:var(--accent)}',
  'a:focus-visible,button:focus-visible{outline:3px solid var(--ink);outline-offset:3px}',
  '[hidden]{display:none}',
].join('');

/** Returns the page as HTML. */
export function renderStandalonePage(page: StandalonePage): string {
  const { language, theme, title, content, script } = page;
  const root = trusted(
    html`<html lang="${language}"`.toString() + `${attribute('data-theme', theme)}>`,
  );
  return html`<!doctype html>
    ${root}
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} · Sambatan</title>
        ${trusted(`<style>${style}</style>`)}
      </head>
      <body>
        <main>
          <p class="brand">Sambatan</p>
          <h1>${title}</h1>
          ${content}
        </main>
        ${script === undefined ? '' : trusted(`<script>${script}</script>`)}
      </body>
    </html>`.toString();
}

/** Returns the content security policy of a page with this script. */
export function standalonePolicy(script?: string): string {
  const scripts = script === undefined ? '' : `script-src ${hashOf(script)}; `;
  return (
    `default-src 'none'; style-src ${hashOf(style)}; ${scripts}` +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
  );
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
