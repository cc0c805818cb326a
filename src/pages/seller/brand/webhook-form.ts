import { type Wording, wording } from '../../../i18n/messages.ts';
import Type from 'typebox';
import { auditEvents, type AuditEvent } from '../../../audit/events.ts';
import {
  campaignEvents,
  moneyEvents,
  participationEvents,
  payoutEvents,
  waitingEvents,
} from '../../../audit/events.ts';
import { formParser, type RawFields } from '../../../http/forms.ts';
import { closed } from '../../../http/schemas.ts';
import type { EndpointInput } from '../../../notifications/webhook-endpoints.ts';
import { EndpointInput as fields } from '../../../notifications/schemas.ts';
import type { EndpointRow } from '../../../notifications/webhooks/queries.ts';
import { input } from '../../../web/components.ts';
import { attribute, html, type Html } from '../../../web/html.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';
import type { FormState } from '../../kit/form-action.ts';

const boxes = Object.fromEntries(auditEvents.map((event) => [event, Type.Boolean()])) as {
  readonly [E in AuditEvent]: Type.TBoolean;
};

/**
 * Parses the form of a webhook. It has a checkbox for each event; if none is checked, the webhook
 * gets all events.
 */
export const readWebhook = formParser(
  closed({ url: fields.url, description: Type.Optional(fields.description), ...boxes }),
);

/** Converts the values of a webhook's form to the input of the operation. */
export function inputOf(
  form: { readonly url: string; readonly description?: string } & Readonly<
    Record<AuditEvent, boolean>
  >,
): EndpointInput {
  const events = auditEvents.filter((event) => form[event]);
  return { url: form.url.trim(), description: form.description ?? '', events };
}

/** Returns the values of an existing webhook for its form. */
export function typedOf({ url, description, events }: EndpointRow): RawFields {
  return { url, description, ...Object.fromEntries(events.map((event) => [event, 'on'])) };
}

const groups: readonly (readonly [Wording, readonly AuditEvent[]])[] = [
  [wording('seller.webhookForm.campaigns'), campaignEvents],
  [wording('seller.webhookForm.orders'), participationEvents],
  [wording('seller.webhookForm.waitingList'), waitingEvents],
  [wording('seller.webhookForm.paymentsAndPayouts'), [...moneyEvents, ...payoutEvents]],
];

/** Returns the form fields of a webhook: its URL, purpose and events. */
export function webhookFields(
  visit: PageContext,
  { typed, errors }: Pick<FormState, 'typed' | 'errors'>,
) {
  const { t } = visit;
  const chosen = auditEvents.some((event) => typed[event] !== undefined);
  return html`${input(visit, {
      name: 'url',
      label: t('seller.webhookForm.addressHttps'),
      hint: t('seller.webhookForm.yourOwnServerOnTheInternet'),
      value: typed['url'],
      errors,
      required: true,
      control: {
        type: 'url',
        inputmode: 'url',
        maxlength: 500,
        autocomplete: 'off',
        placeholder: 'https://toko.contoh.id/sambatan',
      },
    })}
    ${input(visit, {
      name: 'description',
      label: t('seller.webhookForm.whatFor'),
      value: typed['description'],
      errors,
      control: { maxlength: 200, autocomplete: 'off' },
    })}
    <details ${attribute('open', chosen)}>
      <summary>${t('seller.webhookForm.chooseEvents')}</summary>
      <p class="hint">${t('seller.webhookForm.withNoneTickedAllAreSent')}</p>
      ${groups.map(([words, events]) => group(inLanguage(visit, words), events, typed))}
    </details>`;
}

function group(words: string, events: readonly AuditEvent[], typed: RawFields): Html {
  return html`<fieldset class="events">
    <legend>${words}</legend>
    ${events.map(
      (event) =>
        html`<label
          ><input
            type="checkbox"
            name="${event}"
            ${attribute('checked', typed[event] !== undefined)}
          /><code>${event}</code></label
        >`,
    )}
  </fieldset>`;
}
