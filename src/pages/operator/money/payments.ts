import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { PageDeps } from '../../deps.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { formParser } from '../../../http/forms.ts';
import { closed, text } from '../../../http/schemas.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import { openPayments } from '../../../ledger/payments/operations.ts';
import { participationsById } from '../../../ledger/work-queues/work-queues.ts';
import type { ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import { rejectPayment, verifyPayment, viewProof } from '../../../ledger/payments/operations.ts';
import type { PaymentRow } from '../../../ledger/payments/queries.ts';
import { proofHeaders } from '../../../ledger/payments/schemas.ts';
import { toTransfer } from '../../../ledger/payments/rupiah.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { emptyState } from '../../../web/components.ts';
import { formatDistance, formatRupiah, formatShortMoment } from '../../../i18n/format.ts';
import { attribute, html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { entryForms } from '../kit/entry-forms.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import {
  bankAccountText,
  buyerLink,
  fieldOf,
  collapsibleForm,
  params,
  readReason,
  reasonOf,
  requireValid,
  orderSummary,
  subsections,
} from '../kit/parts.ts';
import { waitingFacts } from '../kit/queue-age.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

const paymentsPath = '/operator/pembayaran';
const pageSize = 20;
const shownStatuses = ['proof_submitted', 'overdue', 'due', 'rejected'] as const;
const readVerification = formParser(
  closed({
    amount: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    reference: Type.Optional(text(1, 200)),
    paid_on: Type.Optional(Type.String({ format: 'date' })),
  }),
);

/**
 * Registers the page with the payments that operators must verify, and the payments that are still
 * due.
 */
export function operatorPayments(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, refused?: DomainError) => {
      const { visit } = request;
      authorize(visit.actor, 'payment.verify');
      const status =
        shownStatuses.find((one) => one === queryParam(request, 'status')) ?? 'proof_submitted';
      const [position = null, id = null] = cursorAfter(queryParam(request, 'cursor'), [
        'number',
        'id',
      ]);
      const place = [position, id] as const;
      const rows = await openPayments(app.db, visit.actor, status, place, pageSize + 1);
      const ids = rows.map(({ participation_id }) => participation_id);
      const subjects = await participationsById(app.db, visit.actor, ids);
      const list = cursorPage(visit, rows, {
        size: pageSize,
        url: visit.url(`${paymentsPath}?status=${status}`),
        isFirst: position === null,
        cursorOf: (row) => [Number(row.position), row.transaction_id],
      });
      const body = html`${paymentParts(visit, paymentsPath)}${flashMessage(request)}${refusalNotice(visit, refused)}
      ${statusLinks(visit, status)}
      ${
        rows.length === 0
          ? emptyList(visit)
          : list.rows.map((row) => paymentEntry(visit, row, subjects.get(row.participation_id)))
      }${list.links}`;
      const page = { title: visit.t('operator.frame.payments'), at: paymentsPath, body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get(paymentsPath, async (request, reply) => show(request, reply));

    server.get(`${paymentsPath}/:id/bukti`, { schema: { params } }, async (request, reply) => {
      authorize(request.visit.actor, 'payment.verify');
      const { id } = request.params;
      const proof = await viewProof(app.db, request.visit.actor, id);
      return reply.headers(proofHeaders(id, proof.contentType)).send(proof.content);
    });

    const form = entryForms(server, { listPath: paymentsPath, action: 'payment.verify', show });
    form('terima', 'diterima', async ({ visit, body }, id) => {
      const { amount, reference, paid_on: paidOn } = requireValid(readVerification(body));
      const seen = {
        amount: amount === undefined ? null : BigInt(amount),
        reference: reference?.trim() ?? null,
        paidOn: paidOn ?? null,
      };
      return await runInTransaction(app.db, (tx) => verifyPayment(tx, visit.actor, id, seen));
    });
    form('tolak', 'ditolak', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      return await runInTransaction(app.db, (tx) =>
        rejectPayment(tx, visit.actor, id, reason.trim()),
      );
    });
  };
}

/** Returns the links to the three pages about incoming money. */
export function paymentParts(visit: PageContext, at: string): Html {
  const { t } = visit;
  return subsections(
    visit,
    [
      { path: paymentsPath, words: t('operator.payments.verify') },
      { path: `${paymentsPath}/mutasi`, words: t('common.bankStatements') },
      { path: `${paymentsPath}/rekening`, words: t('common.receivingAccounts') },
    ],
    at,
  );
}

function statusLinks(visit: PageContext, at: (typeof shownStatuses)[number]): Html {
  const { t, url } = visit;
  const words = {
    proof_submitted: t('operator.payments.proofsWaiting'),
    overdue: t('operator.payments.overdue'),
    due: t('operator.payments.notPaidYet'),
    rejected: t('operator.payments.proofRejected'),
  };
  return html`<nav class="choices" aria-label="Status">
    <ul>
      ${shownStatuses.map(
        (status) =>
          html`<li>
            <a
              href="${url(`${paymentsPath}?status=${status}`)}"
              ${attribute('aria-current', status === at && 'true')}
              >${words[status]}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`;
}

function emptyList({ t }: PageContext): Html {
  return emptyState(
    t('common.nothingToReview'),
    t('operator.payments.proofsThatBuyersSendAppearHere'),
  );
}

function paymentEntry(
  visit: PageContext,
  row: PaymentRow,
  whose: ParticipationSummaryRow | undefined,
): Html {
  const { t, language, person, now } = visit;
  return html`<article class="panel columns">
    <div>
      <h2>${orderSummary(visit, whose)}</h2>
      <dl class="facts">
        <dt>${t('operator.payments.toBeTransferred')}</dt>
        <dd><strong>${formatRupiah(toTransfer(row), language)}</strong></dd>
        <dt>${t('operator.payments.withTheUniqueCode')}</dt>
        <dd>${formatRupiah(row.unique_code, language)}</dd>
        <dt>${t('common.buyer')}</dt>
        <dd>${buyerLink(visit, whose, row.participation_id)}</dd>
        <dt>${t('common.toTheAccount')}</dt>
        <dd>${bankAccountText(visit, row)}</dd>
        <dt>${t('operator.payments.askedForSince')}</dt>
        <dd>
          ${formatShortMoment(row.created_at, language, person?.timeZone)}
          <span class="quiet">(${formatDistance(row.created_at, now, language)})</span>
        </dd>
        ${
          row.pay_by !== null &&
          html`<dt>${t('common.payBy')}</dt>
            <dd>
              ${formatShortMoment(row.pay_by, language, person?.timeZone)}
              <span class="quiet">(${formatDistance(row.pay_by, now, language)})</span>
            </dd>`
        }
        ${
          row.status === 'proof_submitted' &&
          waitingFacts(visit, 'proofs', whose?.proof_at ?? row.created_at)
        }
        ${
          row.reason !== null &&
          html`<dt>${t('operator.payments.rejectedBecause')}</dt>
            <dd>${row.reason}</dd>`
        }
      </dl>
      ${answers(visit, row)}
    </div>
    ${proofOf(visit, row, whose)}
  </article>`;
}

function proofOf(
  visit: PageContext,
  row: PaymentRow,
  whose: ParticipationSummaryRow | undefined,
): Html | undefined {
  const { t, url } = visit;
  if (!row.has_proof) return undefined;
  const path = url(`${paymentsPath}/${row.participation_id}/bukti`);
  if (whose?.proof_type === 'application/pdf') {
    return html`<p>
      <a class="button quiet" href="${path}">${t('operator.payments.downloadTheProofPDF')}</a>
    </p>`;
  }
  const words = t('operator.payments.theProofOfPaymentOpen');
  return html`<a class="proof" href="${path}"
    ><img src="${path}" alt="${words}" loading="lazy"
  /></a>`;
}

function answers(visit: PageContext, { participation_id: id, status }: PaymentRow): Html {
  const { t } = visit;
  return html`${collapsibleForm(
    visit,
    {
      path: `${paymentsPath}/${id}/terima`,
      words: t('operator.payments.theMoneyHasArrived'),
      button: t('operator.payments.settleThePayment'),
    },
    html`${fieldOf(id, 'amount', t('operator.payments.whatArrivedWhenItDiffersRp'), {
      inputmode: 'numeric',
      maxlength: 20,
    })}${fieldOf(id, 'reference', t('operator.payments.referenceOptional'), {
      maxlength: 200,
    })}${fieldOf(id, 'paid_on', t('operator.payments.dayOfTheTransferWIBEmpty'), {
      type: 'date',
    })}`,
  )}${
    status === 'proof_submitted' &&
    collapsibleForm(
      visit,
      {
        path: `${paymentsPath}/${id}/tolak`,
        words: t('operator.payments.theProofDoesNotFit'),
        button: t('operator.payments.rejectTheProof'),
        danger: true,
      },
      reasonOf(visit, id, t('operator.payments.reasonReadByTheBuyer')),
    )
  }`;
}
