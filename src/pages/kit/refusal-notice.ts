import type { DomainError } from '../../errors/errors.ts';
import { notice } from '../../web/components.ts';
import type { Html } from '../../web/html.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';

/**
 * Returns the reason why a form was refused, to be shown above the form. If fields are invalid, it
 * is the error of the first one.
 */
export function refusalNotice(
  visit: PageContext,
  refused: Pick<DomainError, 'text' | 'fields'> | undefined,
): Html | undefined {
  if (refused === undefined) return undefined;
  const { title, detail } = refused.text(visit.language);
  const [field] = refused.fields;
  return notice('bad', title, field ? inLanguage(visit, field.message) : detail);
}
