import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError, ErrorCode, FieldError } from '../../errors/errors.ts';
import { toResult, type ParseResult, type RawFields } from '../../http/forms.ts';
import { redirect, sendPage } from '../../http/page-response.ts';
import type { PageProps } from '../../web/layout.ts';

/** The state of a form that is shown again after an error: its input and the errors. */
export interface FormState {
  readonly typed: RawFields;
  readonly errors?: readonly FieldError[] | undefined;
  readonly refused?: DomainError | undefined;
}

/** The form field at which an error code is shown, for errors that concern only that field. */
export type FieldOfError = { readonly [C in ErrorCode]?: string };

/**
 * Returns the state of a refused form. Errors of single fields are shown next to these fields, any
 * other error above the form.
 */
export function refusedForm(
  typed: RawFields,
  refused: DomainError,
  fieldOf: FieldOfError = {},
): FormState {
  const field = fieldOf[refused.code];
  if (field !== undefined) {
    return { typed, errors: [{ field, message: refused.detailForPages }] };
  }
  return refused.fields.length > 0 ? { typed, errors: refused.fields } : { typed, refused };
}

/** Returns the HTTP status of a page that shows a refused form again. */
export function statusOf(refused: DomainError | undefined): number {
  return refused === undefined ? 422 : refused.status;
}

/** What happens after a button was pressed. */
export interface PageAction<T> {
  /**
   * Runs the operation. If it throws a `DomainError` with a status below 500, the page is shown
   * again.
   */
  readonly run: () => Promise<T>;
  /** The path of the next page after success. */
  readonly next: string | ((result: T) => string);
  /** Sends the page again with the reason why the operation was refused. */
  readonly showAgain: (refused: DomainError) => FastifyReply | Promise<FastifyReply>;
}

/**
 * Runs an operation and redirects to the next page. If the operation is refused, shows the page
 * again with the reason.
 */
export async function runAction<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  { run, next, showAgain }: PageAction<T>,
): Promise<FastifyReply> {
  const result = await toResult(run);
  if ('refused' in result) return await showAgain(result.refused);
  return redirect(request, reply, typeof next === 'string' ? next : next(result.done));
}

/** What happens after a form with fields was sent. */
export interface FormAction<F, T> {
  readonly form: ParseResult<F>;
  readonly run: (value: F) => Promise<T>;
  /** The path of the next page after success. */
  readonly next: string | ((result: T) => string);
  /** Returns the page with the form, its input and its errors. */
  readonly page: (state: FormState) => PageProps | Promise<PageProps>;
  readonly fieldOf?: FieldOfError;
}

/** Handles a form: runs its operation and redirects, or shows the page again with the errors. */
export async function submitForm<F, T>(
  request: FastifyRequest,
  reply: FastifyReply,
  { form, run, next, page, fieldOf }: FormAction<F, T>,
): Promise<FastifyReply> {
  if ('errors' in form) return sendPage(request, reply, await page(form), 422);
  return await runAction(request, reply, {
    run: () => run(form.value),
    next,
    showAgain: async (refused) => {
      const again = await page(refusedForm(form.typed, refused, fieldOf));
      return sendPage(request, reply, again, statusOf(refused));
    },
  });
}
