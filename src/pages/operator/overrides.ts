import { wording } from '../../i18n/messages.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import type { DomainError, FieldError } from '../../errors/errors.ts';
import type { RawFields } from '../../http/forms.ts';
import { input, notice, textarea } from '../../web/components.ts';
import { formatFieldMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { decisionPart } from '../seller/campaigns/decision.ts';
import { refusalNotice } from '../kit/refusal-notice.ts';

/** One of the two forms after it was refused, with its input. */
export interface Sent {
  readonly form: 'extend' | 'cancel';
  readonly typed: RawFields;
  readonly errors: readonly FieldError[];
  readonly refused?: DomainError | undefined;
}

/**
 * Returns the two forms with which an operator overrides a seller: to extend and to cancel a
 * campaign. Each needs a reason. For a campaign that is no longer running, returns only the forms
 * of an open decision.
 */
export function overrides(visit: PageContext, campaign: Campaign, sent: Sent | undefined): Html {
  const { t } = visit;
  const open = campaign.status === 'active' || campaign.status === 'full';
  const callable = open || ['scheduled', 'inactive', 'verifying'].includes(campaign.status);
  if (campaign.is_closing) {
    return notice('busy', t('operator.overrides.itIsBeingClosed'));
  }
  if (!callable) return html`${decisionPart(visit, campaign, '/operator/sambatan')}`;
  return html`<section class="panel" aria-labelledby="overrides">
    <h2 id="overrides">${t('operator.overrides.operatorActions')}</h2>
    <p class="quiet">${t('operator.overrides.yourReasonIsKept')}</p>
    ${refusalNotice(visit, sent?.refused)}
    ${open && extendForm(visit, campaign, sent?.form === 'extend' ? sent : undefined)}
    ${cancelForm(visit, campaign, sent?.form === 'cancel' ? sent : undefined)}
  </section>`;
}

function extendForm(visit: PageContext, campaign: Campaign, sent: Sent | undefined): Html {
  const { t, url } = visit;
  return html`<details ${sent ? html`open` : ''}>
    <summary>${t('common.extendTheDeadline')}</summary>
    <form
      class="stack"
      method="post"
      action="${url(`/operator/sambatan/${campaign.id}/perpanjang`)}"
    >
      ${input(visit, {
        name: 'deadline',
        label: t('common.newDeadlineWIB'),
        value: sent?.typed['deadline'] ?? formatFieldMoment(campaign.deadline),
        errors: sent?.errors,
        required: true,
        control: { type: 'datetime-local', min: formatFieldMoment(campaign.deadline) },
      })}
      ${reasonField(visit, sent)}
      <button class="button">${t('common.extend')}</button>
    </form>
  </details>`;
}

function cancelForm(visit: PageContext, campaign: Campaign, sent: Sent | undefined): Html {
  const { t, url } = visit;
  return html`<details ${sent ? html`open` : ''}>
    <summary>${t('common.cancelThisCampaign')}</summary>
    <form class="stack" method="post" action="${url(`/operator/sambatan/${campaign.id}/batalkan`)}">
      <p>${t('operator.overrides.everybodyWhoJoinedIsRefunded')}</p>
      ${input(visit, {
        name: 'title',
        label: t('common.typeTitleToConfirm'),
        hint: campaign.title,
        value: sent?.typed['title'],
        errors: sent?.errors,
        required: true,
        control: { autocomplete: 'off', maxlength: 120 },
      })}
      ${reasonField(visit, sent)}
      <button class="button danger">${t('operator.overrides.cancelCampaign')}</button>
    </form>
  </details>`;
}

function reasonField(visit: PageContext, sent: Sent | undefined): Html {
  return textarea(visit, {
    name: 'reason',
    label: visit.t('common.reason'),
    value: sent?.typed['reason'],
    errors: sent?.errors,
    required: true,
    control: { minlength: 3, maxlength: 500 },
  });
}

/** Returns an error if the typed title differs from the title of the campaign. */
export function wrongTitle(campaign: Campaign, typed: string): FieldError[] {
  if (typed.trim() === campaign.title.trim()) return [];
  return [
    {
      field: 'title',
      message: wording('operator.overrides.thisIsNotTheTitleYet'),
    },
  ];
}
