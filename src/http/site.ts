import compress from '@fastify/compress';
import { fastifyCookie } from '@fastify/cookie';
import formbody from '@fastify/formbody';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { awaitsFactor } from '../accounts/sign-in.ts';
import type { App } from '../context.ts';
import { DomainError, languages, type Language } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { demandProof } from '../identity/policy.ts';
import { westernIndonesia } from '../web/format.ts';
import { layout, type PageParts } from '../web/layout.ts';
import { pathIn, themes, type Person, type Visit } from '../web/visit.ts';
import { consult } from '../operation/run.ts';
import { parseFields } from '../server/body-parsers.ts';
import { compression } from '../server/content-encoding.ts';
import { errorPage } from '../server/site/error-page.ts';
import { FormPages } from '../server/site/form-pages.ts';
import type { KeptForm, KeptForms } from './kept-form.ts';
import { fieldsWithoutFiles } from './forms.ts';
import { showKept } from '../server/site/kept-form-page.ts';
import { formBytes, limitForms } from './body-limits.ts';
import { languageOf } from './accept-language.ts';
import { knownError } from './problem.ts';
import { originOf, refuseForeignForms } from './csrf.ts';
import { pageError, redirectToCleanAddress } from '../server/site/sentence-links.ts';
import { sessionTokenOf } from './session-cookie.ts';
import { serveAssets } from './site-assets.ts';
import { askForProof, takeProofs } from '../server/site/step-up.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What pages know of whoever looks; set for every route of the site. */
    visit: Visit;
    /** What was typed on this page before its reader had to sign in again. */
    keptForm: KeptForm | undefined;
  }
}

/** What the frame of the site uses of the application. */
export type SiteParts = Pick<App, 'config' | 'authenticate' | 'findSession'> & {
  /** For proving oneself again; a site without sessions needs none. */
  readonly signIn?: App['signIn'];
  /** For forms whose sender had been signed out; without it their words are lost. */
  readonly keptForms?: KeptForms;
};

/** The pages of one part of the site; registered once for each language. */
export type Pages = FastifyPluginAsyncTypebox;

const themeCookie = 'theme';
const yearSeconds = 365 * 86_400;

/**
 * The site beside the API: every page in Indonesian at the root and in English below `/en`, on the
 * same verbs. Everything that is not under `/api` and has no route of its own is its 404.
 */
export function site(app: SiteParts, pages: readonly Pages[]): FastifyPluginAsyncTypebox {
  return async (server) => {
    await server.register(fastifyCookie);
    await server.register(formbody, { parser: parseFields });
    await server.register(compress, compression);
    server.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true };
    });
    serveAssets(server);
    limitForms(server);
    for (const language of languages) {
      const prefix = language === 'id' ? '' : '/en';
      await server.register(partsIn(app, language, pages), { prefix });
    }
  };
}

function partsIn(app: SiteParts, language: Language, pages: readonly Pages[]): Pages {
  return async (scope) => {
    const forms = new FormPages();
    forms.note(scope);
    scope.setErrorHandler(errorAnswerer(app));
    scope.addHook('onRequest', async (request, reply) => {
      protect(reply);
      const page = forms.pageOf(request);
      // Errors have a page too, also when nobody can tell who looks.
      request.visit = visitorIn(app, request, language, page);
      request.visit = await visitOf(app, request, language, page);
      if (app.keptForms) recallForm(app.keptForms, request, reply);
    });
    refuseForeignForms(scope, app.config.http.publicUrl);
    rememberTheme(scope);
    if (app.signIn) takeProofs(scope, app.signIn, sendPage);
    scope.addHook('preHandler', async (request, reply) => {
      if (reply.routeOptions.config.isSensitive === true) demandProof(request.visit.actor);
    });
    for (const part of pages) await scope.register(part);
    forms.leadBack(scope);
  };
}

/** Finds what was typed on the page that is asked for; a form that is sent needs it no longer. */
function recallForm(keptForms: KeptForms, request: FastifyRequest, reply: FastifyReply): void {
  const { person, page } = request.visit;
  if (person === undefined) return;
  const kept = keptForms.of(request);
  const isHere = kept?.page === page.replace(/\?.*/s, '');
  if (request.method === 'GET') {
    keptForms.markOwner(request, reply);
    if (isHere) request.keptForm = kept;
  } else if (isHere) keptForms.forget(request, reply);
}

/** Our own files only, and no page of ours in another's frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What pages have otherwise than JSON, or besides (OWASP, HTTP headers). */
function protect(reply: FastifyReply): void {
  reply.headers({
    'content-security-policy': policy,
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    // With less than this browsers say "Origin: null" of our own forms.
    'referrer-policy': 'strict-origin-when-cross-origin',
  });
}

/** Sends a page; its status is 200 unless told. */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageParts,
  status = 200,
): FastifyReply {
  return sendHtml(reply.code(status), documentOf(request, page, status));
}

/** The whole document of a page, with what its reader had typed there before signing in again. */
function documentOf(request: FastifyRequest, page: PageParts, status: number): string {
  const document = layout(request.visit, page).toString();
  const { keptForm, visit } = request;
  return keptForm === undefined || status !== 200 ? document : showKept(visit, document, keptForm);
}

/** After a form was taken: the next page is got with GET, so that reloading sends nothing twice. */
export function seeOther(request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
  return reply.redirect(request.visit.url(path), 303);
}

function sendHtml(reply: FastifyReply, document: string): FastifyReply {
  return asPage(reply).send(document);
}

/** The answer is a page: of one reader, and looked for again whenever it is opened. */
export function asPage(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'private, no-cache').type('text/html; charset=utf-8');
}

/** Sends a page with something that is shown this once: no browser keeps it, also not on its disk. */
export function sendSecretPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageParts,
  status = 200,
): FastifyReply {
  const document = documentOf(request, page, status);
  return asPage(reply.code(status)).header('cache-control', 'no-store').send(document);
}

async function visitOf(
  app: SiteParts,
  request: FastifyRequest,
  language: Language,
  page?: string,
): Promise<Visit> {
  const { authorization, cookie } = request.headers;
  const visit = visitorIn(app, request, language, page);
  const session = authorization === undefined ? sessionTokenOf(cookie, visit.origin) : undefined;
  if (session !== undefined) {
    const owner = await consult(() => app.findSession(session, request.ip));
    if (owner === undefined) {
      // Whoever still has to show a second factor had no session that could have ended.
      const db = app.signIn?.db;
      const isHalf = db !== undefined && (await consult(() => awaitsFactor(db, session)));
      return { ...visit, sessionEnded: !isHalf };
    }
    const { sessionId, actor, displayName, email, timeZone } = owner;
    const person = { userId: actor.userId, displayName, email, timeZone };
    return { ...visit, actor, person, sessionId };
  }
  const actor = await app.authenticate(authorization, request.ip);
  return { ...visit, actor, person: personOf(actor) };
}

function visitorIn(
  app: SiteParts,
  request: FastifyRequest,
  language: Language,
  page?: string,
): Visit {
  const theme = themes.find(
    (one) => one === fastifyCookie.parse(request.headers.cookie ?? '')[themeCookie],
  );
  const path = ownPath(withoutPrefix(request.url, language));
  return {
    actor: { kind: 'visitor', address: request.ip },
    person: undefined,
    sessionId: undefined,
    sessionEnded: false,
    language,
    path,
    page: page ?? path,
    isAnswer: request.method === 'POST',
    preferred: otherPreferred(request, language),
    origin: originOf(request, app.config.http.publicUrl),
    theme,
    now: new Date(),
    t: (id, en) => (language === 'id' ? id : en),
    url: (to) => pathIn(language, to),
  };
}

/** The language that a browser asks for by name, unless the page is in it. */
function otherPreferred({ headers }: FastifyRequest, language: Language): Language | undefined {
  const asked = headers['accept-language'];
  if (asked === undefined || !/^[a-z]{2}/i.test(asked)) return undefined;
  const preferred = languageOf(asked);
  return preferred === language ? undefined : preferred;
}

/** A caller with a token is a person without a profile here. */
function personOf(actor: Actor): Person | undefined {
  if (actor.kind !== 'user' && actor.kind !== 'operator') return undefined;
  const { userId } = actor;
  return { userId, displayName: '', email: null, timeZone: westernIndonesia };
}

/** Pages link to the path that was asked for: `//other.example` would be another site's. */
function ownPath(path: string): string {
  return /^\/(?![/\\])/.test(path) ? path : '/';
}

function withoutPrefix(url: string, language: Language): string {
  if (language === 'id') return url;
  const path = url.slice('/en'.length);
  return path.startsWith('/') ? path : `/${path}`;
}

/** Somebody who has to prove themselves first is asked to; any other error has a page of words. */
function errorAnswerer(app: SiteParts) {
  const { signIn } = app;
  return async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    let error = thrown;
    if (thrown instanceof DomainError && thrown.code === 'reauthentication_required' && signIn) {
      try {
        if (await askForProof(signIn, request, reply, sendPage)) return;
      } catch (failure) {
        error = failure;
      }
    }
    const isSignedOut = request.visit.person === undefined && request.method === 'POST';
    if (isSignedOut && knownError(error, request).code === 'unauthenticated') {
      await keepForm(app, request, reply);
    }
    answerWithErrorPage(error, request, reply);
  };
}

/** Keeps what was typed into a form whose sender is signed out, for when they come back. */
async function keepForm(
  { keptForms }: SiteParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (keptForms === undefined) return;
  const { page, path } = request.visit;
  const fields = await fieldsWithoutFiles(request);
  keptForms.keep(request, reply, { page, action: path.replace(/\?.*/s, ''), fields });
}

/** A visitor who has to sign in is sent there and comes back; anybody else gets a page of words. */
function answerWithErrorPage(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = pageError(thrown, request);
  if (redirectToCleanAddress(error, request, reply)) return;
  if (error.code === 'unauthenticated' && request.visit.person === undefined) {
    void seeOther(request, reply, signInPath(request));
    return;
  }
  if (error.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(error.retryAfterSeconds));
  }
  sendError(request, reply, error);
}

/** The way to signing in and back to the page, with the reason where it is not plain. */
function signInPath({ method, visit }: FastifyRequest): string {
  const query = `/masuk?back=${encodeURIComponent(visit.page)}`;
  if (visit.sessionEnded) return `${query}&alasan=sesi`;
  return method === 'POST' ? `${query}&alasan=formulir` : query;
}

function sendError(request: FastifyRequest, reply: FastifyReply, error: DomainError): FastifyReply {
  const failed = { requestId: request.id, again: againPath(request) };
  return sendPage(request, reply, errorPage(request.visit, error, failed), error.status);
}

/** A page is asked for again; a form is sent from its own page, as the browser saw it or as it is. */
function againPath({ method, url, headers, visit }: FastifyRequest): string {
  if (method === 'GET') return url;
  const from = headers.referer ?? '';
  const path = from.startsWith(`${visit.origin}/`) ? from.slice(visit.origin.length) : '';
  return path !== '' && pathWithin(path) === path ? path : visit.url(visit.page);
}

/** Answers a path that is no page (404, or 405 with another method), in the path's language. */
export async function answerMissingPage(
  app: SiteParts,
  request: FastifyRequest,
  reply: FastifyReply,
  error: DomainError,
): Promise<FastifyReply> {
  const english = /^\/en(\/|\?|$)/.test(request.url);
  if (redirectToCleanAddress(error, request, reply)) return reply;
  protect(reply);
  const language = english ? 'en' : 'id';
  request.visit = await visitOf(app, request, language).catch(() =>
    visitorIn(app, request, language),
  );
  return sendError(request, reply, error);
}

/** Light, dark or as the device prefers: kept on the device, for visitors too. */
function rememberTheme(server: FastifyInstance): void {
  server.post('/tema', { bodyLimit: formBytes.public }, async (request, reply) => {
    const { theme, back } = (request.body ?? {}) as { theme?: unknown; back?: unknown };
    const chosen = themes.find((one) => one === theme);
    if (chosen === undefined) reply.clearCookie(themeCookie, { path: '/' });
    else {
      reply.setCookie(themeCookie, chosen, { path: '/', maxAge: yearSeconds, sameSite: 'lax' });
    }
    return seeOther(request, reply, pathWithin(back));
  });
}

/** A path of this site to go back to; anything else is the home page. */
export function pathWithin(given: unknown): string {
  const isPath = typeof given === 'string' && /^\/(?![/\\])[^\s\\]{0,500}$/.test(given);
  return isPath ? given : '/';
}
