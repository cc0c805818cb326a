import { refillForm } from '../web/refill.ts';
import type { PageContext } from '../web/visit.ts';
import type { KeptForm } from './kept-form.ts';

/** Renders a page with the restored input of its form and with a notice about it. */
export function showKept(visit: PageContext, document: string, kept: KeptForm): string {
  const { t, url } = visit;
  const found = kept.isCut ? t('errors.keptForm.cut') : t('errors.keptForm.unsent');
  return refillForm(document, {
    action: url(kept.action),
    fields: kept.fields,
    found,
    missing: t('errors.keptForm.missing'),
  });
}
