import Type from 'typebox';
import { campaignLimits, paymentTimings } from '../../../campaigns/campaign.ts';
import { TermsSchema } from '../../../campaigns/schemas.ts';
import type { ProductRow } from '../../../catalogue/queries.ts';
import { formParser } from '../../../http/forms.ts';
import { choice, closed, Id, nullable } from '../../../http/schemas.ts';
import { input, select, textarea } from '../../../web/components.ts';
import { formatFieldMoment } from '../../../i18n/format.ts';
import { attribute, html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import type { Campaign, CampaignTerms } from '../../../campaigns/campaign.ts';
import type { FormState } from '../../kit/form-action.ts';

/** Parses the form of a campaign. The hold is entered in hours. */
export const readTerms = formParser(
  closed({
    product_id: Id,
    title: TermsSchema.title,
    description: Type.Optional(TermsSchema.description),
    total_slots: TermsSchema.total_slots,
    minimum_slots: nullable(TermsSchema.minimum_slots),
    price_per_slot: TermsSchema.price_per_slot,
    min_slots_per_user: TermsSchema.min_slots_per_user,
    max_slots_per_user: TermsSchema.max_slots_per_user,
    deadline: TermsSchema.deadline,
    opens_at: Type.Optional(TermsSchema.opens_at),
    payment_timing: choice(paymentTimings),
    hold_hours: nullable(
      Type.Integer({ minimum: 1, maximum: campaignLimits.holdSeconds.max / 3_600 }),
    ),
  }),
);
export type TermsForm = Extract<ReturnType<typeof readTerms>, { value: unknown }>['value'];

/** Converts the values of the form to campaign terms. */
export function termsOf(form: TermsForm): CampaignTerms {
  return {
    title: form.title.trim(),
    description: (form.description ?? '').trim(),
    paymentTiming: form.payment_timing,
    totalSlots: form.total_slots,
    minimumSlots: form.minimum_slots ?? form.total_slots,
    minSlotsPerUser: form.min_slots_per_user,
    maxSlotsPerUser: form.max_slots_per_user,
    pricePerSlot: BigInt(form.price_per_slot),
    holdSeconds: (form.hold_hours ?? campaignLimits.holdSeconds.default / 3_600) * 3_600,
    deadline: new Date(form.deadline),
    opensAt: form.opens_at ? new Date(form.opens_at) : null,
  };
}

const dayMs = 86_400_000;

/**
 * Returns the default values for a new campaign. Its deadline is in two weeks, at nine in the
 * evening in Jakarta.
 */
export function freshTerms(now: Date, product: ProductRow | undefined): FormState['typed'] {
  const day = formatFieldMoment(new Date(now.getTime() + 14 * dayMs)).slice(0, 10);
  return {
    product_id: product?.product_id,
    title: product?.name.slice(0, 120),
    price_per_slot: product === undefined ? undefined : String(product.base_price),
    total_slots: '50',
    deadline: `${day}T21:00`,
    payment_timing: 'on_completion',
    hold_hours: '24',
  };
}

/** Returns the values of an existing campaign for its form. */
export function termsFields(campaign: Campaign): FormState['typed'] {
  const number = (value: number | bigint | null) => (value === null ? '' : String(value));
  return {
    product_id: campaign.product_id,
    title: campaign.title,
    description: campaign.description,
    total_slots: number(campaign.total_slots),
    minimum_slots: number(campaign.minimum_slots),
    price_per_slot: number(campaign.price_per_slot),
    min_slots_per_user: number(campaign.min_slots_per_user),
    max_slots_per_user: number(campaign.max_slots_per_user),
    deadline: formatFieldMoment(campaign.deadline),
    opens_at: campaign.opens_at === null ? '' : formatFieldMoment(campaign.opens_at),
    payment_timing: campaign.payment_timing,
    hold_hours: number(Math.max(1, Math.round(campaign.hold_seconds / 3_600))),
  };
}

export interface TermsParts {
  readonly action: string;
  readonly shown: FormState;
  /** The products that the seller can choose. If there is only one, it is already selected. */
  readonly products: readonly { readonly product_id: string; readonly name: string }[];
  /** True after the campaign has opened. Then only its title and story can be changed. */
  readonly open: boolean;
  /** True if the form has a field for the opening time. It has none for an existing draft. */
  readonly opening: boolean;
  /**
   * True if buyers of an upfront campaign can pay: there is a receiving account or a payment
   * provider.
   */
  readonly collects: boolean;
  /**
   * True for an existing campaign without an opening time. The form then explains that the seller
   * opens the campaign.
   */
  readonly isDraft?: boolean;
}

/** Returns the form with the fields of a campaign and their errors. */
export function termsForm(visit: PageContext, parts: TermsParts): Html {
  const { t } = visit;
  const { shown, action } = parts;
  const { typed, errors } = shown;
  const field = (name: string) => ({ name, value: typed[name], errors });
  return html`<form class="stack panel" method="post" action="${action}">
    ${parts.open ? hiddenFields(typed, ['title', 'description']) : productField(visit, parts)}
    ${input(visit, {
      ...field('title'),
      label: t('seller.campaignForm.title'),
      required: true,
      control: { minlength: 3, maxlength: 120 },
    })}
    ${textarea(visit, {
      ...field('description'),
      label: t('seller.campaignForm.story'),
      hint: t('seller.campaignForm.whyThisBatchIsMadeWhat'),
      control: { maxlength: 5_000, rows: 6 },
    })}
    ${parts.open ? undefined : numberFields(visit, parts)}
    <div class="row">
      <button class="button" name="aksi" value="pratinjau">
        ${t('seller.campaignForm.seeAPreview')}
      </button>
    </div>
  </form>`;
}

function productField(visit: PageContext, { products, shown }: TermsParts): Html {
  const { t } = visit;
  return select(
    visit,
    {
      name: 'product_id',
      label: t('common.product'),
      value: shown.typed['product_id'],
      errors: shown.errors,
      required: true,
    },
    products.map(({ product_id: value, name: label }) => ({ value, label })),
  );
}

function numberFields(visit: PageContext, { shown, opening, isDraft, collects }: TermsParts): Html {
  const { t } = visit;
  const { typed, errors } = shown;
  const whole = (name: string, label: string, hint?: string, required = false) =>
    input(visit, {
      name,
      label,
      hint,
      required,
      value: typed[name],
      errors,
      control: { inputmode: 'numeric', maxlength: 13, autocomplete: 'off' },
    });
  const moment = (name: string, label: string, hint: string, required = false) =>
    input(visit, {
      name,
      label,
      hint,
      required,
      value: typed[name],
      errors,
      control: { type: 'datetime-local' },
    });
  return html`<div class="fields">
      ${whole('price_per_slot', t('seller.campaignForm.pricePerSlotRp'), undefined, true)}
      ${whole('total_slots', t('seller.campaignForm.totalSlots'), undefined, true)}
      ${whole(
        'minimum_slots',
        t('seller.campaignForm.minimumSlots'),
        t('seller.campaignForm.emptyMeansEverySlot'),
      )}
    </div>
    <div class="fields">
      ${moment(
        'deadline',
        t('seller.campaignForm.deadlineWIB'),
        t('seller.campaignForm.theClockOfJakartaUTC7'),
        true,
      )}
      ${
        opening &&
        moment(
          'opens_at',
          t('seller.campaignForm.opensAutomaticallyAtWIB'),
          t('seller.campaignForm.emptyYouOpenItYourself'),
        )
      }
    </div>
    ${isDraft && html`<p class="hint">${t('seller.campaignForm.youOpenADraftYourself')}</p>`}
    <div class="fields">
      ${whole('min_slots_per_user', t('seller.campaignForm.minimumPerBuyer'))}
      ${whole('max_slots_per_user', t('seller.campaignForm.maximumPerBuyer'))}
    </div>
    <div class="fields">
      ${paymentTimingField(visit, shown, collects)}
      ${whole(
        'hold_hours',
        t('seller.campaignForm.hoursToPay'),
        t('seller.campaignForm.forUpfrontOnlyAnUnpaidSlot'),
      )}
    </div>`;
}

/** Returns the field in which the seller chooses when buyers pay. */
function paymentTimingField(
  visit: PageContext,
  { typed, errors }: FormState,
  collects: boolean,
): Html {
  const { t } = visit;
  return select(
    visit,
    {
      name: 'payment_timing',
      label: t('seller.campaignForm.whenBuyersPay'),
      hint: collects ? undefined : collectsNothing(visit),
      value: typed['payment_timing'],
      errors,
      required: true,
    },
    [
      {
        value: 'on_completion',
        label: t('seller.campaignForm.onceTheCampaignHasSucceeded'),
      },
      { value: 'upfront', label: t('seller.campaignForm.upfront') },
    ],
  );
}

/** Returns what is missing before a campaign with upfront payment can open. */
function collectsNothing({ t }: PageContext): string {
  return t('seller.campaignForm.upfrontCampaignsCannotOpenYetThere');
}

/**
 * Returns the input as hidden fields, so that the next step has it. Leaves out the fields in `but`.
 */
export function hiddenFields(
  typed: FormState['typed'],
  but: readonly string[] = [],
): (Html | undefined)[] {
  return Object.entries(typed).map(([name, value]) =>
    value === undefined || name === 'aksi' || but.includes(name)
      ? undefined
      : html`<input type="hidden" name="${name}" ${attribute('value', value)} />`,
  );
}
