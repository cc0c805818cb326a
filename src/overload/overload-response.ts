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

/** Maximum request body that is read and discarded; for longer ones the connection is closed. */
const maxDiscardedBytes = 65_536;

/** The value of the header `connection` of the response. */
type Kept = 'keep-alive' | 'close';

interface Prepared {
  /**
   * Header names and values, alternating: the form that Node writes without checking each of them.
   */
  readonly headers: readonly string[];
  /** Text, because Node sends it in one write with the headers. */
  readonly body: string;
  /** The complete response, for a kept and for a closed connection. */
  readonly bytes: Readonly<Record<Kept, Buffer>>;
}

/**
 * Sheds a request before any parsing or routing: 503 with Retry-After, as a problem document for
 * programs and as a page for browsers, from prebuilt bytes.
 */
export function sendOverloadResponse(request: IncomingMessage, response: ServerResponse): void {
  const accepted = () => request.headers['accept-language'];
  const { headers, body } = answerTo(request.url ?? '/', accepted);
  if (isLong(request)) response.shouldKeepAlive = false;
  response.sendDate = false;
  response.writeHead(503, headers as string[]);
  response.end(body);
}

/** Returns the path of a request target without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

const acceptLanguage = /\r\naccept-language: *([^\r]*)/i;

/** The parts of a request that was shed before Node parsed it. */
export interface OverloadResponse {
  /** Path without query. */
  readonly path: string;
  /** Start line and headers, each ended by CRLF. */
  readonly head: string;
}

/**
 * Returns the complete response bytes, for a kept and for a closed connection; they contain
 * nothing of the request.
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

/** A shed request has no id and no log line. */
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
  // The page loads no other file: that request would be shed as well.
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
