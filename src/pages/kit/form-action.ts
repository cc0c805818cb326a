import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError, ErrorCode, FieldError } from '../../errors/errors.ts';
import { toResult, type ParseResult, type RawFields } from '../../http/forms.ts';
import { redirect, sendPage } from '../../http/page-response.ts';
import type { PageProps } from '../../web/layout.ts';

/** The state of a form that is shown again: the input and its errors. */
export interface FormState {
  readonly typed: RawFields;
  readonly errors?: readonly FieldError[] | undefined;
  readonly refused?: DomainError | undefined;
}

/** Assigns a refusal as a whole to a field. */
export type FieldOfError = { readonly [C in ErrorCode]?: string };

/** A refused form: field errors belong next to their fields, anything else above the form. */
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

/** The HTTP status of a page that shows a refused form again. */
export function statusOf(refused: DomainError | undefined): number {
  return refused === undefined ? 422 : refused.status;
}

/** The action of a button. */
export interface PageAction<T> {
  /** Runs the action. A `DomainError` below 500 shows the page again. */
  readonly run: () => Promise<T>;
  /** The path to go to afterwards. */
  readonly next: string | ((result: T) => string);
  /** Sends the page again with the reason of the refusal. */
  readonly showAgain: (refused: DomainError) => FastifyReply | Promise<FastifyReply>;
}

/** Runs the action and redirects, or shows the page again with its refusal. */
export async function runAction<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  { run, next, showAgain }: PageAction<T>,
): Promise<FastifyReply> {
  const result = await toResult(run);
  if ('refused' in result) return await showAgain(result.refused);
  return redirect(request, reply, typeof next === 'string' ? next : next(result.done));
}

/** The action of a form with fields. */
export interface FormAction<F, T> {
  readonly form: ParseResult<F>;
  readonly run: (value: F) => Promise<T>;
  /** The path to go to afterwards. */
  readonly next: string | ((result: T) => string);
  /** The page of the form with its input and errors. */
  readonly page: (state: FormState) => PageProps | Promise<PageProps>;
  readonly fieldOf?: FieldOfError;
}

/** Handles a form: runs its action and redirects, or shows the page again with the errors. */
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
