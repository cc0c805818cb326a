/** One environment variable: how it is read, and what `.env.example` says of it. */
export interface Variable<T> {
  /** Used when the variable is unset or empty; undefined: there is none. */
  readonly fallback: string | undefined;
  /** A secret's value never appears in a message. */
  readonly secret: boolean;
  /** Completes "accepted: …". */
  readonly accepts: string;
  /** Lines for `.env.example`. */
  readonly about: readonly string[];
  /** Undefined means: not accepted. */
  readonly parse: (text: string) => T | undefined;
}

/** Infers the type of the value from `parse`. */
export function variable<T>(declared: Variable<T>): Variable<T> {
  return declared;
}
