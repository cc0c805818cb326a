import { languages } from '../../i18n/messages.ts';
import { defaultLanguage, type Language } from '../../i18n/language.ts';
import compress from '@fastify/compress';
import { fastifyCookie } from '@fastify/cookie';
import formbody from '@fastify/formbody';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../errors/errors.ts';
import { formBytes, limitForms } from '../../http/body-limits.ts';
import { csrfGuard } from '../../http/csrf.ts';
import { fieldsWithoutFiles } from '../../http/forms.ts';
import type { KeptForms } from '../../http/kept-form.ts';
import { knownError } from '../../http/problem.ts';
import { localPath, redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { serveAssets } from '../../http/site-assets.ts';
import { requireRecentAuth } from '../../identity/policy.ts';
import { themes, languageOfPath } from '../../web/visit.ts';
import { parseFields } from '../../http/body-parsers.ts';
import { compression } from '../../http/content-encoding.ts';
import { errorPage } from './error-page.ts';
import { FormPages } from './form-pages.ts';
import { pageError, redirectToCleanAddress } from './sentence-links.ts';
import { askForReauthentication, registerReauthentication } from './step-up.ts';
import { themeCookie, identifyViewer, anonymousContext, type ViewerDeps } from './viewer.ts';

/** The dependencies of the site. */
export interface SiteDeps extends ViewerDeps {
  /** Saves form input when the sender of a form is signed out. */
  readonly keptForms: KeptForms;
}

const yearSeconds = 365 * 86_400;

/**
 * Registers all pages of the site in every language. Indonesian pages have no path prefix; other
 * languages have one, such as `/en`. The pages call the same operations as the API. The site also
 * answers all paths outside `/api` that have no route, with 404.
 */
export function registerSite(
  app: SiteDeps,
  pages: readonly PagePlugin[],
): FastifyPluginAsyncTypebox {
  return async (server) => {
    await server.register(fastifyCookie);
    await server.register(formbody, { parser: parseFields });
    await server.register(compress, compression);
    server.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true };
    });
    serveAssets(server);
    limitForms(server);
    for (const language of languages()) {
      const prefix = language === defaultLanguage ? '' : `/${language}`;
      await server.register(partsIn(app, language, pages), { prefix });
    }
  };
}

function partsIn(app: SiteDeps, language: Language, pages: readonly PagePlugin[]): PagePlugin {
  return async (scope) => {
    const forms = new FormPages();
    forms.collect(scope);
    scope.setErrorHandler(errorAnswerer(app));
    scope.addHook('onRequest', async (request, reply) => {
      protect(reply);
      const page = forms.pageOf(request);
      // The error page needs a page context even when identifying the viewer fails, so a context
      // without a user is set first.
      request.visit = anonymousContext(app, request, language, page);
      request.visit = await identifyViewer(app, request, language, page);
      recallForm(app.keptForms, request, reply);
    });
    csrfGuard(scope, app.config.http.publicUrl);
    rememberTheme(scope);
    if (app.signIn) registerReauthentication(scope, app.signIn, sendPage);
    scope.addHook('preHandler', async (request, reply) => {
      if (reply.routeOptions.config.isSensitive === true) requireRecentAuth(request.visit.actor);
    });
    for (const part of pages) await scope.register(part);
    forms.leadBack(scope);
  };
}

/**
 * Adds the saved form input to the request for the page of that form. Deletes the saved input when
 * a form of that page is sent.
 */
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

/**
 * Content security policy of the pages. It allows only files from this origin, and forbids other
 * sites to show a page in a frame.
 */
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

/**
 * Adds the security headers that HTML pages need in addition to those of the API (OWASP, HTTP
 * headers).
 */
function protect(reply: FastifyReply): void {
  reply.headers({
    'content-security-policy': policy,
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    // With a stricter value, browsers would send “Origin: null” with the forms of this site, and
    // the CSRF check would reject them.
    'referrer-policy': 'strict-origin-when-cross-origin',
  });
}

/**
 * Returns the error handler of the pages. For `reauthentication_required` it shows the
 * re-authentication form, for any other error the error page.
 */
function errorAnswerer(app: SiteDeps) {
  const { signIn } = app;
  return async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    let error = thrown;
    if (thrown instanceof DomainError && thrown.code === 'reauthentication_required' && signIn) {
      try {
        if (await askForReauthentication(signIn, request, reply, sendPage)) return;
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

/**
 * Saves the input of a form whose sender is signed out, so that the form can be restored after
 * sign-in.
 */
async function keepForm(
  { keptForms }: SiteDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { page, path } = request.visit;
  const fields = await fieldsWithoutFiles(request);
  keptForms.keep(request, reply, { page, action: path.replace(/\?.*/s, ''), fields });
}

/**
 * Redirects a visitor to the sign-in page if the request needs a signed-in user; that page leads
 * back afterwards. For any other error sends the error page.
 */
function answerWithErrorPage(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = pageError(thrown, request);
  if (redirectToCleanAddress(error, request, reply)) return;
  if (error.code === 'unauthenticated' && request.visit.person === undefined) {
    void redirect(request, reply, signInPath(request));
    return;
  }
  if (error.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(error.retryAfterSeconds));
  }
  sendError(request, reply, error);
}

/**
 * Returns the path of the sign-in page. Its query contains the page to return to, and the reason
 * for signing in where the user may not know it.
 */
function signInPath({ method, visit }: FastifyRequest): string {
  const query = `/masuk?back=${encodeURIComponent(visit.page)}`;
  if (visit.sessionEnded) return `${query}&alasan=sesi`;
  return method === 'POST' ? `${query}&alasan=formulir` : query;
}

function sendError(request: FastifyRequest, reply: FastifyReply, error: DomainError): FastifyReply {
  const failed = { requestId: request.id, again: againPath(request) };
  return sendPage(request, reply, errorPage(request.visit, error, failed), error.status);
}

/**
 * Returns the path of the link “try again”: for GET the same URL; for a form the page on which the
 * browser showed that form.
 */
function againPath({ method, url, headers, visit }: FastifyRequest): string {
  if (method === 'GET') return url;
  const from = headers.referer ?? '';
  const path = from.startsWith(`${visit.origin}/`) ? from.slice(visit.origin.length) : '';
  return path !== '' && localPath(path) === path ? path : visit.url(visit.page);
}

/**
 * Answers a request for which no page exists, in the language of its path: 404, or 405 if the path
 * accepts another method.
 */
export async function sendNotFoundPage(
  app: SiteDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  error: DomainError,
): Promise<FastifyReply> {
  if (redirectToCleanAddress(error, request, reply)) return reply;
  protect(reply);
  const language = languageOfPath(request.url);
  request.visit = await identifyViewer(app, request, language).catch(() =>
    anonymousContext(app, request, language),
  );
  return sendError(request, reply, error);
}

/**
 * Registers the form that sets the theme: light, dark or the preference of the device. The theme is
 * stored in a cookie, also for visitors.
 */
function rememberTheme(server: FastifyInstance): void {
  server.post('/tema', { bodyLimit: formBytes.public }, async (request, reply) => {
    const { theme, back } = (request.body ?? {}) as { theme?: unknown; back?: unknown };
    const chosen = themes.find((one) => one === theme);
    if (chosen === undefined) reply.clearCookie(themeCookie, { path: '/' });
    else {
      reply.setCookie(themeCookie, chosen, { path: '/', maxAge: yearSeconds, sameSite: 'lax' });
    }
    return redirect(request, reply, localPath(back));
  });
}
