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

/** What every page knows of whoever looks at it. */
export interface PageContext {
  readonly actor: Actor;
  /** Undefined for visitors, and for callers that are programs. */
  readonly person: Person | undefined;
  /** Of whoever is signed in by a session of ours. */
  readonly sessionId: string | undefined;
  /** Whether the browser came with a session that is no more. */
  readonly sessionEnded: boolean;
  readonly language: Language;
  /** The path without the language's prefix, as asked for, with its query. */
  readonly path: string;
  /**
   * The page that is shown, as `path`: of a form that is answered, the page on which it stands.
   * Reloading, the language and the theme lead there.
   */
  readonly page: string;
  /** Whether a form was sent, and this is what it is answered with. */
  readonly isAnswer: boolean;
  /** What the reader's browser asks for, where it is the other language than this page's. */
  readonly preferred: Language | undefined;
  /** Where the site is reached from outside, without a slash at the end. */
  readonly origin: string;
  /** Undefined: as the device prefers. */
  readonly theme: Theme | undefined;
  /** The server's clock when the page was asked for. */
  readonly now: Date;
  /** The Indonesian or the English words, whichever are read here. */
  readonly t: (id: string, en: string) => string;
  /** A path of the site in the visit's language. */
  readonly url: (path: string) => string;
}

/** The path of a page in a language: Indonesian at the root, English below `/en`. */
export function pathIn(language: Language, path: string): string {
  if (language === 'id') return path;
  return path === '/' ? '/en' : `/en${path}`;
}

/** What of a wording is read here. */
export function inLanguage(visit: Pick<PageContext, 'language'>, wording: Wording): string {
  return wording[visit.language];
}
