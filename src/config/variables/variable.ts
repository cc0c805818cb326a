/** One environment variable: how its value is parsed, and its text in `.env.example`. */
export interface Variable<T> {
  /**
   * The value to parse when the variable is not set or empty; undefined means that there is none.
   */
  readonly fallback: string | undefined;
  /** True for a secret: its value never appears in a message. */
  readonly secret: boolean;
  /** The accepted values; completes a message that begins with "accepted: ". */
  readonly accepts: string;
  /** The lines of the explanation in `.env.example`. */
  readonly about: readonly string[];
  /** Returns the value, or undefined when the text is not accepted. */
  readonly parse: (text: string) => T | undefined;
}

/** Infers the type of the value from `parse`. */
export function variable<T>(declared: Variable<T>): Variable<T> {
  return declared;
}
