import type { MessageKey } from '../../i18n/message-keys.ts';
import { toApiStatus, type StoredCampaignStatus } from '../../database/status-words.ts';
import { summarizeCampaigns, type Summary } from '../../campaigns/lists.ts';
import type { PageDeps } from '../deps.ts';
import {
  dueAt,
  maxQueueItems,
  viewQueues,
  workQueues,
  type QueueRow,
  type WorkQueue,
} from '../../ledger/work-queues/ages.ts';
import { redirect, type PagePlugin } from '../../http/page-response.ts';
import { authorize } from '../../identity/policy.ts';
import {
  listOverdue,
  listUndecided,
  listWorkers,
  type WorkerRow,
} from '../../lifecycle/queries.ts';
import type { SchedulerStatus } from '../../lifecycle/scheduler.ts';
import { badge, emptyState, notice } from '../../web/components.ts';
import { formatCount, formatDistance, formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { campaignWords } from '../statuses.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { sendOperatorPage } from './kit/frame.ts';
import { scrollingTable } from '../../web/table.ts';

/**
 * A campaign is listed as stuck if it is this late. Normally it opens and closes within a second of
 * its time.
 */
const overdueAfterSeconds = 30;
const mostOverdue = 20;
const maxUndecided = 20;
/**
 * A worker is considered alive for this time after its last heartbeat. Workers send one every four
 * seconds.
 */
const aliveForMs = 15_000;

/** Registers the overview page: open work, figures about campaigns, and the scheduler's workers. */
export function operatorOverview(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get<{ Querystring: { jalan?: string } }>('/operator', async (request, reply) => {
      const { visit } = request;
      authorize(visit.actor, 'dashboard.read');
      const [summary, overdue, undecided, workers, waiting] = await Promise.all([
        summarizeCampaigns(app.db),
        app.db.rows(listOverdue, overdueAfterSeconds, mostOverdue),
        app.db.rows(listUndecided, maxUndecided),
        app.db.rows(listWorkers),
        viewQueues(app.db, visit.actor, app.payments.gateway),
      ]);
      const body = html`${ranNotice(visit, request.query.jalan)}
        <section class="panel">
          <h2 id="hand">${visit.t('operator.overview.needsAttention')}</h2>
          ${queues(visit, waiting)}
          ${overdue.length > 0 ? overdueTable(visit, overdue) : allWell(visit)}
        </section>
        ${undecidedPart(visit, undecided)} ${figures(visit, summary)}
        ${scheduler(visit, app.scheduler.status(), workers)}`;
      return sendOperatorPage(request, reply, { title: 'Operator', at: '/operator', body });
    });

    server.post('/operator/jalankan', async (request, reply) => {
      authorize(request.visit.actor, 'scheduler.trigger');
      const { transitions } = await app.scheduler.sweep();
      return redirect(request, reply, `/operator?jalan=${transitions.length}`);
    });
  };
}

/** The page and the label of each work queue. */
const queuePages = {
  proofs: { path: '/operator/pembayaran', label: 'operator.overview.proofsOfPayment' },
  overdue_payments: {
    path: '/operator/pembayaran?status=overdue',
    label: 'operator.overview.overduePayments',
  },
  statement_lines: {
    path: '/operator/pembayaran/mutasi',
    label: 'operator.overview.unmatchedTransfers',
  },
  refunds: { path: '/operator/uang', label: 'operator.overview.refunds' },
  payouts: { path: '/operator/uang/pencairan', label: 'operator.overview.payoutsToSend' },
  claims: { path: '/operator/uang/dobel', label: 'operator.overview.duplicateRefunds' },
  disputes: { path: '/operator/uang/keluhan', label: 'operator.overview.disputes' },
  decisions: { path: '/operator#decisions', label: 'operator.overview.decisions' },
} as const satisfies Record<WorkQueue, { path: string; label: MessageKey }>;

/**
 * Returns the work queues for operators, with links, numbers of items, and the age of the oldest
 * item.
 */
function queues(visit: PageContext, waiting: ReadonlyMap<WorkQueue, QueueRow>): Html {
  const { t, url, language, now } = visit;
  const item = (queue: WorkQueue) => {
    const { path, label } = queuePages[queue];
    const { items = 0, oldest = null } = waiting.get(queue) ?? {};
    return html`<li>
      <strong>${formatCount(items, language)}${items === maxQueueItems && '+'}</strong>
      <a href="${url(path)}">${t(label)}</a>${
        oldest !== null &&
        html`<br /><small class="quiet"
            >${t('operator.overview.oldest')} ${formatDistance(oldest, now, language)}</small
          >${dueAt(queue, oldest) < now && html` ${badge(t('common.late'), 'bad')}`}`
      }
    </li>`;
  };
  return html`<ul class="figures queues">
    ${workQueues.map(item)}
  </ul>`;
}

interface Undecided {
  readonly campaign_id: string;
  readonly title: string;
  readonly decision_opened_at: Date;
  readonly sellers_until: Date;
}

/**
 * Returns the campaigns with fewer paid slots than their minimum that wait for a decision. The
 * seller can decide first; after a time limit operators can decide too.
 */
function undecidedPart(visit: PageContext, rows: readonly Undecided[]): Html | false {
  const { t, url, now, language, person } = visit;
  if (rows.length === 0) return false;
  const line = (row: Undecided) =>
    html`<li>
      <a href="${url(`/operator/sambatan/${row.campaign_id}`)}">${row.title}</a><br />
      <small
        >${t('operator.overview.waitingSince')}
        ${formatShortMoment(row.decision_opened_at, language, person?.timeZone)}
        (${formatDistance(row.decision_opened_at, now, language)})</small
      >
      ${
        row.sellers_until > now
          ? html`<small
              >· ${t('operator.overview.theSellerDecidesUntil')}
              ${formatShortMoment(row.sellers_until, language, person?.timeZone)}</small
            >`
          : badge(t('operator.overview.operatorsMayDecide'), 'busy')
      }
    </li>`;
  return html`<section class="panel" aria-labelledby="decisions">
    <h2 id="decisions">${t('operator.overview.waitingForADecision')}</h2>
    <p class="quiet">${t('operator.overview.fewerSlotsArePaidThan')}</p>
    <ul class="plain">
      ${rows.map(line)}
    </ul>
  </section>`;
}

function ranNotice(visit: PageContext, transitions: string | undefined): Html | undefined {
  if (transitions === undefined || !/^\d{1,6}$/.test(transitions)) return undefined;
  const { t } = visit;
  const done = formatCount(Number(transitions), visit.language);
  return notice(
    'good',
    t('operator.overview.checkFinished'),
    t('operator.overview.statusChanges', { done }),
  );
}

function allWell({ t }: PageContext): Html {
  return emptyState(
    t('operator.overview.nothingIsLate'),
    t('operator.overview.everyCampaignWasOpenedAndClosed'),
  );
}

interface Overdue {
  readonly campaign_id: string;
  readonly title: string;
  readonly status: StoredCampaignStatus;
  readonly closing_outcome: string | null;
  readonly next_run_at: Date;
}

function overdueTable(visit: PageContext, rows: readonly Overdue[]): Html {
  const { t, url, now, language } = visit;
  return scrollingTable<Overdue>(
    { labelledBy: 'hand' },
    {
      rows,
      columns: [
        {
          head: t('operator.campaigns.campaign'),
          isRowHead: true,
          cell: ({ campaign_id: id, title }) =>
            html`<a href="${url(`/operator/sambatan/${id}`)}">${title}</a>`,
        },
        {
          head: t('operator.overview.wasDue'),
          cell: ({ next_run_at: at }) => formatDistance(at, now, language),
        },
        {
          head: t('operator.overview.state'),
          cell: ({ closing_outcome: outcome, status }) =>
            html`${
                outcome === null
                  ? badge(t('operator.overview.overdue'), 'bad')
                  : badge(t('operator.overview.closingIsNotDone'), 'busy')
              }
              <span class="quiet"
                >${inLanguage(visit, campaignWords[toApiStatus(status)].words)}</span
              >`,
        },
      ],
    },
  );
}

function figures(visit: PageContext, summary: Summary): Html {
  const { t, language } = visit;
  const figure = (value: number, words: string) =>
    html`<li><strong>${formatCount(value, language)}</strong>${words}</li>`;
  return html`<section class="panel" aria-labelledby="numbers">
    <h2 id="numbers">${t('common.overview')}</h2>
    <ul class="figures">
      ${figure(summary.total_campaigns, t('operator.overview.publishedCampaigns'))}
      ${figure(summary.active_campaigns, t('operator.overview.running'))}
      ${figure(summary.full_campaigns, t('operator.overview.full'))}
      ${figure(summary.completed_campaigns, t('operator.overview.succeeded'))}
      ${figure(summary.failed_campaigns, t('operator.overview.notFilled'))}
      ${figure(summary.total_slots_taken, t('operator.overview.slotsTaken'))}
    </ul>
  </section>`;
}

function scheduler(
  visit: PageContext,
  status: SchedulerStatus,
  workers: readonly WorkerRow[],
): Html {
  const { t, url, now, language, person } = visit;
  const alive = workers.filter(({ seen_at }) => now.getTime() - seen_at.getTime() < aliveForMs);
  const at = (moment: Date) => formatShortMoment(moment, language, person?.timeZone);
  return html`<section class="panel" aria-labelledby="clock">
    <div class="row apart">
      <h2 id="clock">${t('operator.overview.scheduler')}</h2>
      ${
        alive.length > 0
          ? badge(t('operator.overview.running2', { alive: alive.length }), 'good')
          : badge(t('operator.overview.noneIsRunning'), 'bad')
      }
    </div>
    ${
      status.failure !== null &&
      notice(
        alive.length > 0 ? 'busy' : 'bad',
        t('operator.overview.itDoesNotRun'),
        status.failure === 'not started' ? t('operator.overview.notStarted') : status.failure,
      )
    }
    <dl class="facts">
      <dt>${t('operator.overview.nextCheck')}</dt>
      <dd>${status.nextRunTime === null ? '–' : at(status.nextRunTime)}</dd>
      <dt>${t('operator.overview.every')}</dt>
      <dd>${t('operator.overview.minutes', { intervalMinutes: status.intervalMinutes })}</dd>
      ${workers.slice(0, 5).map(
        (worker) =>
          html`<dt><code>${worker.worker_id.slice(-8)}</code></dt>
            <dd>
              ${t('operator.overview.seen')}
              ${formatDistance(worker.seen_at, now, language)}${
                worker.last_run_at !== null &&
                html`, ${t('operator.overview.lastRun')} ${at(worker.last_run_at)}
                (${formatCount(worker.last_run_transitions ?? 0, language)}
                ${t('operator.overview.changes')})`
              }
            </dd>`,
      )}
    </dl>
    <form method="post" action="${url('/operator/jalankan')}">
      <button class="button">${t('operator.overview.checkNow')}</button>
    </form>
  </section>`;
}
