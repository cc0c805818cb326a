import { toApiParticipationStatus } from '../../database/status-words.ts';
import { toApiStatus } from '../../database/status-words.ts';
import type { DomainError } from '../../errors/errors.ts';
import type { LastDisputeRow } from '../../ledger/disputes/queries.ts';
import type { OwnRefundRow } from '../../ledger/refunds/queries.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { badge, notice, textarea } from '../../web/components.ts';
import { fileInput } from '../../web/file-input.ts';
import { formatMoment, formatRupiah, formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { disputePictures } from './dispute-pictures-part.ts';
import type { Fault, Money } from './money.ts';

/**
 * Returns the part of the page with the refunds of an order or offer, whose page is at `path`. It
 * has a link to the refund account and a form for waiting for slots instead of a refund. If that
 * form was refused, the part shows the reason.
 */
export function refundPart(
  visit: PageContext,
  path: string,
  { refunds, hasRefundAccount }: Pick<Money, 'refunds' | 'hasRefundAccount'>,
  refused?: DomainError,
): Html | undefined {
  if (refunds.length === 0 && refused === undefined) return undefined;
  const { t, url, language } = visit;
  const isDue = refunds.some(({ status, kept_for: kept }) => status === 'due' && kept === null);
  const words = refused?.text(language);
  const link = html`<a class="button ${hasRefundAccount && 'quiet'}" href="${url('/akun/rekening')}"
    >${hasRefundAccount ? t('order.goods.checkRefundAccount') : t('order.goods.addRefundAccount')}</a
  >`;
  return html`<section class="panel" aria-labelledby="refund">
    <h2 id="refund">${t('order.goods.refund')}</h2>
    ${words && notice('bad', words.title, words.detail)}
    ${refunds.map((refund) => choicePart(visit, path, refund))}
    <ul class="plain">
      ${refunds.map((refund) => refundLine(visit, refund))}
    </ul>
    ${
      isDue &&
      html`<p>
          ${
            hasRefundAccount
              ? t('order.goods.weSendItToYourAccount')
              : t('order.goods.whereShouldWeSendIt')
          }
        </p>
        <p>${link}</p>`
    }
  </section>`;
}

/**
 * Returns the choice between a refund and the first place of the waiting list. It is for a buyer
 * who paid in time but whose slots were already given to others.
 */
function choicePart(visit: PageContext, path: string, refund: OwnRefundRow): Html | undefined {
  const { t, url, language } = visit;
  const amount = formatRupiah(refund.amount, language);
  if (refund.kept_for !== null) {
    return html`${notice(
        'good',
        t('order.goods.youreAtTheFront'),
        t('order.goods.wereKeepingYourAsSoon', { amount }),
      )}
      <form method="post" action="${url(`/antrean/${refund.kept_for}/keluar`)}">
        <button class="button quiet">${t('order.goods.leaveTheLineAndRefundMe')}</button>
      </form>`;
  }
  if (!refund.may_wait) return undefined;
  return html`${notice(
      'busy',
      t('order.goods.youPaidOnTime'),
      t('order.goods.itsYourChoiceIfYouDo'),
    )}
    <div class="row">
      <form method="post" action="${url(`${path}/simpan`)}">
        <input type="hidden" name="refund" value="${refund.transaction_id}" />
        <button class="button">${t('order.goods.waitAtTheFront')}</button>
      </form>
      <a class="button quiet" href="${url('/akun/rekening')}">${t('order.goods.refundMe')}</a>
    </div>
    <p class="quiet">${t('order.goods.ifYouWaitWeKeep', { amount })}</p>`;
}

function refundLine(visit: PageContext, refund: OwnRefundRow): Html {
  const { t, language, person } = visit;
  const { status, settled_at: at, attempts, reference } = refund;
  const words =
    status === 'settled'
      ? badge(t('order.goods.sent'), 'good')
      : refund.kept_for !== null
        ? badge(t('order.goods.keptForYourSlots'), 'busy')
        : badge(t('order.goods.beingPrepared'), 'busy');
  const failed = status === 'due' && attempts > 0;
  return html`<li>
    <span class="row"><strong>${formatRupiah(refund.amount, language)}</strong> ${words}</span>
    ${
      at !== null &&
      html`<span class="quiet"
        >${formatShortMoment(at, language, person?.timeZone)}${reference && ` · ${reference}`}</span
      >`
    }${failed && html`<span class="quiet">${t('order.goods.theLastTransferFailedWeTry')}</span>`}
  </li>`;
}

/**
 * Returns the forms with which a buyer confirms the receipt of the goods or opens a dispute. They
 * are shown after the campaign has completed.
 */
export function goodsPart(
  visit: PageContext,
  row: OwnRow,
  { payment, dispute }: Money,
  fault: Fault | undefined,
): Html | undefined {
  const { t } = visit;
  const status = toApiParticipationStatus(row.status);
  const here = status === 'confirmed' || status === 'fulfilled';
  const completed = toApiStatus(row.campaign_status) === 'completed';
  const mayReceive = status === 'confirmed' && row.payment_state === 'paid';
  const mayDispute = here && payment?.status === 'settled' && dispute?.may_again !== false;
  // The reason of a refused form is shown even if the form is no longer offered.
  const isShown = mayReceive || mayDispute || dispute !== undefined || fault?.form === 'received';
  if (!completed || !isShown) return undefined;
  return html`<section class="panel" aria-labelledby="goods" id="barang">
    <h2 id="goods">${t('order.goods.yourOrder')}</h2>
    ${dispute && disputeWords(visit, dispute)}${dispute && disputePictures(visit, dispute)}${receiptRefusal(visit, fault)}${
      mayReceive && receiptForm(visit, row)
    }${mayDispute && disputeForm(visit, row, fault, dispute !== undefined)}
  </section>`;
}

function disputeWords(visit: PageContext, dispute: LastDisputeRow): Html {
  const { t } = visit;
  const { resolution, explanation } = dispute;
  const said = html`“${dispute.reason}”${explanation && html`<br />${t('order.goods.ourReply')}: “${explanation}”`}`;
  if (resolution === null) {
    return notice('busy', t('order.goods.weAreReviewingYourReport'), said);
  }
  return resolution === 'upheld'
    ? notice('good', t('order.goods.yourClaimWasApproved'), said)
    : notice(
        'busy',
        t('order.goods.weReviewedYourReport'),
        html`${said}<br />${
            dispute.may_again
              ? t('order.goods.isThereSomethingNew')
              : t('order.goods.thisDecisionIsFinal')
          }`,
      );
}

/** Returns the reason why the confirmation of the receipt was refused. */
function receiptRefusal({ language }: PageContext, fault: Fault | undefined): Html | undefined {
  const refused = fault?.form === 'received' ? fault.refused?.text(language) : undefined;
  return refused && notice('bad', refused.title, refused.detail);
}

function receiptForm(visit: PageContext, row: OwnRow): Html {
  const { t, url, language, person } = visit;
  return html`<form method="post" action="${url(`/ikutan/${row.participation_id}/terima`)}">
    <p>${t('order.goods.confirmReceipt')}</p>
    ${
      row.received_after !== null &&
      html`<p class="quiet">
        ${t('order.goods.itWasShippedIfWeDont', { receivedAfter: formatMoment(row.received_after, language, person?.timeZone) })}
      </p>`
    }
    <button class="button">${t('order.goods.iHaveReceived')}</button>
  </form>`;
}

function disputeForm(
  visit: PageContext,
  row: OwnRow,
  fault: Fault | undefined,
  again: boolean,
): Html {
  const { t, url, language } = visit;
  const mine = fault?.form === 'dispute' ? fault : undefined;
  const refused = mine?.errors.length === 0 ? mine.refused?.text(language) : undefined;
  return html`<details class="trouble" ${mine && html`open`}>
    <summary>
      ${again ? t('order.goods.reportItOnceMore') : t('order.goods.problemWithYourOrder')}
    </summary>
    ${refused && notice('bad', refused.title, refused.detail)}
    <form
      class="stack"
      method="post"
      enctype="multipart/form-data"
      action="${url(`/ikutan/${row.participation_id}/masalah`)}"
    >
      ${textarea(visit, {
        name: 'reason',
        label: again ? t('order.goods.whatIsNew') : t('order.goods.tellWhatIsWrong'),
        hint: t('order.goods.theSellerIsNotPaidUntil'),
        value: mine?.typed?.['reason'],
        errors: mine?.errors,
        required: true,
        control: { minlength: 3, maxlength: 500, rows: 3 },
      })}
      ${fileInput(visit, {
        name: 'pictures',
        label: t('order.goods.photos'),
        hint: t('order.goods.upTo3PhotosJPEGPNG'),
        errors: mine?.errors,
        accept: 'image/jpeg,image/png,image/webp',
        multiple: true,
      })}
      <button class="button danger">${t('order.goods.reportIt')}</button>
    </form>
  </details>`;
}
