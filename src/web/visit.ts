import { defaultLanguage, type Language } from '../i18n/language.ts';
import { languages, textOf, type Translate, type Wording } from '../i18n/messages.ts';
import type { Actor } from '../identity/actor.ts';

export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** The signed-in account as pages show it. */
export interface Person {
  readonly userId: string;
  readonly displayName: string;
  readonly email: string | null;
  /** IANA name of the time zone in which this person sees times. */
  readonly timeZone: string;
}

/** The context of a request, which every page receives. */
export interface PageContext {
  readonly actor: Actor;
  /** Undefined for visitors and for programs. */
  readonly person: Person | undefined;
  /** Undefined unless the reader is signed in by a session of the site. */
  readonly sessionId: string | undefined;
  /** True if the browser sent a session that has ended. */
  readonly sessionEnded: boolean;
  readonly language: Language;
  /** The requested path without the language prefix, with its query. */
  readonly path: string;
  /**
   * The path of the displayed page. For the response to a form, it is the page of the form. Reload
   * links and the language and theme switches lead there.
   */
  readonly page: string;
  /** True for the response to a form. */
  readonly isAnswer: boolean;
  /** The language that the browser prefers, if it differs from this page's. */
  readonly preferred: Language | undefined;
  /** The public origin of the site, without a trailing slash. */
  readonly origin: string;
  /** Undefined: the preference of the device. */
  readonly theme: Theme | undefined;
  /** The server's time of the request. */
  readonly now: Date;
  /** Returns the text of a message in the language of this page. */
  readonly t: Translate;
  /** Builds a path of the site with the prefix of this page's language. */
  readonly url: (path: string) => string;
}

/** The path of a page in a language: Indonesian at the root, others below `/en`, `/jv`, ... */
export function pathIn(language: Language, path: string): string {
  if (language === defaultLanguage) return path;
  return path === '/' ? `/${language}` : `/${language}${path}`;
}

/** Returns the language of a page by the first segment of its path. */
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

/** Chooses the text in the language of the page. */
export function inLanguage(visit: Pick<PageContext, 'language'>, wording: Wording): string {
  return textOf(visit.language, wording);
}
