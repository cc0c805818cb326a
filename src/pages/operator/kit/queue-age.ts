import { dueAt, type WorkQueue } from '../../../ledger/work-queues/ages.ts';
import { badge } from '../../../web/components.ts';
import { formatDistance, formatShortMoment } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';

/**
 * Returns since when an item of a work queue has been waiting, and when it is due, as a description
 * list.
 */
export function waitingFacts(visit: PageContext, queue: WorkQueue, since: Date): Html {
  const { t } = visit;
  return html`<dt>${t('operator.queueAge.waitingSince')}</dt>
    <dd>${sinceWhen(visit, since)}</dd>
    <dt>${t('operator.queueAge.due')}</dt>
    <dd>${dueWhen(visit, queue, since)}</dd>`;
}

/**
 * Returns since when an item of a work queue has been waiting, and when it is due, for a table
 * cell.
 */
export function waitingCell(visit: PageContext, queue: WorkQueue, since: Date): Html {
  const { t } = visit;
  return html`${sinceWhen(visit, since)}<br /><small
      >${t('operator.queueAge.due2')} ${dueWhen(visit, queue, since)}</small
    >`;
}

function sinceWhen({ language, person, now }: PageContext, since: Date): Html {
  return html`${formatShortMoment(since, language, person?.timeZone)}
    <span class="quiet">(${formatDistance(since, now, language)})</span>`;
}

function dueWhen(visit: PageContext, queue: WorkQueue, since: Date): Html {
  const { t, language, person, now } = visit;
  const due = dueAt(queue, since);
  const isLate = due < now;
  return html`${formatShortMoment(due, language, person?.timeZone)}${
    isLate && html` ${badge(t('common.late'), 'bad')}`
  }`;
}
