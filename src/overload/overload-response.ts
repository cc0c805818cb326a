import { languageOfPath } from '../web/visit.ts';
import { languages, translate } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '../errors/errors.ts';
import { html, trusted } from '../web/html.ts';
import { languageOf } from '../http/accept-language.ts';
import { mediaType, problemDocument } from '../http/problem.ts';
import { apiHeaders } from '../http/security-headers.ts';

/**
 * Maximum size of a request body that is read and discarded, in bytes. If the body is longer, the
 * connection is closed instead.
 */
const maxDiscardedBytes = 65_536;

/** The possible values of the response header `connection`. */
type Kept = 'keep-alive' | 'close';

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
  /**
   * The bytes of the complete response: one version keeps the connection open, the other closes it.
   */
  readonly bytes: Readonly<Record<Kept, Buffer>>;
}

/**
 * Rejects a request during overload, before its body is parsed and before routing. The responses
 * were built in advance. They have status 503 and the header Retry-After. API clients get a problem
 * document, and browsers get a page.
 */
export function sendOverloadResponse(request: IncomingMessage, response: ServerResponse): void {
  const accepted = () => request.headers['accept-language'];
  const { headers, body } = answerTo(request.url ?? '/', accepted);
  if (isLong(request)) response.shouldKeepAlive = false;
  response.sendDate = false;
  response.writeHead(503, headers as string[]);
  response.end(body);
}

/** Returns the path of a request's URL without the query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

const acceptLanguage = /\r\naccept-language: *([^\r]*)/i;

/** The parts of a request that are needed to reject it before Node has parsed it. */
export interface OverloadResponse {
  /** The path without the query. */
  readonly path: string;
  /** The request line and the headers. Each line ends with CRLF. */
  readonly head: string;
}

/**
 * Returns the bytes of the complete response, in one version that keeps the connection open and one
 * that closes it. They contain no part of the request.
 */
export function overloadResponse({ path, head }: OverloadResponse): Prepared['bytes'] {
  return answerTo(path, () => acceptLanguage.exec(head)?.[1]).bytes;
}

function answerTo(path: string, accepted: () => string | undefined): Prepared {
  return path.startsWith('/api/')
    ? prepared.api.get(languageOf(accepted()))!
    : prepared.site.get(languageOfPath(path))!;
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
    'retry-after': String(overloaded.retryAfterSeconds),
    'cache-control': 'no-store',
    'x-request-id': noId,
    ...own,
  };
  const whole = (connection: Kept): Buffer => {
    const lines = Object.entries({ ...headers, connection }).map((pair) => pair.join(': '));
    return Buffer.from(['HTTP/1.1 503 Service Unavailable', ...lines, '', text].join('\r\n'));
  };
  return {
    headers: Object.entries(headers).flat(),
    body: text,
    bytes: { 'keep-alive': whole('keep-alive'), close: whole('close') },
  };
}

function inEach(make: (language: Language) => Prepared): ReadonlyMap<Language, Prepared> {
  return new Map(languages().map((language) => [language, make(language)]));
}

const prepared = { api: inEach(problemIn), site: inEach(pageIn) };
