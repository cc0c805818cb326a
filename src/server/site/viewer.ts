import { translate } from '../../i18n/messages.ts';
import type { Language } from '../../i18n/language.ts';
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import type { SignInDeps } from '../../accounts/sign-in/sign-in.ts';
import type { SessionFinder } from '../../accounts/sessions.ts';
import type { Config } from '../../config/config.ts';
import { languageOf } from '../../http/accept-language.ts';
import { cookies } from '../../http/cookies.ts';
import { originOf } from '../../http/csrf.ts';
import { sessionTokenOf } from '../../http/session-cookie.ts';
import type { Actor } from '../../identity/actor.ts';
import type { Authenticator } from '../../identity/authenticate.ts';
import { westernIndonesia } from '../../i18n/format.ts';
import { pathIn, themes, type Person, type PageContext, withoutLanguage } from '../../web/visit.ts';
import { awaitsFactor } from '../../accounts/sign-in/factor.ts';

/** The dependencies for identifying the user who requests a page. */
export interface ViewerDeps {
  readonly config: Config;
  readonly authenticate: Authenticator;
  readonly findSession: SessionFinder;
  /** Dependencies of re-authentication. Undefined for a site without sessions. */
  readonly signIn: SignInDeps | undefined;
}

/** The name of the cookie that stores the theme. */
export const themeCookie = cookies.theme.name;

export async function identifyViewer(
  app: ViewerDeps,
  request: FastifyRequest,
  language: Language,
  page?: string,
): Promise<PageContext> {
  const { authorization, cookie } = request.headers;
  const visit = anonymousContext(app, request, language, page);
  const session = authorization === undefined ? sessionTokenOf(cookie, visit.origin) : undefined;
  if (session !== undefined) {
    const owner = await app.findSession(session, request.ip);
    if (owner === undefined) {
      // During sign-in with a second factor, the cookie belongs to an MFA challenge and not to a
      // session that has ended.
      const db = app.signIn?.db;
      const isHalf = db !== undefined && (await awaitsFactor(db, session));
      return { ...visit, sessionEnded: !isHalf };
    }
    const { sessionId, actor, displayName, email, timeZone } = owner;
    const person = { userId: actor.userId, displayName, email, timeZone };
    return { ...visit, actor, person, sessionId };
  }
  const actor = await app.authenticate(authorization, request.ip);
  return { ...visit, actor, person: personOf(actor) };
}

export function anonymousContext(
  app: ViewerDeps,
  request: FastifyRequest,
  language: Language,
  page?: string,
): PageContext {
  const theme = themes.find(
    (one) => one === fastifyCookie.parse(request.headers.cookie ?? '')[themeCookie],
  );
  const path = ownPath(withoutLanguage(request.url));
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
    t: (key, ...values) => translate(language, key, ...values),
    url: (to) => pathIn(language, to),
  };
}

/**
 * Returns the language that the browser prefers if it differs from the language of the page;
 * otherwise undefined.
 */
function otherPreferred({ headers }: FastifyRequest, language: Language): Language | undefined {
  const asked = headers['accept-language'];
  if (asked === undefined || !/^[a-z]{2}/i.test(asked)) return undefined;
  const preferred = languageOf(asked);
  return preferred === language ? undefined : preferred;
}

/** Returns the user of an API token. This user has no profile data in this request. */
function personOf(actor: Actor): Person | undefined {
  if (actor.kind !== 'user' && actor.kind !== 'operator') return undefined;
  const { userId } = actor;
  return { userId, displayName: '', email: null, timeZone: westernIndonesia };
}

/**
 * Returns the requested path in a form that is safe in links. A path such as `//other.example`
 * would be a link to another site, so it becomes `/`.
 */
function ownPath(path: string): string {
  return /^\/(?![/\\])/.test(path) ? path : '/';
}
