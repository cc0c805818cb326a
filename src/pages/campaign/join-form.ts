import type { Campaign } from '../../campaigns/campaign.ts';
import type { DomainError, FieldError } from '../../errors/errors.ts';
import type { RawFields } from '../../http/forms.ts';
import { newId } from '../../identity/ids.ts';
import { JoinFields } from '../../participations/schemas.ts';
import { input, notice, textarea } from '../../web/components.ts';
import { formatSlots } from '../../i18n/format.ts';
import { attribute, html, type Html } from '../../web/html.ts';
import { participationBadge } from '../statuses.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { sum, whenDue } from './rules.ts';
import { takesJoins } from './state.ts';
import { refusalNotice } from '../kit/refusal-notice.ts';
import { type Standing, isLive, minimumWithEnoughSlots, boundsOf } from './standing.ts';

/** The value of the form field if the user enters a new address instead of choosing a saved one. */
export const otherAddress = 'other';

/** The state of a join form that was sent and is shown again. */
export interface FormState {
  readonly typed: RawFields;
  readonly errors: readonly FieldError[];
  readonly refused?: DomainError | undefined;
  readonly status: number;
  /**
   * The form is valid, but the buyer already has an order here. The form then asks the buyer to
   * confirm a further order.
   */
  readonly asksMore?: boolean;
  /** The idempotency key of the sent form, if the form may be sent again with that key. */
  readonly key?: string | undefined;
}

/**
 * Returns the order part of a campaign's page: the orders of the user, and the join form or a link
 * to sign in.
 */
export function joinPart(
  visit: PageContext,
  campaign: Campaign,
  standing: Standing,
  form: FormState | undefined,
): Html {
  return html`${ownPart(visit, standing)}${refusal(visit, form)}${
    takesJoins(visit, campaign) && joinEntrance(visit, campaign, standing, form)
  }`;
}

function ownPart(visit: PageContext, { own }: Standing): Html | undefined {
  if (own.length === 0) return undefined;
  const { t, url } = visit;
  return html`<ul class="own">
    ${own.map(
      ({ id, quantity, status }) =>
        html`<li ${attribute('class', isLive(status) ? undefined : 'over')}>
          <a href="${url(`/ikutan/${id}`)}">${t('campaign.joinForm.yourOrder', { quantity })}</a>
          ${participationBadge(visit, status)}
        </li>`,
    )}
  </ul>`;
}

function refusal(visit: PageContext, form: FormState | undefined): Html | undefined {
  if (form === undefined) return undefined;
  if (form.asksMore === true) {
    return notice(
      'busy',
      visit.t('campaign.joinForm.doYouWantMore'),
      visit.t('campaign.joinForm.youAlreadyHaveAnOrderHere'),
    );
  }
  if (form.refused !== undefined && form.errors.length === 0) {
    return refusalNotice(visit, form.refused);
  }
  const unseen = form.errors.filter(({ field }) => !Object.hasOwn(JoinFields, field));
  return notice(
    'bad',
    visit.t('campaign.joinForm.notSentYet'),
    unseen.length > 0
      ? inLanguage(visit, unseen[0]!.message)
      : visit.t('campaign.joinForm.pleaseCheckWhatIsMarkedBelow'),
  );
}

function joinEntrance(
  visit: PageContext,
  campaign: Campaign,
  standing: Standing,
  form: FormState | undefined,
): Html {
  const { t, url, person } = visit;
  if (person === undefined) {
    const back = encodeURIComponent(`/sambatan/${campaign.id}`);
    return html`<a class="button wide" href="${url(`/masuk?back=${back}`)}"
        >${t('campaign.joinForm.signInToJoin')}</a
      >
      <p class="hint">${whenDue(visit, campaign)}</p>`;
  }
  const { least, most } = boundsOf(campaign, standing);
  if (most < least) {
    return html`<p class="state">${t('campaign.joinForm.limitReached')}</p>`;
  }
  return joinForm(visit, campaign, { least, most, standing, form });
}

interface FormParts {
  readonly least: number;
  readonly most: number;
  readonly standing: Standing;
  readonly form: FormState | undefined;
}

function joinForm(visit: PageContext, campaign: Campaign, parts: FormParts): Html {
  const { t } = visit;
  const asksMore = parts.standing.own.some(({ status }) => isLive(status));
  const quantity = quantityField(visit, campaign, parts, campaign.slots_remaining);
  return orderForm(visit, parts, {
    action: `/sambatan/${campaign.id}/ikut`,
    quantity,
    send: asksMore ? t('campaign.joinForm.orderMore') : t('campaign.joinForm.joinNow'),
    hint: whenDue(visit, campaign),
    asksMore,
  });
}

/**
 * Returns the join form for the waiting list. The number of free slots does not limit its quantity.
 */
export function waitForm(visit: PageContext, campaign: Campaign, parts: FormParts): Html {
  const { t } = visit;
  return orderForm(visit, parts, {
    action: `/sambatan/${campaign.id}/antre`,
    quantity: quantityField(visit, campaign, parts, undefined),
    send: t('campaign.joinForm.joinTheWaitingList'),
    hint: t('campaign.joinForm.freeOnceEnoughSlotsComeFree'),
  });
}

interface OrderForm {
  readonly action: string;
  readonly quantity: Html;
  readonly send: string;
  readonly hint: string;
  /** True if the buyer already has an order. */
  readonly asksMore?: boolean;
}

/** Returns a note about the orders that the buyer has, and that this form creates another order. */
function secondOrderPart({ t }: PageContext, { own }: Standing): Html {
  const taken = own
    .filter(({ status }) => isLive(status))
    .reduce((total, { quantity }) => total + quantity, 0);
  return html`<input type="hidden" name="more" value="1" />
    <p class="state">${t('campaign.joinForm.youHaveAlreadyOrderedHere', { taken })}</p>`;
}

function orderForm(
  visit: PageContext,
  { form, standing }: FormParts,
  { action, quantity, send, hint, asksMore = false }: OrderForm,
): Html {
  const { t, url } = visit;
  return html`<form class="stack join" method="post" action="${url(action)}">
    <input type="hidden" name="key" value="${form?.key ?? newId()}" />
    ${quantity} ${addressFields(visit, standing, form)}
    ${input(visit, {
      name: 'note',
      label: t('common.noteToTheSeller'),
      value: form?.typed['note'],
      errors: form?.errors,
      control: { maxlength: 160, autocomplete: 'off' },
    })}
    ${asksMore && secondOrderPart(visit, standing)}
    <button class="button wide">${send}</button>
    <p class="hint">${hint}</p>
  </form>`;
}

/** Returns the choice of a saved address, and a field for a new one. */
function addressFields(visit: PageContext, standing: Standing, form: FormState | undefined): Html {
  const { t } = visit;
  const { addresses, lastAddress } = standing;
  const typed = form?.typed ?? {};
  const field = textarea(visit, {
    name: 'shipping_address',
    label: addresses.length > 0 ? t('campaign.joinForm.anotherAddress') : addressLegend(visit),
    hint: t('common.addressHint'),
    value: typed['shipping_address'] ?? (addresses.length > 0 ? undefined : lastAddress),
    errors: form?.errors,
    // If there are saved addresses, a new address is only required when none of them is chosen.
    required: addresses.length > 0 ? undefined : true,
    control: { minlength: 10, maxlength: 240, rows: 3, autocomplete: 'street-address' },
  });
  if (addresses.length === 0) return field;
  const chosen = typed['address_id'] ?? addresses[0]!.id;
  const choice = (value: string, words: Html) =>
    html`<label class="choice"
      ><input
        type="radio"
        name="address_id"
        value="${value}"
        ${attribute('checked', value === chosen)}
      /><span>${words}</span></label
    >`;
  return html`<fieldset class="choices">
    <legend>${addressLegend(visit)}</legend>
    ${addresses.map(({ id, label, line }) =>
      choice(id, html`<strong>${label}</strong><br /><span class="quiet">${line}</span>`),
    )}
    ${choice(otherAddress, html`<strong>${t('campaign.joinForm.anotherAddress')}</strong>`)}
    <div class="other-address">${field}</div>
  </fieldset>`;
}

function addressLegend({ t }: PageContext): string {
  return t('campaign.joinForm.deliveryAddress');
}

function quantityField(
  visit: PageContext,
  campaign: Campaign,
  parts: FormParts,
  left: number | undefined,
): Html {
  const { t } = visit;
  const { least, most, form } = parts;
  const isRemainder = left !== undefined && left > 1 && least === left;
  const wrong = form?.errors.find(({ field }) => field === 'quantity');
  const value = form?.typed['quantity'] ?? String(least);
  const known = /^\d{1,7}$/.test(value) ? Number(value) : least;
  const step = (by: number, sign: string, words: string) =>
    html`<button
      type="button"
      data-step="${by}"
      data-for="quantity"
      data-needs-script
      hidden
      aria-label="${words}"
    >
      ${sign}
    </button>`;
  return html`<div class="field${wrong && ' wrong'}">
    <label for="quantity">${t('campaign.joinForm.howManySlots')}</label>
    <div class="quantity">
      <div class="stepper">
        ${step(-1, '−', t('campaign.joinForm.removeOneSlot'))}
        <input
          id="quantity"
          name="quantity"
          type="number"
          inputmode="numeric"
          required
          min="${least}"
          max="${Math.max(least, Math.min(most, left ?? campaign.total_slots))}"
          ${attribute('data-most', left !== undefined && String(most))}
          ${attribute('data-least', left !== undefined && String(minimumWithEnoughSlots(campaign, parts.standing)))}
          data-price="${campaign.price_per_slot}"
          value="${value}"
          ${attribute('aria-invalid', wrong && 'true')}
          ${attribute('aria-describedby', wrong && 'quantity-error')}
        />
        ${step(1, '+', t('campaign.joinForm.addOneSlot'))}
      </div>
      <p class="total">
        <span class="quiet"
          >${t('campaign.joinForm.total')}
          <span data-many>${formatSlots(known, visit.language)}</span></span
        >
        <output data-total for="quantity">${sum(visit, campaign.price_per_slot, known)}</output>
      </p>
    </div>
    ${
      isRemainder &&
      html`<p class="hint">${t('campaign.joinForm.onlyLeftSoldTogether', { left })}</p>`
    }
    ${sumsWithoutScript(visit, campaign, least, Math.min(most, left ?? most))}
    ${wrong && html`<p class="error" id="quantity-error">${inLanguage(visit, wrong.message)}</p>`}
  </div>`;
}

/** Returns the price for each number of slots, for browsers that do not run the script. */
function sumsWithoutScript(
  visit: PageContext,
  campaign: Campaign,
  least: number,
  most: number,
): Html {
  const numbers = Array.from({ length: 8 }, (_none, index) => least + index);
  const sums = numbers
    .filter((number) => number <= most)
    .map(
      (number) =>
        html`<li>
          ${formatSlots(number, visit.language)} = ${sum(visit, campaign.price_per_slot, number)}
        </li>`,
    );
  return html`<noscript>
    <ul class="sums">
      ${sums}
    </ul>
  </noscript>`;
}
