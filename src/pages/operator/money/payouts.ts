import { madePart, moneyOutParts } from './refund-parts.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../../deps.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import { recentlySettled } from '../../../ledger/work-queues/work-queues.ts';
import type { PayoutRow } from '../../../ledger/payouts/queries.ts';
import {
  duePayouts,
  releasePayout,
  reversePayout,
  settlePayout,
} from '../../../ledger/payouts/operations.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { badge, emptyState } from '../../../web/components.ts';
import { formatDistance, formatRupiah, formatShortMoment } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { entryForms } from '../kit/entry-forms.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import {
  bankAccountText,
  fieldOf,
  collapsibleForm,
  readReason,
  readReference,
  requireValid,
} from '../kit/parts.ts';
import { waitingFacts } from '../kit/queue-age.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

const section = '/operator/uang';
const payoutsPath = `${section}/pencairan`;
const pageSize = 20;
const madeShown = 20;

/**
 * Registers the page with payouts to sellers. Operators release, settle and reverse them. A payout
 * with an open dispute is blocked.
 */
export function operatorPayouts(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, refused?: DomainError) => {
      const { visit } = request;
      const { actor } = visit;
      authorize(actor, 'payout.settle');
      const [position = null, id = null] = cursorAfter(queryParam(request, 'cursor'), [
        'number',
        'id',
      ]);
      const wanted = { releasedOnly: false, after: [position, id], limit: pageSize + 1 } as const;
      const [rows, made] = await Promise.all([
        duePayouts(app.db, actor, wanted),
        recentlySettled(app.db, actor, 'payout', madeShown),
      ]);
      const list = cursorPage(visit, rows, {
        size: pageSize,
        url: visit.url(payoutsPath),
        isFirst: position === null,
        cursorOf: (row) => [Number(row.position), row.transaction_id],
      });
      const body = html`${moneyOutParts(visit, payoutsPath)}${flashMessage(request)}${refusalNotice(visit, refused)}
      ${rows.length === 0 ? emptyList(visit) : list.rows.map((row) => payoutEntry(visit, row))}
      ${list.links} ${madePart(visit, payoutsPath, made, new Map())}`;
      const title = visit.t('operator.payouts.payoutsToSellers');
      const page = { title, at: section, body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get(payoutsPath, async (request, reply) => show(request, reply));

    const form = entryForms(server, { listPath: payoutsPath, action: 'payout.settle', show });
    form('lepas', 'dilepas', async ({ visit }, id) =>
      runInTransaction(app.db, (tx) => releasePayout(tx, visit.actor, id)),
    );
    form('cair', 'cair', async ({ visit, body }, id) => {
      const { reference } = requireValid(readReference(body));
      return await runInTransaction(app.db, (tx) =>
        settlePayout(tx, visit.actor, id, reference.trim()),
      );
    });
    form('balik', 'dibalik', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      return await runInTransaction(app.db, (tx) =>
        reversePayout(tx, visit.actor, id, reason.trim()),
      );
    });
  };
}

function emptyList({ t }: PageContext): Html {
  return emptyState(t('common.nothingToReview'), t('operator.payouts.aPayoutAppearsOnceACampaign'));
}

function payoutEntry(visit: PageContext, row: PayoutRow): Html {
  const { t, url, language, person, now } = visit;
  const id = row.transaction_id;
  return html`<article class="panel">
    <div class="row apart">
      <h2><a href="${url(`/operator/sambatan/${row.campaign_id}`)}">${row.title}</a></h2>
      ${
        row.is_disputed
          ? badge(t('common.onHoldDispute'), 'bad')
          : row.released_at === null
            ? badge(t('common.awaitingDelivery'), 'busy')
            : badge(t('operator.payouts.readyToPayOut'), 'good')
      }
    </div>
    <dl class="facts">
      <dt>${t('common.amount')}</dt>
      <dd><strong>${formatRupiah(row.amount, language)}</strong></dd>
      <dt>${t('common.toTheAccount')}</dt>
      <dd>${bankAccountText(visit, row)}</dd>
      ${
        row.released_at === null
          ? html`<dt>${t('common.since')}</dt>
              <dd>
                ${formatShortMoment(row.created_at, language, person?.timeZone)}
                <span class="quiet">(${formatDistance(row.created_at, now, language)})</span>
              </dd>`
          : waitingFacts(visit, 'payouts', row.released_at)
      }
    </dl>
    ${
      row.is_disputed
        ? html`<p>
            <a href="${url(`${section}/keluhan`)}"
              >${t('operator.payouts.resolveTheDisputeFirst')}</a
            >
          </p>`
        : row.released_at === null
          ? html`<form method="post" action="${url(`${payoutsPath}/${id}/lepas`)}">
              <button class="button quiet">${t('operator.payouts.releaseNow')}</button>
            </form>`
          : collapsibleForm(
              visit,
              {
                path: `${payoutsPath}/${id}/cair`,
                words: t('operator.payouts.itWasTransferred'),
                button: t('operator.payouts.settleThePayout'),
              },
              fieldOf(id, 'reference', t('common.transferReference'), {
                required: true,
                maxlength: 200,
              }),
            )
    }
  </article>`;
}
