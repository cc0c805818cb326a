import type { Campaign } from '../../../campaigns/campaign.ts';
import { exactMoment, input, notice, textarea } from '../../../web/components.ts';
import { formatFieldMoment } from '../../../i18n/format.ts';
import { html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import type { FormState } from '../../kit/form-action.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';

export function extensionPage(
  visit: PageContext,
  campaign: Campaign,
  { typed, errors, refused }: FormState,
) {
  const { t, url } = visit;
  const title = t('common.extendTheDeadline');
  const main = html`<p class="crumbs">
      <a href="${url(`/toko/sambatan/${campaign.id}`)}">${campaign.title}</a>
    </p>
    <h1>${title}</h1>
    ${refusalNotice(visit, refused)}
    <form
      class="stack panel narrow"
      method="post"
      action="${url(`/toko/sambatan/${campaign.id}/perpanjang`)}"
    >
      <p>
        ${t('seller.extensionPage.atPresent')}:
        <strong>${exactMoment(visit, campaign.deadline)}</strong>
      </p>
      ${input(visit, {
        name: 'deadline',
        label: t('common.newDeadlineWIB'),
        value: typed['deadline'],
        errors,
        required: true,
        control: { type: 'datetime-local', min: formatFieldMoment(campaign.deadline) },
      })}
      ${textarea(visit, {
        name: 'reason',
        label: t('common.reasonForBuyers'),
        hint: t('common.buyersSeeReason'),
        value: typed['reason'],
        errors,
        required: true,
        control: { minlength: 3, maxlength: 500 },
      })}
      ${notice(
        'busy',
        t('seller.extensionPage.theParticipantsAreTold'),
        t('seller.extensionPage.buyersCanLeaveAtNoCost'),
      )}
      <button class="button">${t('common.extend')}</button>
    </form>`;
  return { title, section: 'shop' as const, main };
}
