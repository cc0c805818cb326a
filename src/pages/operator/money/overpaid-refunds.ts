import { moneyOutParts } from './refund-parts.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../../deps.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import type { OverpaidRefundRow } from '../../../ledger/overpaid-refunds/queries.ts';
import {
  writeOffOverpaidRefund,
  openOverpaidRefunds,
  settleOverpaidRefund,
} from '../../../ledger/overpaid-refunds/operations.ts';
import { participationsById } from '../../../ledger/work-queues/work-queues.ts';
import type { ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { emptyState } from '../../../web/components.ts';
import { formatRupiah } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { entryForms } from '../kit/entry-forms.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import {
  buyerLink,
  fieldOf,
  collapsibleForm,
  readReason,
  readReference,
  reasonOf,
  requireValid,
  orderSummary,
} from '../kit/parts.ts';
import { waitingFacts } from '../kit/queue-age.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

const section = '/operator/uang';
const overpaidRefundsPath = `${section}/dobel`;
const pageSize = 20;

/**
 * Registers the page with overpaid refunds. Operators record that the money was returned, or write
 * it off.
 */
export function operatorClaims(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, refused?: DomainError) => {
      const { visit } = request;
      const { actor } = visit;
      authorize(actor, 'refund.settle');
      const [position = null, id = null] = cursorAfter(queryParam(request, 'cursor'), [
        'number',
        'id',
      ]);
      const rows = await openOverpaidRefunds(app.db, actor, [position, id], pageSize + 1);
      const ids = rows.map(({ participation_id }) => participation_id);
      const subjects = await participationsById(app.db, actor, ids);
      const list = cursorPage(visit, rows, {
        size: pageSize,
        url: visit.url(overpaidRefundsPath),
        isFirst: position === null,
        cursorOf: (row) => [Number(row.position), row.transaction_id],
      });
      const body = html`${moneyOutParts(visit, overpaidRefundsPath)}${flashMessage(request)}${refusalNotice(visit, refused)}
      ${
        rows.length === 0
          ? emptyState(
              visit.t('operator.overpaidRefunds.noDuplicateRefunds'),
              visit.t('operator.overpaidRefunds.everyRefundHasReachedItsBuyer'),
            )
          : list.rows.map((row) =>
              overpaidRefundEntry(visit, row, subjects.get(row.participation_id)),
            )
      }${list.links}`;
      const page = { title: visit.t('common.duplicateRefunds'), at: section, body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get(overpaidRefundsPath, async (request, reply) => show(request, reply));

    const form = entryForms(server, {
      listPath: overpaidRefundsPath,
      action: 'refund.settle',
      show,
    });
    form('kembali', 'pulih', async ({ visit, body }, id) => {
      const { reference } = requireValid(readReference(body));
      return await runInTransaction(app.db, (tx) =>
        settleOverpaidRefund(tx, visit.actor, id, reference.trim()),
      );
    });
    form('relakan', 'relakan', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      return await runInTransaction(app.db, (tx) =>
        writeOffOverpaidRefund(tx, visit.actor, id, reason.trim()),
      );
    });
  };
}

function overpaidRefundEntry(
  visit: PageContext,
  row: OverpaidRefundRow,
  whose: ParticipationSummaryRow | undefined,
): Html {
  const { t, language } = visit;
  const id = row.transaction_id;
  return html`<article class="panel">
    <h2>${orderSummary(visit, whose)}</h2>
    <p>${t('operator.overpaidRefunds.sentByAnOperator')}</p>
    <dl class="facts">
      <dt>${t('common.buyer')}</dt>
      <dd>${buyerLink(visit, whose, row.participation_id)}</dd>
      <dt>${t('operator.overpaidRefunds.toComeBack')}</dt>
      <dd>${formatRupiah(row.amount, language)}</dd>
      ${waitingFacts(visit, 'claims', row.created_at)}
    </dl>
    ${collapsibleForm(
      visit,
      {
        path: `${overpaidRefundsPath}/${id}/kembali`,
        words: t('operator.overpaidRefunds.theMoneyHasComeBack'),
        button: t('operator.overpaidRefunds.noteThatItCameBack'),
      },
      fieldOf(id, 'reference', t('common.transferReference'), {
        required: true,
        maxlength: 200,
      }),
    )}
    ${collapsibleForm(
      visit,
      {
        path: `${overpaidRefundsPath}/${id}/relakan`,
        words: t('operator.overpaidRefunds.theMoneyWillNotComeBack'),
        button: t('operator.overpaidRefunds.noteItAsALoss'),
        danger: true,
      },
      reasonOf(visit, id),
    )}
  </article>`;
}
