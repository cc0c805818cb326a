import { moneyOutParts } from './refund-parts.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../../deps.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { formParser } from '../../../http/forms.ts';
import { choice, closed, text } from '../../../http/schemas.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import {
  earlierDecisionsOf,
  openDisputes,
  resolveDispute,
} from '../../../ledger/disputes/operations.ts';
import { participationsById } from '../../../ledger/work-queues/work-queues.ts';
import type { ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import type { DisputeRow, EarlierDecisionRow } from '../../../ledger/disputes/queries.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { emptyState } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { disputePictures } from '../../buyer/dispute-pictures-part.ts';
import { entryForms } from '../kit/entry-forms.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { buyerLink, fieldOf, collapsibleForm, requireValid, orderSummary } from '../kit/parts.ts';
import { waitingFacts } from '../kit/queue-age.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

const section = '/operator/uang';
const disputesPath = `${section}/keluhan`;
const pageSize = 20;
const readResolution = formParser(
  closed({ resolution: choice(['upheld', 'dismissed']), explanation: text(3, 500) }),
);

/**
 * Registers the page with the disputes of buyers. The payout of a campaign is blocked until its
 * disputes are resolved.
 */
export function operatorDisputes(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, refused?: DomainError) => {
      const { visit } = request;
      const { actor } = visit;
      authorize(actor, 'dispute.resolve');
      const [position = null, id = null] = cursorAfter(queryParam(request, 'cursor'), [
        'number',
        'id',
      ]);
      const rows = await openDisputes(app.db, actor, [position, id], pageSize + 1);
      const participationIds = rows.map(({ participation_id }) => participation_id);
      const disputeIds = rows.map(({ dispute_id }) => dispute_id);
      const [subjects, earlier] = await Promise.all([
        participationsById(app.db, actor, participationIds),
        earlierDecisionsOf(app.db, actor, disputeIds),
      ]);
      const list = cursorPage(visit, rows, {
        size: pageSize,
        url: visit.url(disputesPath),
        isFirst: position === null,
        cursorOf: (row) => [Number(row.position), row.dispute_id],
      });
      const body = html`${moneyOutParts(visit, disputesPath)}${flashMessage(request)}${refusalNotice(visit, refused)}
      ${
        rows.length === 0
          ? emptyState(
              visit.t('operator.disputes.noDisputes'),
              visit.t('operator.disputes.nobodySaysThatAnythingIsWrong'),
            )
          : list.rows.map((row) =>
              disputeEntry(
                visit,
                row,
                subjects.get(row.participation_id),
                earlier.get(row.dispute_id),
              ),
            )
      }${list.links}`;
      const page = { title: visit.t('common.disputes'), at: section, body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get(disputesPath, async (request, reply) => show(request, reply));

    const form = entryForms(server, { listPath: disputesPath, action: 'dispute.resolve', show });
    form('selesai', 'selesai', async ({ visit, body }, id) => {
      const { resolution, explanation } = requireValid(readResolution(body));
      const words = { resolution, explanation: explanation.trim() };
      return await runInTransaction(app.db, (tx) => resolveDispute(tx, visit.actor, id, words));
    });
  };
}

function disputeEntry(
  visit: PageContext,
  row: DisputeRow,
  whose: ParticipationSummaryRow | undefined,
  before: EarlierDecisionRow | undefined,
): Html {
  const { t } = visit;
  const id = row.dispute_id;
  const path = `${disputesPath}/${id}/selesai`;
  const explained = (end: string, resolution: 'upheld' | 'dismissed') =>
    html`<input type="hidden" name="resolution" value="${resolution}" />${fieldOf(
        `${id}-${end}`,
        'explanation',
        t('operator.disputes.explanationReadByTheBuyer'),
        { required: true, minlength: 3, maxlength: 500 },
      )}`;
  return html`<article class="panel">
    <h2>${orderSummary(visit, whose)}</h2>
    <dl class="facts">
      <dt>${t('common.buyer')}</dt>
      <dd>${buyerLink(visit, whose, row.participation_id)}</dd>
      ${waitingFacts(visit, 'disputes', row.opened_at)}
      <dt>${t('operator.disputes.whatIsWrong')}</dt>
      <dd class="prose">${row.reason}${disputePictures(visit, row)}</dd>
      ${
        before !== undefined &&
        html`<dt>${t('operator.disputes.theFirstTime')}</dt>
          <dd class="prose">${before.reason}</dd>
          <dt>${t('operator.disputes.theAnswer')}</dt>
          <dd class="prose">${before.explanation}</dd>`
      }
    </dl>
    ${
      before !== undefined &&
      html`<p class="quiet">${t('operator.disputes.openedAnewThisDecisionIsFinal')}</p>`
    }
    ${collapsibleForm(
      visit,
      {
        path,
        words: t('operator.disputes.upholdAndRefund'),
        button: t('operator.disputes.refundTheBuyer'),
        danger: true,
      },
      explained('u', 'upheld'),
    )}
    ${collapsibleForm(
      visit,
      {
        path,
        words: t('operator.disputes.dismissWithoutRefund'),
        button: t('operator.disputes.dismissTheDispute'),
      },
      explained('d', 'dismissed'),
    )}
  </article>`;
}
