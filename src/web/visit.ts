import type { Language, Wording } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';

export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** The account that is signed in, as pages show it. */
export interface Person {
  readonly userId: string;
  readonly displayName: string;
  readonly email: string | null;
  /** IANA name, for moments that are shown to this person. */
  readonly timeZone: string;
}

/** The context of a request, as every page gets it. */
export interface PageContext {
  readonly actor: Actor;
  /** Undefined for visitors and for programs. */
  readonly person: Person | undefined;
  /** Undefined unless a session of the site signed the reader in. */
  readonly sessionId: string | undefined;
  /** Whether the browser sent a session that has ended. */
  readonly sessionEnded: boolean;
  readonly language: Language;
  /** The path without the language's prefix, as asked for, with its query. */
  readonly path: string;
  /**
   * The path of the page that is shown. For the answer to a form, it is the page of the form.
   * Reloading and the switches of language and theme lead there.
   */
  readonly page: string;
  /** Whether this answers a form. */
  readonly isAnswer: boolean;
  /** The language that the browser asks for, if it is not the language of this page. */
  readonly preferred: Language | undefined;
  /** The public origin of the site, without a slash at the end. */
  readonly origin: string;
  /** Undefined: as the device prefers. */
  readonly theme: Theme | undefined;
  /** The server's clock when the page was asked for. */
  readonly now: Date;
  /** Chooses the words in the language of this page. */
  readonly t: (id: string, en: string) => string;
  /** A path of the site, with the prefix of this page's language. */
  readonly url: (path: string) => string;
}

/** The path of a page in a language: Indonesian at the root, English below `/en`. */
export function pathIn(language: Language, path: string): string {
  if (language === 'id') return path;
  return path === '/' ? '/en' : `/en${path}`;
}

/** The words in the language of the page. */
export function inLanguage(visit: Pick<PageContext, 'language'>, wording: Wording): string {
  return wording[visit.language];
}
