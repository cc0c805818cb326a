import { languageOfPath } from '../web/visit.ts';
import { languages, translate } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '../errors/errors.ts';
import { pathOf } from './priority.ts';
import { html, trusted } from '../web/html.ts';
import { languageOf } from '../http/accept-language.ts';
import { mediaType, problemDocument } from '../http/problem.ts';
import { apiHeaders } from '../http/security-headers.ts';

/**
 * Maximum size of a request body that is read and discarded, in bytes. If the body is longer, the
 * connection is closed instead.
 */
const maxDiscardedBytes = 65_536;

interface Prepared {
  /**
   * An array in which a header name and its value alternate. Node does not check each header that
   * is passed in this form, which saves time.
   */
  readonly headers: readonly string[];
  /**
   * The body of the response. It is a string, because Node sends a string together with the headers
   * in one write.
   */
  readonly body: string;
}

/**
 * Rejects a request during overload, before its body is parsed and before routing. The responses
 * were built in advance. They have status 503 and the header Retry-After. API clients get a problem
 * document, and browsers get a page.
 */
export function sendOverloadResponse(
  request: IncomingMessage,
  response: ServerResponse,
  retryAfterSeconds: number,
): void {
  const { headers, body } = answerTo(request);
  if (isLong(request)) response.shouldKeepAlive = false;
  response.sendDate = false;
  response.writeHead(503, [...headers, 'retry-after', String(retryAfterSeconds)]);
  response.end(body);
}

function answerTo({ url = '/', headers }: IncomingMessage): Prepared {
  return url.startsWith('/api/')
    ? prepared.api.get(languageOf(headers['accept-language']))!
    : prepared.site.get(languageOfPath(pathOf(url)))!;
}

function isLong({ headers }: IncomingMessage): boolean {
  return (
    headers['transfer-encoding'] !== undefined ||
    Number(headers['content-length'] ?? 0) > maxDiscardedBytes
  );
}

/** The value of the header x-request-id. A rejected request has neither an id nor a log line. */
const noId = 'none';
const overloaded = new DomainError('overloaded', {});

function problemIn(language: Language): Prepared {
  const document = problemDocument(overloaded, language, noId);
  return answer(mediaType, JSON.stringify(document), apiHeaders, { vary: 'Accept-Language' });
}

const style =
  'body{font:1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}' +
  ':root{color-scheme:light dark}';
const digest = createHash('sha256').update(style).digest('base64');

function pageIn(language: Language): Prepared {
  const { title, detail } = overloaded.text(language);
  const again = translate(language, 'site.overloaded.tryAgain');
  // The page loads no other file, because a request for the file would be rejected too.
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
  return answer('text/html; charset=utf-8', page.toString(), apiHeaders, {
    'content-security-policy': `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; frame-ancestors 'none'`,
  });
}

function answer(
  type: string,
  text: string,
  security: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Prepared {
  const headers = {
    ...security,
    'content-type': type,
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
    'x-request-id': noId,
    ...own,
  };
  return { headers: Object.entries(headers).flat(), body: text };
}

function inEach(make: (language: Language) => Prepared): ReadonlyMap<Language, Prepared> {
  return new Map(languages().map((language) => [language, make(language)]));
}

const prepared = { api: inEach(problemIn), site: inEach(pageIn) };
