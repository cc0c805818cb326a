import { dueAt, type WorkQueue } from '../../ledger/work-queues/ages.ts';
import { badge } from '../../web/components.ts';
import { distance, shortMoment } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { Visit } from '../../web/visit.ts';

/** Since when something has waited in a queue, as facts: its age, and when it should be done. */
export function waitingFacts(visit: Visit, queue: WorkQueue, since: Date): Html {
  const { t } = visit;
  return html`<dt>${t('Menunggu sejak', 'Waiting since')}</dt>
    <dd>${sinceWhen(visit, since)}</dd>
    <dt>${t('Selesaikan sebelum', 'Due')}</dt>
    <dd>${dueWhen(visit, queue, since)}</dd>`;
}

/** The same for a cell of a table. */
export function waitingCell(visit: Visit, queue: WorkQueue, since: Date): Html {
  const { t } = visit;
  return html`${sinceWhen(visit, since)}<br /><small
      >${t('selesaikan sebelum', 'due')} ${dueWhen(visit, queue, since)}</small
    >`;
}

function sinceWhen({ language, person, now }: Visit, since: Date): Html {
  return html`${shortMoment(since, language, person?.timeZone)}
    <span class="quiet">(${distance(since, now, language)})</span>`;
}

function dueWhen(visit: Visit, queue: WorkQueue, since: Date): Html {
  const { t, language, person, now } = visit;
  const due = dueAt(queue, since);
  const isLate = due < now;
  return html`${shortMoment(due, language, person?.timeZone)}${
    isLate && html` ${badge(t('Terlambat', 'Late'), 'bad')}`
  }`;
}
