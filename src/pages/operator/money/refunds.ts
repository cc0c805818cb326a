import { wording } from '../../../i18n/messages.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../../deps.ts';
import { invalidField, type DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { formParser } from '../../../http/forms.ts';
import { closed, Id, text } from '../../../http/schemas.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import { recentlySettled, participationsById } from '../../../ledger/work-queues/work-queues.ts';
import {
  failRefund,
  dueRefunds,
  retainedRefunds,
  reverseRefund,
  settleRefunds,
} from '../../../ledger/refunds/operations.ts';
import { refundsCsv, refundsSheet } from '../../../ledger/refunds/refunds-file.ts';
import { refundsFileHeaders } from '../../../ledger/refunds/schemas.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { html } from '../../../web/html.ts';
import { entryForms } from '../kit/entry-forms.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { readReason, requireValid } from '../kit/parts.ts';
import { runAction } from '../../kit/form-action.ts';
import { cursorPage } from '../../kit/cursor-page.ts';
import { refundsPath, moneyOutParts, refundQueue, keptPart, madePart } from './refund-parts.ts';

const pageSize = 50;

/** Maximum number of refunds that an operator can settle with one form. */
const mostAtOnce = 500;

const madeShown = 20;

/** Maximum number of listed refunds whose money is kept, those with the oldest due date first. */
const keptShown = 50;

const readSettlement = formParser(closed({ reference: text(1, 200) }));

const readIds = formParser(closed({ id: Id }));

/**
 * Registers the page with refunds to buyers. Operators download a file for a bulk transfer, settle
 * refunds, mark them as failed, and reverse them.
 */
export function operatorRefunds(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(refundsPath, async (request, reply) => showRefunds(app, request, reply));

    // A link requests the file with GET. The re-authentication page requests it with POST.
    server.route({
      method: ['GET', 'POST'],
      url: `${refundsPath}/pengembalian.csv`,
      handler: async (request, reply) =>
        reply
          .headers(refundsFileHeaders.csv)
          .send(await refundsCsv(app.db, request.visit.actor, app.payments.gateway)),
    });
    server.route({
      method: ['GET', 'POST'],
      url: `${refundsPath}/pengembalian.xlsx`,
      handler: async (request, reply) =>
        reply
          .headers(refundsFileHeaders.xlsx)
          .send(await refundsSheet(app.db, request.visit.actor, app.payments.gateway)),
    });

    server.post(`${refundsPath}/lunas`, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'refund.settle');
      return await runAction(request, reply, {
        run: async () => {
          const { id: chosen, ...rest } = (request.body ?? {}) as Record<string, unknown>;
          const { reference } = requireValid(readSettlement(rest));
          const ids = chosenIds(chosen);
          return await runInTransaction(app.db, (tx) =>
            settleRefunds(tx, actor, ids, reference.trim()),
          );
        },
        next: withFlash(refundsPath, 'lunas'),
        showAgain: (refused) => showRefunds(app, request, reply, refused),
      });
    });

    const form = entryForms(server, {
      listPath: refundsPath,
      action: 'refund.settle',
      show: (request, reply, refused) => showRefunds(app, request, reply, refused),
    });
    form('gagal', 'gagal', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      return await runInTransaction(app.db, (tx) => failRefund(tx, visit.actor, id, reason.trim()));
    });
    form('balik', 'dibalik', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      return await runInTransaction(app.db, (tx) =>
        reverseRefund(tx, visit.actor, id, reason.trim()),
      );
    });
  };
}

/** Sends the page with all refunds that must be made. */
async function showRefunds(
  app: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  refused?: DomainError,
) {
  const { visit } = request;
  const { actor } = visit;
  authorize(actor, 'refund.settle');
  const [position = null, id = null] = cursorAfter(queryParam(request, 'cursor'), ['number', 'id']);
  const wanted = { failedOnly: false, after: [position, id], limit: pageSize + 1 } as const;
  const rows = await dueRefunds(app.db, actor, app.payments.gateway, wanted);
  const made = await recentlySettled(app.db, actor, 'refund', madeShown);
  const kept = await retainedRefunds(app.db, actor, [null, null], keptShown);
  const ids = [...rows, ...made, ...kept].map(({ participation_id: one }) => one);
  const subjects = await participationsById(app.db, actor, ids);
  const list = cursorPage(visit, rows, {
    size: pageSize,
    url: visit.url(refundsPath),
    isFirst: position === null,
    cursorOf: (row) => [Number(row.position), row.transaction_id],
  });
  const body = html`${moneyOutParts(visit, refundsPath)}${flashMessage(request)}${refusalNotice(visit, refused)}
  ${refundQueue(visit, list.rows, subjects)} ${list.links}
  ${keptPart(visit, kept, subjects)}${madePart(visit, refundsPath, made, subjects)}`;
  const title = visit.t('operator.refunds.refunds');
  const page = { title, at: refundsPath, body } as const;
  return sendOperatorPage(request, reply, page, refused?.status ?? 200);
}

/**
 * Returns the ids of the checked checkboxes. The form sends a list, or a single value if only one
 * is checked.
 */
function chosenIds(chosen: unknown): string[] {
  const all = Array.isArray(chosen) ? (chosen as unknown[]) : [chosen];
  const wanted = all.filter((id) => 'value' in readIds({ id })).map((id) => String(id));
  if (wanted.length === 0 || wanted.length !== all.length || wanted.length > mostAtOnce) {
    throw invalidField('id', wording('operator.refunds.chooseTheRefundsThatWereMade'));
  }
  return wanted.map((id) => id.toLowerCase());
}
