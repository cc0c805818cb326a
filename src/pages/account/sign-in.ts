import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { endSession } from '../../accounts/sessions.ts';
import { requestCode } from '../../accounts/sign-in/request-code.ts';
import {
  signInWithCode,
  signInWithToken,
  type Browser,
  type SignInResult,
} from '../../accounts/sign-in/sign-in.ts';
import type { PageDeps } from '../deps.ts';
import { DomainError } from '../../errors/errors.ts';
import { formBytes } from '../../http/body-limits.ts';
import { deviceOf, networkOf } from '../../http/authentication.ts';
import { formParser, toResult, rawFields } from '../../http/forms.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import {
  browserIdOf,
  clearSession,
  giveBrowserId,
  sessionTokenOf,
  setSession,
} from '../../http/session-cookie.ts';
import {
  localPath,
  redirect,
  sendPage,
  sendSecretPage,
  type PagePlugin,
  type PageServer,
} from '../../http/page-response.ts';
import { accountRequired } from '../../identity/policy.ts';
import { runInTransaction } from '../../operation/run.ts';
import type { PageContext } from '../../web/visit.ts';
import { refuse, whySignIn, emailPage, codePage, linkPage } from './sign-in-parts.ts';
import { signInWithLink, viewLink } from '../../accounts/sign-in/link.ts';

const readEmail = formParser(closed({ email: text(3, 254), back: Type.Optional(text(0, 600)) }));

const readCode = formParser(
  closed({ id: Id, code: text(1, 20), back: Type.Optional(text(0, 600)) }),
);

/** Small body limit for the short forms that visitors may send. */
const short = { bodyLimit: formBytes.public } as const;

/**
 * Registers the pages for sign-in (with a code or link from an e-mail, or with the token of another
 * service) and for sign-out.
 */
export function signInPages(app: PageDeps): PagePlugin {
  return async (server) => {
    emailRoutes(server, app);
    codeRoutes(server, app);
    linkRoutes(server, app);
    sessionRoutes(server, app);
  };
}

/** Registers the page on which a user enters an e-mail address. */
function emailRoutes(server: PageServer, app: PageDeps): void {
  server.get('/masuk', async (request, reply) => {
    const { back: given, alasan } = request.query as { back?: unknown; alasan?: unknown };
    const back = localPath(given);
    if (request.visit.person !== undefined) return redirect(request, reply, back);
    const isKept = app.keptForms.of(request)?.page === back.replace(/\?.*/s, '');
    const why = whySignIn(request.visit, alasan, isKept);
    return sendPage(request, reply, emailPage(request.visit, { back, why }));
  });

  server.post('/masuk', short, async (request, reply) => {
    const { visit } = request;
    const form = readEmail(request.body);
    const back = localPath(form.typed['back']);
    const show = { back, email: form.typed['email'] };
    if ('errors' in form) {
      return sendPage(request, reply, emailPage(visit, { ...show, errors: form.errors }), 422);
    }
    const { email } = form.value;
    const outcome = await toResult(() =>
      requestCode(app.signIn, {
        email,
        language: visit.language,
        origin: originOfRequest(request, reply),
        device: deviceOf(request),
        link: linkFor(app, visit, back),
      }),
    );
    if ('refused' in outcome) {
      return refuse(request, reply, outcome.refused, (more) =>
        emailPage(visit, { ...show, ...more }),
      );
    }
    const query = new URLSearchParams({ id: outcome.done, back });
    return redirect(request, reply, `/masuk/kode?${query}`);
  });
}

/** Registers the page on which a user enters the code from the e-mail. */
function codeRoutes(server: PageServer, app: PageDeps): void {
  const isCaptured = app.mailer.outbox !== undefined;
  server.get('/masuk/kode', async (request, reply) => {
    const { id, back } = request.query as { id?: unknown; back?: unknown };
    if (typeof id !== 'string') return redirect(request, reply, '/masuk');
    return sendPage(
      request,
      reply,
      codePage(request.visit, { id, back: localPath(back), outbox: isCaptured }),
    );
  });

  server.post('/masuk/kode', short, async (request, reply) => {
    const { visit } = request;
    const form = readCode(request.body);
    const back = localPath(form.typed['back']);
    const show = { id: form.typed['id'] ?? '', back, outbox: isCaptured };
    if ('errors' in form) {
      return sendPage(request, reply, codePage(visit, { ...show, errors: form.errors }), 422);
    }
    const { id: signInId, code } = form.value;
    const outcome = await toResult(() =>
      signInWithCode(
        app.signIn,
        { signInId: signInId.toLowerCase(), code },
        browserOf(request, reply),
      ),
    );
    if ('refused' in outcome) {
      return refuse(request, reply, outcome.refused, (more) =>
        codePage(visit, { ...show, ...more }),
      );
    }
    return completeSignIn(request, reply, outcome.done, back);
  });
}

/** Registers the page that the sign-in link in the e-mail opens. */
function linkRoutes(server: PageServer, app: PageDeps): void {
  // Mail scanners open links too, so opening this page does not sign in. Only its button does.
  server.get('/masuk/tautan', async (request, reply) => {
    const { t: secret, back } = request.query as { t?: unknown; back?: unknown };
    if (typeof secret !== 'string') return redirect(request, reply, '/masuk');
    const shown = await viewLink(app.signIn, secret, browserIdOf(request));
    const page = linkPage(request.visit, { secret, back: localPath(back), ...shown });
    return sendSecretPage(request, reply, page);
  });

  server.post('/masuk/tautan', short, async (request, reply) => {
    const { t: secret = '', back: given, confirmed } = rawFields(request.body);
    const back = localPath(given);
    const shown = await viewLink(app.signIn, secret, browserIdOf(request));
    if (!shown.isSameBrowser && confirmed !== '1') {
      return sendSecretPage(request, reply, linkPage(request.visit, { secret, back, ...shown }));
    }
    const entered = await signInWithLink(app.signIn, secret, browserOf(request, reply));
    return completeSignIn(request, reply, entered, back);
  });
}

/**
 * Registers the form for signing in with the token of another service, and the form for signing
 * out.
 */
function sessionRoutes(server: PageServer, app: PageDeps): void {
  server.post('/masuk/token', async (request, reply) => {
    const { access_token: given, back } = (request.body ?? {}) as Record<string, unknown>;
    const bearer = typeof given === 'string' ? `Bearer ${given}` : request.headers.authorization;
    const actor = await app.authenticate(bearer, request.ip);
    if (actor.kind !== 'user' && actor.kind !== 'operator') {
      throw actor.kind === 'visitor'
        ? accountRequired(actor)
        : new DomainError('unauthenticated', {});
    }
    const { userId, roles, secondFactor = false, provenAt } = actor;
    const claims = { userId, roles, secondFactor, provenAt };
    const entered = await signInWithToken(app.signIn, claims, browserOf(request, reply));
    return completeSignIn(request, reply, entered, localPath(back));
  });

  server.post('/keluar', { ...short, config: { formPage: '/akun' } }, async (request, reply) => {
    const { cookie } = request.headers;
    const token = sessionTokenOf(cookie, request.visit.origin);
    if (token !== undefined) await runInTransaction(app.db, (tx) => endSession(tx, token));
    clearSession(request, reply);
    return redirect(request, reply, '/');
  });
}

/**
 * Sets the session cookie and redirects. A new user is first asked for a name. A user with a second
 * factor is first asked for its code; until then, the cookie belongs to an MFA challenge and gives
 * access only to that page.
 */
export function completeSignIn(
  request: FastifyRequest,
  reply: FastifyReply,
  { token, hours, isNew, awaitsFactor }: SignInResult,
  back: string,
): FastifyReply {
  setSession(request, reply, token, hours);
  const query = new URLSearchParams({ back });
  if (awaitsFactor) return redirect(request, reply, `/masuk/aplikasi?${query}`);
  return redirect(request, reply, isNew ? `/masuk/nama?${query}` : back);
}

/**
 * Returns a function that builds the sign-in link for an e-mail. The link uses the configured
 * origin; where e-mails are only captured, it uses the origin of the request. Otherwise e-mails
 * have no link, and undefined is returned.
 */
function linkFor({ config, mailer }: PageDeps, visit: PageContext, back: string) {
  if (config.http.publicUrl === undefined && mailer.outbox === undefined) return undefined;
  const page = `${visit.origin}${visit.url('/masuk/tautan')}`;
  return (secret: string) => `${page}?${new URLSearchParams({ t: secret, back })}`;
}

function originOfRequest(request: FastifyRequest, reply: FastifyReply) {
  return { browserId: giveBrowserId(request, reply), network: networkOf(request.ip) };
}

function browserOf(request: FastifyRequest, reply: FastifyReply): Browser {
  return {
    language: request.visit.language,
    origin: originOfRequest(request, reply),
    device: deviceOf(request),
    before: sessionTokenOf(request.headers.cookie, request.visit.origin),
  };
}
