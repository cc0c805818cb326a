import type { Campaign } from '../../../campaigns/campaign.ts';
import { exactMoment, input, notice, textarea } from '../../../web/components.ts';
import { formatFieldMoment } from '../../../web/format.ts';
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
  const title = t('Perpanjang batas waktu', 'Extend the deadline');
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
        ${t('Sekarang', 'At present')}: <strong>${exactMoment(visit, campaign.deadline)}</strong>
      </p>
      ${input(visit, {
        name: 'deadline',
        label: t('Batas waktu baru (WIB)', 'New deadline (WIB)'),
        value: typed['deadline'],
        errors,
        required: true,
        control: { type: 'datetime-local', min: formatFieldMoment(campaign.deadline) },
      })}
      ${textarea(visit, {
        name: 'reason',
        label: t('Alasannya', 'The reason'),
        hint: t('Peserta membacanya.', 'The participants read it.'),
        value: typed['reason'],
        errors,
        required: true,
        control: { minlength: 3, maxlength: 500 },
      })}
      ${notice(
        'busy',
        t('Peserta diberi tahu.', 'The participants are told.'),
        t(
          'Yang ikut sebelum ini boleh keluar tanpa rugi; yang sudah bayar, uangnya kembali.',
          'Who joined before may leave without loss; who has paid gets the money back.',
        ),
      )}
      <button class="button">${t('Perpanjang', 'Extend')}</button>
    </form>`;
  return { title, section: 'shop' as const, main };
}
