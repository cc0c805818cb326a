import { textOf } from '../i18n/messages.ts';
import type { Wording } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import { errorTable, type ErrorCode, type ErrorParams } from './error-table.ts';
import { pageWords, type PageParams } from './page-words.ts';
import type { ErrorDefinition } from './tables/definition.ts';

/**
 * An error of one field. `field` is the API name of the field. A nested field has a path such as
 * `items.0.slots`.
 */
export interface FieldError {
  readonly field: string;
  readonly message: Wording;
}

/**
 * An error with a stable code. Operations throw it, and http/problem.ts converts it to a response.
 */
export class DomainError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly params: ErrorParams<C>;
  readonly fields: readonly FieldError[];

  constructor(code: C, params: ErrorParams<C>, fields: readonly FieldError[] = []) {
    super(code);
    this.name = 'DomainError';
    this.code = code;
    this.params = params;
    this.fields = fields;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  /** The number of seconds to wait before a retry. Undefined when a retry would not help. */
  get retryAfterSeconds(): number | undefined {
    const { retry_after_seconds: own } = this.params as { retry_after_seconds?: number };
    const definition: ErrorDefinition<never> = errorTable[this.code];
    return own ?? definition.retryAfterSeconds;
  }

  /** Returns a text for users of pages: what happened and what they can do next. */
  get detailForPages(): Wording {
    const { detail } = pageWords[this.code] ?? {};
    const forPages = typeof detail === 'function' ? detail(this.params as PageParams) : detail;
    return forPages ?? this.#definition.detail(this.params);
  }

  /** Returns the title and detail for a user of a page, in their language. */
  text(language: Language): { title: string; detail: string } {
    const title = pageWords[this.code]?.title ?? this.#definition.title;
    return { title: textOf(language, title), detail: textOf(language, this.detailForPages) };
  }

  /** Returns the title and detail for an API client, in the requested language. */
  apiText(language: Language): { title: string; detail: string } {
    const { title, detail } = this.#definition;
    return { title: textOf(language, title), detail: textOf(language, detail(this.params)) };
  }

  get #definition(): ErrorDefinition<ErrorParams<C>> {
    return errorTable[this.code] as ErrorDefinition<ErrorParams<C>>;
  }
}

/**
 * Returns the error for a code that a database function raised, with its JSON parameters. Returns
 * undefined for an unknown code.
 */
export function domainErrorNamed(code: string, params: unknown): DomainError | undefined {
  if (!Object.hasOwn(errorTable, code)) return undefined;
  return new DomainError(code as ErrorCode, (params ?? {}) as ErrorParams<ErrorCode>);
}

/**
 * Returns a validation error of one field. It is for checks that the schema cannot express and that
 * an operation makes.
 */
export function invalidField(field: string, message: Wording): DomainError<'validation_failed'> {
  return new DomainError('validation_failed', {}, [{ field, message }]);
}
