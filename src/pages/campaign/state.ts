import type { Campaign } from '../../campaigns/campaign.ts';
import { countdown, exactMoment } from '../../web/components.ts';
import { formatCount, formatRupiah, formatSlots } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import type { PageContext } from '../../web/visit.ts';
import { takenOf } from './card.ts';

/**
 * Returns the most important fact about a campaign that accepts no joins. Undefined if it accepts
 * joins.
 */
export function stateOf(visit: PageContext, campaign: Campaign): Html | undefined {
  const words = wordsOf(visit, campaign);
  return (
    words &&
    html`<div class="state">
      <h2>${words.title}</h2>
      <p>${words.detail}</p>
    </div>`
  );
}

/** Returns true if a join seems possible by the server's clock. Only the database can decide it. */
export function takesJoins({ now }: Pick<PageContext, 'now'>, campaign: Campaign): boolean {
  return campaign.slots_remaining > 0 && campaign.status === 'active' && isOpen(now, campaign);
}

/**
 * Returns true if the campaign is running and all slots are taken or held, so that users can join
 * the waiting list.
 */
export function takesWaiting({ now }: Pick<PageContext, 'now'>, campaign: Campaign): boolean {
  const runs = campaign.status === 'active' || campaign.status === 'full';
  return runs && campaign.slots_remaining === 0 && isOpen(now, campaign);
}

function isOpen(now: Date, campaign: Campaign): boolean {
  return !campaign.is_closing && campaign.deadline > now;
}

function wordsOf(visit: PageContext, campaign: Campaign) {
  const { t, language } = visit;
  const taken = formatSlots(takenOf(campaign), language);
  if (takesJoins(visit, campaign)) return undefined;
  switch (campaign.status) {
    case 'inactive':
      return {
        title: t('campaign.state.stillADraft'),
        detail: t('campaign.state.onlyYourTeamSeesThisPage'),
      };
    case 'scheduled':
      return {
        title: t('campaign.state.openingSoon'),
        detail: htmlMessage(visit, 'campaign.state.opensAt', {
          at: exactMoment(visit, campaign.opens_at ?? campaign.deadline),
          left: countdown(visit, campaign.opens_at ?? campaign.deadline),
        }),
      };
    case 'active':
      if (takesWaiting(visit, campaign)) {
        return {
          title: t('campaign.state.everySlotIsHeld'),
          detail: t('campaign.state.whatCameFreeIsBeingOffered'),
        };
      }
      return {
        title: t('campaign.state.timeIsUp'),
        detail: t('campaign.state.theResultIsBeingCounted'),
      };
    case 'full':
      return campaign.is_closing
        ? {
            title: t('campaign.state.fullBeingCompleted'),
            detail: t('campaign.state.everySlotIsTaken'),
          }
        : {
            title: t('common.allSlotsTaken'),
            detail: t('campaign.state.ifSomebodyLeavesBeforeItCloses'),
          };
    case 'verifying':
      return {
        title: t('campaign.state.timeIsUpPaymentsAreBeing'),
        detail: t('campaign.state.whatWasPaidBeforeTheDeadline'),
      };
    case 'completed':
      return {
        title: t('campaign.state.itSucceeded'),
        detail: t('campaign.state.wereTakenTheBatchIsMade', { taken }),
      };
    case 'failed':
      return {
        title: t('campaign.state.notFilledThisTime'),
        detail: t('campaign.state.ofAtLeastByTheDeadline', {
          taken,
          minimumSlots: campaign.minimum_slots,
        }),
      };
    case 'cancelled':
      return {
        title: t('campaign.state.cancelled'),
        detail: t('campaign.state.thisCampaignWasCancelled'),
      };
  }
}

/** Returns the text for link previews: price, progress and brand. */
export function sentenceOf(visit: PageContext, campaign: Campaign): string {
  const { t, language } = visit;
  const price = formatRupiah(campaign.price_per_slot, language);
  const taken = formatCount(takenOf(campaign), language);
  const total = formatSlots(campaign.total_slots, language);
  return t('campaign.state.aSlotOfTaken', { price, taken, total, brandName: campaign.brand_name });
}
