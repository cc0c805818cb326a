import type { AuditRow } from '../../audit/queries.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { formatMoment, formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/**
 * Returns the history of an order: the events of the participation and of its campaign from the
 * audit log, newest first.
 */
export function historyOf(visit: PageContext, row: OwnRow, log: readonly AuditRow[]): Html {
  const { t, language, person } = visit;
  const told = log.flatMap((entry) => {
    const words = wordsOf(visit, row, entry);
    return words === undefined ? [] : [{ at: entry.occurred_at, words }];
  });
  return html`<section class="panel" aria-labelledby="history">
    <h2 id="history">${t('order.history.history')}</h2>
    <ol class="timeline">
      ${told
        .toReversed()
        .map(
          ({ at, words }) =>
            html`<li>
              ${words}<br /><time class="quiet" datetime="${at.toISOString()}"
                >${formatShortMoment(at, language, person?.timeZone)}</time
              >
            </li>`,
        )}
    </ol>
  </section>`;
}

function wordsOf(
  visit: PageContext,
  row: OwnRow,
  { event, metadata }: AuditRow,
): string | undefined {
  const { t, language } = visit;
  switch (event) {
    case 'participant_joined': {
      const quantity = Number(metadata['quantity'] ?? row.quantity);
      return t('order.history.youOrdered', { quantity });
    }
    case 'participant_changed':
      return metadata['from'] === undefined
        ? t('order.history.theAddressOrNoteWasUpdated')
        : t('order.history.theOrderWasReduced', { quantity: row.quantity });
    case 'participant_confirmed':
      return metadata['amount'] === undefined
        ? t('order.history.yourSlotsWereConfirmed')
        : t('order.history.yourPaymentWasReceived');
    case 'participant_cancelled':
      return whyLeft(visit, row);
    case 'participant_refunded':
      return t('order.history.whatYouPaidIsRefunded');
    case 'participant_fulfilled':
      return t('order.history.theOrderWasReceived');
    case 'campaign_shipped':
      return t('order.history.theOrderWasShipped');
    case 'campaign_full':
      return t('order.history.everySlotWasTaken');
    case 'campaign_reopened':
      return t('order.history.aSlotCameFreeItOpened');
    case 'campaign_completed':
      return t('order.history.theCampaignSucceeded');
    case 'campaign_failed':
      return t('order.history.theCampaignWasNotFilled');
    case 'campaign_cancelled':
      return whyCancelled(visit, metadata['reason']);
    case 'deadline_extended': {
      const to = formatMoment(new Date(String(metadata['to'])), language);
      const reason = metadata['reason'];
      return typeof reason === 'string' && reason !== ''
        ? t('order.history.theDeadlineWasMovedBecause', { to, reason })
        : t('order.history.theDeadlineWasMoved', { to });
    }
    default:
      return undefined;
  }
}

function whyLeft({ t }: PageContext, { cancel_reason: why }: OwnRow): string {
  if (why === 'operator') return t('order.history.anOperatorCancelled');
  return why === 'hold_lapsed' || why === 'unpaid'
    ? t('order.history.theTimeToPayPassed')
    : t('order.history.youCancelled');
}

/**
 * Returns why a campaign was cancelled: the reason that a person entered, or that too few orders
 * were paid.
 */
function whyCancelled({ t }: PageContext, reason: unknown): string {
  if (reason === 'below_minimum') return t('order.history.tooFewOrdersWerePaid');
  return typeof reason === 'string' && reason !== ''
    ? t('order.history.theCampaignWasCancelledBecause', { reason })
    : t('order.history.theCampaignWasCancelled');
}
