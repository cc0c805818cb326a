import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '../errors/errors.ts';
import { languageOf } from '../http/accept-language.ts';
import { mediaType, problemDocument } from '../http/problem.ts';
import { apiHeaders } from '../http/security-headers.ts';
import type { Language } from '../i18n/language.ts';
import { languages } from '../i18n/messages.ts';
import { languageOfPath, themes, type Theme } from '../web/visit.ts';
import { pathOf } from './priority.ts';
import { readRejectedForm } from './rejected-form.ts';
import { WaitingPage, waitingPolicy, type FormFields } from './waiting-page.ts';

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

/** A rejection of one request. */
export interface OverloadRejection {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The value of the header `Retry-After`. */
  readonly retryAfterSeconds: number;
  /** The value of the header `Set-Cookie`, which keeps the visitor's place in the waiting room. */
  readonly placeCookie?: string | undefined;
}

/**
 * Rejects a request during overload, before its body is parsed and before routing. The responses
 * were built in advance. They have status 503 and the header Retry-After. API clients get a problem
 * document, and people get a page that waits and then tries again, with the input of a form that
 * they have sent.
 */
export function sendOverloadResponse(rejection: OverloadRejection): void {
  const { request } = rejection;
  if (request.url?.startsWith('/api/')) {
    sendPrepared(rejection, prepared.api.get(languageOf(request.headers['accept-language']))!);
    return;
  }
  const reading = readRejectedForm(request);
  if (reading === undefined) sendWaitingPage(rejection, undefined);
  else {
    void reading.then((fields) => {
      if (!request.complete) rejection.response.shouldKeepAlive = false;
      sendWaitingPage(rejection, fields);
    });
  }
}

/** A page that loads more often would be hard to read. */
const minPageSeconds = 3;
/** A page asks again a little later than it may, so that not all pages ask in the same moment. */
const jitterSeconds = 3;

function sendWaitingPage(rejection: OverloadRejection, fields: FormFields | undefined): void {
  const { request, retryAfterSeconds, placeCookie } = rejection;
  const { url = '/', method, headers } = request;
  const pages = prepared.site.get(languageOfPath(pathOf(url)))!;
  const page = pages.get(themeOf(headers.cookie))!;
  const jitter = Math.floor(Math.random() * jitterSeconds);
  const seconds = Math.max(minPageSeconds, retryAfterSeconds) + jitter;
  const isPage = method === 'GET' || method === 'HEAD';
  const body = isPage
    ? page.forPage(seconds)
    : fields === undefined
      ? page.forLostForm()
      : page.forForm(fields, seconds);
  const cookie = placeCookie === undefined ? [] : ['set-cookie', placeCookie];
  const length = ['content-length', String(Buffer.byteLength(body))];
  // After a form, the browser would ask without the form.
  const refresh = isPage ? ['refresh', String(seconds)] : [];
  sendPrepared(rejection, { headers: [...pageHeaders, ...length, ...refresh, ...cookie], body });
}

function sendPrepared(
  { request, response, retryAfterSeconds }: OverloadRejection,
  { headers, body }: Prepared,
): void {
  if (isLong(request)) response.shouldKeepAlive = false;
  response.sendDate = false;
  response.writeHead(503, [...headers, 'retry-after', String(retryAfterSeconds)]);
  response.end(body);
}

function themeOf(cookie: string | undefined): Theme | undefined {
  const name = cookie && /(?:^|; *)theme=(light|dark)(?:;|$)/.exec(cookie)?.[1];
  return themes.find((theme) => theme === name);
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
  const body = JSON.stringify(document);
  const own = { vary: 'Accept-Language', 'content-length': String(Buffer.byteLength(body)) };
  return { headers: headersFor(mediaType, own), body };
}

function headersFor(type: string, own: Readonly<Record<string, string>>): readonly string[] {
  const headers = {
    ...apiHeaders,
    'content-type': type,
    'cache-control': 'no-store',
    'x-request-id': noId,
    ...own,
  };
  return Object.entries(headers).flat();
}

const pageHeaders = headersFor('text/html; charset=utf-8', {
  'content-security-policy': waitingPolicy,
});

function inEach<T>(make: (language: Language) => T): ReadonlyMap<Language, T> {
  return new Map(languages().map((language) => [language, make(language)]));
}

const prepared = {
  api: inEach(problemIn),
  site: inEach(
    (language) =>
      new Map(
        [undefined, ...themes].map((theme) => [theme, new WaitingPage(language, theme)] as const),
      ),
  ),
};
