import type { Campaign } from '../../campaigns/campaign.ts';
import { formatRupiah } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/**
 * Returns the rules of a campaign in plain words: when it succeeds or fails, and when buyers pay.
 */
export function rulesOf(visit: PageContext, campaign: Campaign): Html {
  const { t } = visit;
  const rule = (question: string, answer: string) =>
    html`<dt>${question}</dt>
      <dd>${answer}</dd>`;
  return html`<section class="panel" aria-labelledby="rules">
    <h2 id="rules">${t('campaign.rules.howItWorks')}</h2>
    <dl class="rules">
      ${rule(t('campaign.rules.whenItFills'), whenFilled(visit, campaign))}
      ${rule(t('campaign.rules.whenItDoesNot'), whenNot(visit, campaign))}
      ${rule(t('campaign.rules.whenDoIPay'), whenDue(visit, campaign))}
      ${rule(t('campaign.rules.canICancel'), leavingRule(visit, campaign))}
    </dl>
  </section>`;
}

function whenFilled({ t }: PageContext, campaign: Campaign): string {
  const { minimum_slots: minimum, total_slots: total } = campaign;
  if (total === 1) {
    return t('campaign.rules.onceItsOnlySlotIsTaken');
  }
  if (minimum === total) {
    return t('campaign.rules.onceAllAreTakenThisBatch', { total });
  }
  return t('campaign.rules.theBatchIsMadeWhenAll', { total, minimum });
}

function whenNot({ t }: PageContext, campaign: Campaign): string {
  return campaign.payment_timing === 'upfront'
    ? t('campaign.rules.itIsNotMadeAndEverything')
    : t('campaign.rules.itIsNotMadeAndThere');
}

/** Returns the sentence about when a buyer of this campaign pays. */
export function whenDue(
  { t }: PageContext,
  campaign: Pick<Campaign, 'payment_timing' | 'hold_seconds'>,
) {
  if (campaign.payment_timing === 'on_completion') {
    return t('campaign.rules.payOnceItSucceeds');
  }
  const hours = Math.max(1, Math.round(campaign.hold_seconds / 3_600));
  return campaign.hold_seconds < 3_600
    ? t('campaign.rules.rightAfterJoiningBeforeYourSlots')
    : t('campaign.rules.withinOfJoiningIfNotPaid', { hours });
}

function leavingRule({ t }: PageContext, campaign: Campaign): string {
  const { payment_timing, min_slots_per_user: least, max_slots_per_user: most } = campaign;
  const leave =
    payment_timing === 'upfront'
      ? t('campaign.rules.yesUntilItIsPaid')
      : t('campaign.rules.yesForFreeUntilTheCampaign');
  if (least === null && most === null) return leave;
  const limits = `${leave} ${bounds(t, least, most)}`;
  if (least === null || least === 1) return limits;
  return `${limits} ${t('campaign.rules.ifFewerThanThatAreLeft')}`;
}

/**
 * Returns the sentence about the minimum and maximum number of slots per buyer. At least one of the
 * two numbers is set.
 */
function bounds(t: PageContext['t'], least: number | null, most: number | null): string {
  if (most === null) return t('campaign.rules.atLeast', { least: least! });
  if (least === null) return t('campaign.rules.atMost', { most });
  return least === most
    ? t('campaign.rules.exactly', { most })
    : t('campaign.rules.to', { least, most });
}

/** Returns a price calculation such as `Rp125.000 × 2 = Rp250.000`. */
export function sum({ language }: PageContext, price: bigint, quantity: number): string {
  return formatRupiah(price * BigInt(quantity), language);
}
