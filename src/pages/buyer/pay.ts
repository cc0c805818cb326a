import type { Payment, SentProof } from '../../ledger/payments/payment.ts';
import { proofLimitBytes } from '../../ledger/payments/proofs.ts';
import { copyButton, countdown, exactMoment, notice } from '../../web/components.ts';
import { fileSize, formatRupiah, formatShortMoment } from '../../i18n/format.ts';
import { fileInput } from '../../web/file-input.ts';
import { html, type Html } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import type { PageContext } from '../../web/visit.ts';
import type { Fault, Money } from './money.ts';

/**
 * Where the payment forms are sent, and until when the slots are held. It describes an order or an
 * offer.
 */
export interface PayPlace {
  /** The path of the order or offer, without the language prefix. */
  readonly path: string;
  /**
   * The time at which the hold or the offer ends. It can be earlier than the due time of the
   * payment.
   */
  readonly heldUntil: Date | null;
}

/**
 * Returns the part of the page about the payment: the amount, the receiving account, the due time,
 * and the form that uploads a proof.
 */
export function payPart(
  visit: PageContext,
  row: PayPlace,
  { payment, unpayable, online }: Money,
  fault: Fault | undefined,
): Html | undefined {
  const { t, language } = visit;
  if (unpayable !== undefined) {
    const { title, detail } = unpayable.text(language);
    return notice('busy', title, detail);
  }
  if (payment === undefined || payment.status === 'void') return undefined;
  const isOpen = ['due', 'rejected', 'pending'].includes(payment.status);
  const takesProof = payment.status === 'proof_submitted' || (isOpen && payment.account !== null);
  return html`<section class="panel pay" aria-labelledby="pay" id="bayar">
    <h2 id="pay">${t('common.payment')}</h2>
    ${paymentState(visit, payment)}${
      payment.status !== 'settled' &&
      html`${isOpen && dueTime(visit, row, payment)}${isOpen && onlinePart(visit, row, { payment, online }, fault)}${transferAmount(visit, payment)}`
    }${payment.proof && sentProof(visit, visit.url(`${row.path}/bukti`), payment.proof)}${takesProof && proofForm(visit, row, payment, fault)}
  </section>`;
}

/** Returns a sentence about the state of the payment. */
function paymentState(visit: PageContext, payment: Payment): Html | undefined {
  const { t, language, person } = visit;
  switch (payment.status) {
    case 'settled': {
      const at = formatShortMoment(
        payment.settled_at ?? payment.created_at,
        language,
        person?.timeZone,
      );
      return html`<p>
        <strong>${t('order.pay.paid')}</strong>
        ${t('order.pay.yourPaymentWasReceived', { at })}
      </p>`;
    }
    case 'proof_submitted':
      return notice('busy', t('order.pay.proofSent'), t('order.pay.weAreCheckingItYouNeed'));
    case 'rejected':
      return notice(
        'bad',
        t('order.pay.theProofWasNotAccepted'),
        html`${payment.reason && html`“${payment.reason}” `}${t('order.pay.checkYourTransferAndSendAnother')}`,
      );
    case 'pending':
      return notice(
        'busy',
        t('order.pay.waitingForThePaymentOnline'),
        html`${t('order.pay.alreadyPaid')}
        ${payment.account !== null && t('order.pay.youCanStillPayByTransfer')}`,
      );
    default:
      return undefined;
  }
}

/**
 * Returns the part about online payment. At first it has a button that creates the payment page of
 * the provider, then a link to that page.
 */
function onlinePart(
  visit: PageContext,
  row: PayPlace,
  { payment, online: { isOffered, page } }: { payment: Payment; online: Money['online'] },
  fault: Fault | undefined,
): Html | undefined {
  const { t, language } = visit;
  if (!isOffered) return undefined;
  const refused = fault?.form === 'online' ? fault.refused?.text(language) : undefined;
  return html`${refused && notice('bad', refused.title, refused.detail)}
    <div class="online">
      ${
        page === undefined
          ? html`<form method="post" action="${visit.url(`${row.path}/bayar`)}">
              <button class="button">${t('order.pay.payOnline')}</button>
            </form>`
          : html`<a class="button" href="${page}" rel="external"
              >${t('order.pay.continueToPayment')}</a
            >`
      }
      <p class="hint">${t('order.pay.walletQRISCardOrVirtualAccount')}</p>
    </div>
    ${
      payment.account === null
        ? html`<p>${t('order.pay.thisOrderCanOnlyBePaid')}</p>`
        : html`<h3>${t('order.pay.orByBankTransfer')}</h3>`
    }`;
}

function dueTime(visit: PageContext, row: PayPlace, payment: Payment): Html | undefined {
  const { t } = visit;
  const ends = [row.heldUntil, payment.pay_by].filter((end) => end !== null);
  if (ends.length === 0) return undefined;
  // A payment after this time is too late.
  const by = new Date(Math.min(...ends.map((end) => end.getTime())));
  if (by <= visit.now) {
    return notice(
      'busy',
      t('order.pay.theTimeToPayIsOver'),
      t('order.pay.pleaseDoNotTransferAnyMore'),
    );
  }
  return html`<p class="deadline">
    <strong>${htmlMessage(visit, 'campaign.timeLeft', { left: countdown(visit, by) })}</strong>
    <span>${htmlMessage(visit, 'order.pay.payBefore', { at: exactMoment(visit, by) })}</span>
  </p>`;
}

function transferAmount(visit: PageContext, payment: Payment): Html {
  const { t, language } = visit;
  const { account, unique_code: code, total, amount } = payment;
  return html`<div class="to-pay">
      <p class="quiet">
        ${account === null ? t('order.participation.total') : t('order.pay.transferExactly')}
      </p>
      <p class="row apart">
        <strong class="amount">${formatRupiah(total, language)}</strong>
        ${copyButton(String(total), t('order.pay.copyTheAmount'))}
      </p>
      ${
        code > 0 &&
        html`<p class="hint">
          ${t('order.pay.thatIsPlusYourUniqueCode', { amount: formatRupiah(amount, language), code })}
        </p>`
      }
    </div>
    ${
      account !== null &&
      html`<div class="to-pay">
        <p class="quiet">${t('order.pay.toThisAccount')}</p>
        <p class="row apart">
          <span
            ><strong>${account.bank}</strong> <strong class="number">${account.number}</strong
            ><br />${t('common.inTheName')} ${account.holder}</span
          >
          ${copyButton(account.number, t('order.pay.copyTheNumber'))}
        </p>
      </div>`
    }`;
}

function proofForm(
  visit: PageContext,
  row: PayPlace,
  payment: Payment,
  fault: Fault | undefined,
): Html {
  const { t, url } = visit;
  const mine = fault?.form === 'proof' ? fault : undefined;
  const wrong = mine?.errors[0]?.message;
  const error = wrong ?? mine?.refused?.detailForPages;
  const path = url(`${row.path}/bukti`);
  const again = payment.status === 'proof_submitted';
  const megabytes = proofLimitBytes / 1_048_576;
  const wrongs = error === undefined ? [] : [{ field: 'picture', message: error }];
  return html`<form class="stack" method="post" enctype="multipart/form-data" action="${path}">
    ${fileInput(visit, {
      name: 'picture',
      label: again
        ? t('order.pay.wrongFileSendAnother')
        : t('order.pay.alreadyTransferredUploadYourProof'),
      hint: t('order.pay.aPhotoOrScreenshotJPEGPNG', { megabytes }),
      errors: wrongs,
      required: true,
      accept: 'image/jpeg,image/png,image/webp,application/pdf',
    })}
    <button class="button ${again && 'quiet'}">${t('order.pay.sendTheProof')}</button>
  </form>`;
}

/**
 * Returns the latest proof of payment: a thumbnail of a picture, or a link to a PDF with its size.
 */
function sentProof(visit: PageContext, path: string, proof: SentProof): Html {
  const { t, language, person } = visit;
  const at = formatShortMoment(proof.sent_at, language, person?.timeZone);
  const file = `${path}/berkas`;
  if (proof.content_type === 'application/pdf') {
    return html`<p class="sent-proof">
      <a class="button quiet" href="${file}" data-plain
        >${t('order.pay.downloadTheLastProof', { size: fileSize(proof.bytes, language) })}</a
      >
      <span class="quiet">${t('order.pay.sentOn', { at })}</span>
    </p>`;
  }
  const words = t('order.pay.yourProofOpenInFullSize');
  return html`<figure class="sent-proof">
    <a href="${file}" data-plain><img src="${path}/kecil" alt="${words}" loading="lazy" /></a>
    <figcaption class="quiet">${t('order.pay.sentOn', { at })}</figcaption>
  </figure>`;
}
