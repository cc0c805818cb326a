import { DomainError } from '../../../errors/errors.ts';
import { closed, Id, text } from '../../../http/schemas.ts';
import type { ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import type { BankAccountRow } from '../../../ledger/bank-accounts/queries.ts';
import { formParser, type ParseResult, type RawFields } from '../../../http/forms.ts';
import { formatSlots } from '../../../i18n/format.ts';
import { attribute, html, type Html, type Part } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';

export const params = closed({ id: Id });
export const readReason = formParser(closed({ reason: text(3, 500) }));
export const readReference = formParser(closed({ reference: text(1, 200) }));

/** A form that was sent and refused, with its input. */
export interface Sent {
  readonly refused: DomainError;
  readonly typed?: RawFields;
}

/**
 * Returns the values of a valid form. Throws `validation_failed` with the field errors of an
 * invalid one.
 */
export function requireValid<T>(reading: ParseResult<T>): T {
  if ('errors' in reading) throw new DomainError('validation_failed', {}, reading.errors);
  return reading.value;
}

/** Returns the links to all pages of one section. */
export function subsections(
  visit: PageContext,
  links: readonly { readonly path: string; readonly words: string }[],
  at: string,
): Html {
  return html`<nav class="choices" aria-label="${visit.t('operator.parts.parts')}">
    <ul>
      ${links.map(
        ({ path, words }) =>
          html`<li>
            <a href="${visit.url(path)}" ${attribute('aria-current', path === at && 'page')}
              >${words}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`;
}

/** Returns the campaign and the number of slots of an order, for a heading. */
export function orderSummary(visit: PageContext, row: ParticipationSummaryRow | undefined): Part {
  if (row === undefined) return '–';
  return html`<a href="${visit.url(`/operator/sambatan/${row.campaign_id}`)}">${row.title}</a>
    <span class="quiet">· ${formatSlots(row.quantity, visit.language)}</span>`;
}

/** Returns the name of a buyer as a link to the order. */
export function buyerLink(
  visit: PageContext,
  row: ParticipationSummaryRow | undefined,
  participationId: string,
): Part {
  const name = row?.display_name ?? row?.email ?? `…${participationId.slice(-12)}`;
  return html`<a href="${visit.url(`/operator/ikutan?q=${participationId}`)}">${name}</a>`;
}

/** Returns the bank, number and holder of the bank account to which money is sent. */
export function bankAccountText(
  visit: PageContext,
  row: { readonly [K in keyof BankAccountRow]: BankAccountRow[K] | null },
): Part {
  if (row.number === null) return visit.t('operator.parts.notGivenYet');
  return html`${row.bank} <code>${row.number}</code> ${visit.t('common.inTheName')} ${row.holder}`;
}

/**
 * Returns a form field whose HTML id is unique, for pages that contain the same form several times.
 */
export function fieldOf(
  id: string,
  name: string,
  label: string,
  control: Readonly<Record<string, string | number | boolean>> = {},
): Html {
  return html`<div class="field">
    <label for="${name}-${id}">${label}</label
    ><input
      id="${name}-${id}"
      name="${name}"
      autocomplete="off"
      ${Object.entries(control).map(([key, value]) => attribute(key, value))}
    />
  </div>`;
}

/** Returns a form that is hidden until the user opens it. */
export function collapsibleForm(
  visit: PageContext,
  {
    path,
    words,
    button,
    danger = false,
  }: { path: string; words: string; button: string; danger?: boolean },
  fields: Part,
): Html {
  return html`<details>
    <summary>${words}</summary>
    <form class="stack narrow" method="post" action="${visit.url(path)}">
      ${fields}
      <button class="button${danger && ' danger'}">${button}</button>
    </form>
  </details>`;
}

/** Returns the field for the reason of a rejection or reversal. */
export function reasonOf(visit: PageContext, id: string, words?: string): Html {
  return fieldOf(id, 'reason', words ?? visit.t('common.reason'), {
    required: true,
    minlength: 3,
    maxlength: 500,
  });
}
