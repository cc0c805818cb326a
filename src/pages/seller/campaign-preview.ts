import type { CampaignTerms } from '../../campaigns/campaign.ts';
import type { Picture } from '../../catalogue/picture.ts';
import { countdown, exactMoment, progressBar } from '../../web/components.ts';
import { count, rupiah } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import { pictureTag } from '../../web/picture.ts';
import type { Visit } from '../../web/visit.ts';

export interface Previewed {
  readonly terms: CampaignTerms;
  readonly brandName: string;
  readonly productName: string;
  readonly picture: Picture | null;
}

/** A campaign as its buyers will see it, with nothing that could be pressed. */
export function campaignPreview(visit: Visit, { terms, ...of }: Previewed): Html {
  const { t, language } = visit;
  const number = (value: number) => count(value, language);
  const { totalSlots, minimumSlots, deadline, pricePerSlot } = terms;
  return html`<section class="preview" aria-label="${t('Pratinjau', 'Preview')}">
    <p class="preview-mark">${t('Begini pembeli melihatnya', 'This is what buyers see')}</p>
    <div class="columns">
      <div class="panel">
        <div class="framed">
          ${pictureTag(of.picture, {
            alt: of.productName,
            sizes: '(min-width: 58rem) 40rem, 100vw',
            eager: true,
          })}
        </div>
        <h2>${terms.title}</h2>
        <p class="quiet">${of.brandName} · ${of.productName}</p>
        <p class="prose">${terms.description}</p>
      </div>
      <div class="panel side">
        <p class="price">${rupiah(pricePerSlot, language)} <small>/ slot</small></p>
        ${progressBar(visit, { taken: 0, total: totalSlots })}
        <dl class="facts">
          ${
            terms.opensAt !== null &&
            html`<dt>${t('Dibuka', 'Opens')}</dt>
              <dd>${exactMoment(visit, terms.opensAt)}</dd>`
          }
          <dt>${t('Batas waktu', 'Deadline')}</dt>
          <dd>${exactMoment(visit, deadline)} (${countdown(visit, deadline)})</dd>
          <dt>${t('Minimum', 'At least')}</dt>
          <dd>
            ${t(
              `${number(minimumSlots)} dari ${number(totalSlots)} slot`,
              `${number(minimumSlots)} of ${number(totalSlots)} slots`,
            )}
          </dd>
          ${perBuyer(visit, terms)}
          <dt>${t('Bayar', 'Payment')}</dt>
          <dd>
            ${
              terms.paymentTiming === 'upfront'
                ? t(
                    `Di muka, dalam ${number(terms.holdSeconds / 3_600)} jam setelah ikut`,
                    `Upfront, within ${number(terms.holdSeconds / 3_600)} hours of joining`,
                  )
                : t('Setelah Sambatan berhasil', 'Once the campaign has succeeded')
            }
          </dd>
        </dl>
      </div>
    </div>
  </section>`;
}

function perBuyer(visit: Visit, { minSlotsPerUser, maxSlotsPerUser }: CampaignTerms): Html | false {
  const { t, language } = visit;
  if (minSlotsPerUser === null && maxSlotsPerUser === null) return false;
  const least = count(minSlotsPerUser ?? 1, language);
  const words =
    maxSlotsPerUser === null
      ? t(`minimal ${least} slot`, `${least} slots or more`)
      : t(
          `${least} sampai ${count(maxSlotsPerUser, language)} slot`,
          `${least} to ${count(maxSlotsPerUser, language)} slots`,
        );
  return html`<dt>${t('Per pembeli', 'Per buyer')}</dt>
    <dd>${words}</dd>`;
}
