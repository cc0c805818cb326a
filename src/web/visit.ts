import { defaultLanguage, type Language } from '../i18n/language.ts';
import { languages, textOf, type Translate, type Wording } from '../i18n/messages.ts';
import type { Actor } from '../identity/actor.ts';

export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** The signed-in user, as pages show this user. */
export interface Person {
  readonly userId: string;
  readonly displayName: string;
  readonly email: string | null;
  /** The IANA name of the time zone in which this user sees times. */
  readonly timeZone: string;
}

/** Data about a request that every page needs, such as the user and the language. */
export interface PageContext {
  readonly actor: Actor;
  /** The signed-in user. Undefined for visitors and for the service token. */
  readonly person: Person | undefined;
  /** The id of the session. Undefined if the user did not sign in on this site. */
  readonly sessionId: string | undefined;
  /** True if the browser sent a session cookie whose session has ended. */
  readonly sessionEnded: boolean;
  readonly language: Language;
  /** The requested path with its query, without the language prefix. */
  readonly path: string;
  /**
   * The path of the page that is displayed. In the response to a form, it is the page with the
   * form. The links to reload and to change the language or theme use it.
   */
  readonly page: string;
  /** True if the page is the response to a form. */
  readonly isAnswer: boolean;
  /** The language that the browser prefers, if the page has another one. */
  readonly preferred: Language | undefined;
  /** The public origin of the site, without a slash at the end. */
  readonly origin: string;
  /**
   * The theme that the user has chosen. Undefined if the page uses the preference of the device.
   */
  readonly theme: Theme | undefined;
  /** The server's time when the request arrived. */
  readonly now: Date;
  /** Returns the text of a message in the language of this page. */
  readonly t: Translate;
  /** Returns a path of the site with the prefix of the page's language. */
  readonly url: (path: string) => string;
}

/**
 * Returns the path of a page in a language. Indonesian has no prefix, other languages have one,
 * such as `/en` or `/jv`.
 */
export function pathIn(language: Language, path: string): string {
  if (language === defaultLanguage) return path;
  return path === '/' ? `/${language}` : `/${language}${path}`;
}

/**
 * Returns the language of a page. It is the first segment of the path, or Indonesian without such a
 * segment.
 */
export function languageOfPath(path: string): Language {
  const first = /^\/([^/?]*)/.exec(path)?.[1] ?? '';
  return languages().includes(first) ? first : defaultLanguage;
}

/** Returns a path without the prefix of its language. */
export function withoutLanguage(path: string): string {
  const language = languageOfPath(path);
  if (language === defaultLanguage) return path;
  const rest = path.slice(`/${language}`.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Returns a text in the language of the page. */
export function inLanguage(visit: Pick<PageContext, 'language'>, wording: Wording): string {
  return textOf(visit.language, wording);
}
