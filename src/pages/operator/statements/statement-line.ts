import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { PageDeps } from '../../deps.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { formParser } from '../../../http/forms.ts';
import { closed, Id } from '../../../http/schemas.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import { receivingAccounts } from '../../../ledger/bank-accounts/operations.ts';
import { lineToDivide, type LineToDivide } from '../../../ledger/bank-statements/open-lines.ts';
import { participationsById } from '../../../ledger/work-queues/work-queues.ts';
import { toTransfer } from '../../../ledger/payments/rupiah.ts';
import {
  assignLine,
  divideLine,
  ignoreLine,
  settleLines,
  type DividedLine,
  type PartInput,
} from '../../../ledger/bank-statements/lines.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { formatRupiah } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { fieldOf, params, readReason, requireValid } from '../kit/parts.ts';
import { paymentParts } from '../money/payments.ts';
import {
  assignForm,
  candidateForms,
  lineFacts,
  lineHead,
  orderName,
  setAsideForm,
  type Subjects,
} from './statement-parts.ts';
import { runAction } from '../../kit/form-action.ts';

/** Maximum number of orders in the form that divides a line. */
const maxRows = 20;
const numbers = Array.from({ length: maxRows }, (_, index) => index + 1);
const Amount = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));
const readTarget = formParser(closed({ participation_id: Id, refund: Type.Boolean() }));
const readDivision = formParser(
  closed(
    Object.fromEntries(
      numbers.flatMap((number) => [
        [`participation_${number}`, Type.Optional(Id)],
        [`amount_${number}`, Amount],
      ]),
    ),
  ),
);
const listOfIds = Type.String({ pattern: '^[0-9a-fA-F-]{36}( [0-9a-fA-F-]{36}){0,19}$' });
const readTogether = formParser(closed({ participation_id: Id, lines: listOfIds }));
const readSettlement = formParser(closed({ lines: listOfIds, refund: Type.Boolean() }));
const readNothing = formParser(closed({}));

/**
 * Registers the page of one statement line: the orders that it may pay for, and the forms that
 * allocate it.
 */
export function statementLines(app: PageDeps, listPath: string): PagePlugin {
  return async (server) => {
    /**
     * Registers a form of one line. After success, it redirects to the path that `verb` returns.
     */
    const form = (path: string, verb: (request: FastifyRequest, id: string) => Promise<string>) =>
      server.post(`${listPath}/:id/${path}`, { schema: { params } }, async (request, reply) => {
        authorize(request.visit.actor, 'statement.import');
        const { id } = request.params;
        return await runAction(request, reply, {
          run: () => verb(request, id),
          next: (nextPath) => nextPath,
          showAgain: (refused) => showLine(app, listPath, request, reply, refused),
        });
      });

    server.get(`${listPath}/:id`, { schema: { params } }, async (request, reply) =>
      showLine(app, listPath, request, reply),
    );

    form('tujuan', async ({ visit, body }, id) => {
      const { participation_id, refund } = requireValid(readTarget(body));
      const participationId = participation_id.toLowerCase();
      const line = await runInTransaction(app.db, (tx) =>
        assignLine(tx, visit.actor, id, { participationId, refund }),
      );
      return line.status === 'matched'
        ? withFlash(listPath, 'dipasangkan')
        : withFlash(`${listPath}/${id}`, 'menunggusisa');
    });

    form('bagi', async ({ visit, body }, id) => {
      const parts = partsOf(requireValid(readDivision(body)) as Readonly<Record<string, unknown>>);
      await runInTransaction(app.db, (tx) => divideLine(tx, visit.actor, id, parts));
      return `${listPath}/${id}`;
    });

    form('gabung', async ({ visit, body }, id) => {
      const { participation_id, lines } = requireValid(readTogether(body));
      const participationId = participation_id.toLowerCase();
      await runInTransaction(app.db, async (tx) => {
        for (const lineId of [id, ...lines.toLowerCase().split(' ')].toSorted()) {
          await divideLine(tx, visit.actor, lineId, [{ participationId, amount: 'whole' }]);
        }
      });
      return `${listPath}/${id}`;
    });

    form('catat', async ({ visit, body }, id) => {
      const { lines, refund } = requireValid(readSettlement(body));
      const ids = [id, ...lines.toLowerCase().split(' ')];
      await runInTransaction(app.db, (tx) => settleLines(tx, visit.actor, ids, refund));
      return withFlash(listPath, 'dipasangkan');
    });

    form('urungkan', async ({ visit, body }, id) => {
      requireValid(readNothing(body));
      await runInTransaction(app.db, (tx) => divideLine(tx, visit.actor, id, []));
      return withFlash(`${listPath}/${id}`, 'diurungkan');
    });

    form('sisihkan', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      await runInTransaction(app.db, (tx) => ignoreLine(tx, visit.actor, id, reason.trim()));
      return withFlash(listPath, 'disisihkan');
    });
  };
}

/** Sends the page of the statement line whose id is in the path. */
async function showLine(
  app: PageDeps,
  listPath: string,
  request: FastifyRequest,
  reply: FastifyReply,
  refused?: DomainError,
) {
  const { visit } = request;
  const { actor } = visit;
  authorize(actor, 'statement.import');
  const { id } = request.params as { id: string };
  const search = queryParam(request, 'q')?.slice(0, 100) ?? '';
  const found = await lineToDivide(app.db, actor, id, search);
  const accounts = await receivingAccounts(app.db, actor);
  const subjects = await participationsById(app.db, actor, [
    ...found.payments.map(({ participation_id }) => participation_id),
    ...found.line.parts.map(({ participation_id }) => participation_id),
  ]);
  const bank = accounts.find((row) => row.account_id === found.line.account_id);
  const body = html`${paymentParts(visit, listPath)}${flashMessage(request)}
    ${refusalNotice(visit, refused)}
    <article class="panel">
      ${lineHead(visit, found.line, 2)} ${lineFacts(visit, found.line, bank)}
      ${partsList(visit, listPath, found, subjects)}
      ${candidateForms(visit, listPath, found.line, subjects)}
    </article>
    ${isOpen(found.line) && divideForms(visit, listPath, found, { subjects, search })}`;
  const title = visit.t('common.transfer');
  const page = { title, at: '/operator/pembayaran', body } as const;
  return sendOperatorPage(request, reply, page, refused?.status ?? 200);
}

const isOpen = ({ status }: DividedLine) =>
  status === 'unmatched' || status === 'ambiguous' || status === 'allocated';

/** Returns the parts that a form contains. Rows without an amount are left out. */
function partsOf(fields: Readonly<Record<string, unknown>>): PartInput[] {
  return numbers.flatMap((number) => {
    const id = fields[`participation_${number}`];
    const amount = fields[`amount_${number}`];
    if (typeof id !== 'string' || typeof amount !== 'number' || amount === 0) return [];
    return [{ participationId: id.toLowerCase(), amount: BigInt(amount) }];
  });
}

/**
 * Returns the current allocation of a line. Until the payment is recorded, the operator can confirm
 * or remove the allocation.
 */
function partsList(
  visit: PageContext,
  listPath: string,
  { line, together }: LineToDivide,
  subjects: Subjects,
): Html | false {
  const { t, url, language } = visit;
  if (line.parts.length === 0) return false;
  const rest = line.amount - line.parts.reduce((sum, { amount }) => sum + amount, 0n);
  const others = together.filter(({ line_id }) => line_id !== line.line_id);
  const list = html`<h4>${t('operator.statementLine.splitBetween')}</h4>
    <ul>
      ${line.parts.map(
        ({ participation_id: id, amount }) =>
          html`<li>
            <strong>${formatRupiah(amount, language)}</strong> ${orderName(visit, id, subjects)}
          </li>`,
      )}
    </ul>
    ${
      rest > 0n &&
      html`<p>
        ${t('operator.statementLine.theRemainingGoWithTheFirst', { rest: formatRupiah(rest, language) })}
      </p>`
    }
    ${
      others.length > 0 &&
      html`<p>${t('operator.statementLine.recordedTogetherWith')}</p>
        <ul>
          ${others.map(
            (other) =>
              html`<li>
                <a href="${url(`${listPath}/${other.line_id}`)}"
                  >${formatRupiah(other.amount, language)}</a
                >
                <span class="quiet">${other.description}</span>
              </li>`,
          )}
        </ul>`
    }`;
  if (line.status !== 'allocated') return list;
  const ids = together.map(({ line_id }) => line_id).join(' ');
  return html`${list}
    <form class="stack narrow" method="post" action="${url(`${listPath}/${line.line_id}/catat`)}">
      <input type="hidden" name="lines" value="${ids}" />
      <div class="field check">
        <label
          ><input type="checkbox" name="refund" value="on" /><span
            >${t('common.ifTooLittleRefund')}</span
          ></label
        >
      </div>
      <button class="button">${t('operator.statementLine.recordThePayment')}</button>
    </form>
    <form method="post" action="${url(`${listPath}/${line.line_id}/urungkan`)}">
      <button class="button quiet">${t('operator.statementLine.undo')}</button>
    </form>`;
}

/**
 * Returns a form that searches for buyers, and a form that divides the amount of the line between
 * their orders.
 */
function divideForms(
  visit: PageContext,
  listPath: string,
  { line, payments }: LineToDivide,
  { subjects, search }: { readonly subjects: Subjects; readonly search: string },
): Html {
  const { t, url, language } = visit;
  const { line_id: id } = line;
  const amountOf = (participation: string) =>
    line.parts.find(({ participation_id }) => participation_id === participation)?.amount;
  return html`<section class="panel" aria-labelledby="divide">
    <h2 id="divide">${t('operator.statementLine.divideOverSeveralOrders')}</h2>
    <form class="row" method="get" action="${url(`${listPath}/${id}`)}">
      <div class="field">
        <label for="q">${t('operator.statementLine.findABuyerOrAnOrder')}</label
        ><input id="q" name="q" type="search" value="${search}" maxlength="100" />
      </div>
      <button class="button quiet">${t('common.search')}</button>
    </form>
    ${
      payments.length === 0
        ? html`<p class="quiet">${t('operator.statementLine.noOrderFitsYetSearch')}</p>`
        : html`<form class="stack" method="post" action="${url(`${listPath}/${id}/bagi`)}">
            ${payments.slice(0, maxRows).map((payment, index) => {
              const participation = payment.participation_id;
              const label = `${orderName(visit, participation, subjects)} – ${t('operator.statementLine.due')} ${formatRupiah(toTransfer(payment), language)}`;
              return html`<input
                  type="hidden"
                  name="participation_${index + 1}"
                  value="${participation}"
                />${fieldOf(participation, `amount_${index + 1}`, label, {
                  inputmode: 'numeric',
                  maxlength: 20,
                  value: amountOf(participation)?.toString() ?? '',
                })}`;
            })}
            <button class="button">${t('operator.statementLine.saveTheDivision')}</button>
          </form>`
    }
    ${assignForm(visit, listPath, line)} ${setAsideForm(visit, listPath, line)}
  </section>`;
}
