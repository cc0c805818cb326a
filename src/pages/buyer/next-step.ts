import type { Payment } from '../../ledger/payments/payment.ts';
import { toApiParticipationStatus } from '../../database/status-words.ts';
import { toApiStatus } from '../../database/status-words.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { exactMoment } from '../../web/components.ts';
import type { Part } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import type { PageContext } from '../../web/visit.ts';
import { sum } from '../campaign/rules.ts';

/**
 * Returns the text about the next step of a participation. If a payment is due, the text contains
 * the due time.
 */
export function nextStep(visit: PageContext, row: OwnRow, payment: Payment | undefined): Part {
  const { t } = visit;
  switch (toApiParticipationStatus(row.status)) {
    case 'reserved':
      return whileReserved(visit, row, payment);
    case 'confirmed':
      return whileConfirmed(visit, row, payment);
    case 'fulfilled':
      return t('order.nextStep.youHaveReceivedItThank');
    case 'refunded':
      return onceRefunded(visit, row);
    case 'cancelled':
      return {
        buyer: t('order.nextStep.youCancelled'),
        hold_lapsed: t('order.nextStep.theTimeToPayPassed'),
        operator: t('order.nextStep.thisWasCancelledByAnOperator'),
        unpaid: t('order.nextStep.noPaymentArrivedByItsTime'),
      }[row.cancel_reason ?? 'buyer'];
  }
}

function onceRefunded({ t }: PageContext, row: OwnRow): string {
  if (row.fulfilled_at !== null) {
    return t('order.nextStep.youReceivedTheGoods');
  }
  if (toApiStatus(row.campaign_status) === 'completed') {
    return t('order.nextStep.theCampaignSucceededButYourPart');
  }
  return row.payment_timing === 'upfront'
    ? t('order.nextStep.thisCampaignDidNotHappenWhat')
    : t('order.nextStep.thisCampaignDidNotHappenThere');
}

function whileReserved(visit: PageContext, row: OwnRow, payment: Payment | undefined): Part {
  const { t } = visit;
  if (row.payment_timing === 'upfront') {
    if (toApiStatus(row.campaign_status) === 'verifying' || row.deadline <= visit.now) {
      return afterDeadline(visit, payment);
    }
    if (payment?.status === 'proof_submitted') {
      return t('order.nextStep.weAreCheckingYourPaymentMeanwhile');
    }
    if (row.hold_expires_at === null) {
      return t('order.nextStep.payToMakeYourSlotsCertain');
    }
    const at = exactMoment(visit, row.hold_expires_at);
    return htmlMessage(visit, 'order.nextStep.payBeforeOrTheyAreReleased', { at });
  }
  const amount = sum(visit, row.price_per_slot, row.quantity);
  const at = exactMoment(visit, row.deadline);
  return htmlMessage(visit, 'order.nextStep.yourSlotsAreYoursNothing', { amount, at });
}

/**
 * Returns the text for an order whose time to pay is over. A payment that was made in time is still
 * accepted.
 */
function afterDeadline({ t }: PageContext, payment: Payment | undefined): string {
  if (payment?.status === 'proof_submitted') {
    return t('order.nextStep.timeIsUp');
  }
  return t('order.nextStep.theTimeToPayIsOver');
}

function whileConfirmed(visit: PageContext, row: OwnRow, payment: Payment | undefined): Part {
  const { t } = visit;
  const completed = toApiStatus(row.campaign_status) === 'completed';
  if (row.payment_timing === 'upfront' && !completed) {
    return t('order.nextStep.yourPaymentArrivedNowTheCampaign');
  }
  switch (payment?.status) {
    case 'due':
    case 'rejected':
    case 'pending':
      if (payment.pay_by === null) return t('order.nextStep.theCampaignSucceededNow');
      return payment.pay_by <= visit.now
        ? t('order.nextStep.theTimeToPayIsOverDid')
        : htmlMessage(visit, 'order.nextStep.theCampaignSucceededPayBy', {
            at: exactMoment(visit, payment.pay_by),
          });
    case 'proof_submitted':
      return t('order.nextStep.theCampaignSucceeded');
    default:
      return row.payment_timing === 'upfront' || payment?.status === 'settled'
        ? t('order.nextStep.yourPaymentArrivedAndTheCampaign')
        : t('order.nextStep.yourSlotsAreCertain');
  }
}
