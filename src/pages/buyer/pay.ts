import type { Payment, SentProof } from '../../ledger/payments/payment.ts';
import { proofLimitBytes } from '../../ledger/payments/proofs.ts';
import { copyButton, countdown, exactMoment, notice } from '../../web/components.ts';
import { formatCount, fileSize, formatRupiah, formatShortMoment } from '../../web/format.ts';
import { fileInput } from '../../web/file-input.ts';
import { html, type Html } from '../../web/html.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import type { Fault, Money } from './money.ts';

/** Where the forms of something that is to be paid are: an order's page, or an offer's. */
export interface PayPlace {
  /** Without the language. */
  readonly path: string;
  /** Until when the place is held, where that may be sooner than the payment says. */
  readonly heldUntil: Date | null;
}

/** What is to be paid, where to, until when, and the way to show that it was. */
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
    <h2 id="pay">${t('Pembayaran', 'Payment')}</h2>
    ${paymentState(visit, payment)}${
      payment.status !== 'settled' &&
      html`${isOpen && dueTime(visit, row, payment)}${isOpen && onlinePart(visit, row, { payment, online }, fault)}${transferAmount(visit, payment)}`
    }${payment.proof && sentProof(visit, visit.url(`${row.path}/bukti`), payment.proof)}${takesProof && proofForm(visit, row, payment, fault)}
  </section>`;
}

/** How it stands, in a sentence. */
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
        <strong>${t('Lunas.', 'Paid.')}</strong>
        ${t(`Pembayaranmu diterima ${at}.`, `Your payment was received on ${at}.`)}
      </p>`;
    }
    case 'proof_submitted':
      return notice(
        'busy',
        t('Bukti terkirim.', 'Proof sent.'),
        t(
          'Kami cek dulu, ya. Kamu tidak perlu bayar lagi; kami kabari hasilnya.',
          'We are checking it. You need not pay again; you will be told.',
        ),
      );
    case 'rejected':
      return notice(
        'bad',
        t('Bukti belum bisa diterima.', 'The proof was not accepted.'),
        html`${payment.reason && html`«${payment.reason}» `}${t('Cek lagi transfermu, lalu kirim bukti yang baru.', 'Check your transfer, and send another proof.')}`,
      );
    case 'pending':
      return notice(
        'busy',
        t('Menunggu pembayaran online.', 'Waiting for the payment online.'),
        html`${t(
          'Sudah bayar di sana? Di sini muncul sebentar lagi.',
          'Paid there? It is shown here in a moment.',
        )}
        ${
          payment.account !== null &&
          t('Kamu juga masih bisa transfer.', 'You can still pay by transfer instead.')
        }`,
      );
    default:
      return undefined;
  }
}

/** The way to the provider's page: first to make it, then to it. */
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
              <button class="button">${t('Bayar online', 'Pay online')}</button>
            </form>`
          : html`<a class="button" href="${page}" rel="external"
              >${t('Buka halaman bayar', 'Open the page to pay')}</a
            >`
      }
      <p class="hint">
        ${t(
          'Dompet digital, QRIS, kartu, atau virtual account lewat Midtrans, tanpa kode unik. Langsung terkonfirmasi.',
          'Wallet, QRIS, card or virtual account with Midtrans, without a unique code. Confirmed at once.',
        )}
      </p>
    </div>
    ${
      payment.account === null
        ? html`<p>
            ${t(
              'Pesanan ini hanya bisa dibayar online. Transfer bank belum tersedia.',
              'This order can only be paid online. Bank transfer is not available yet.',
            )}
          </p>`
        : html`<h3>${t('Atau transfer bank', 'Or by bank transfer')}</h3>`
    }`;
}

function dueTime(visit: PageContext, row: PayPlace, payment: Payment): Html | undefined {
  const { t } = visit;
  const ends = [row.heldUntil, payment.pay_by].filter((end) => end !== null);
  if (ends.length === 0) return undefined;
  // The one moment after which it is too late.
  const by = new Date(Math.min(...ends.map((end) => end.getTime())));
  if (by <= visit.now) {
    return notice(
      'busy',
      t('Waktu bayarnya sudah lewat.', 'The time to pay is over.'),
      t(
        'Jangan transfer lagi, ya: yang dibayar lewat waktunya dikembalikan. Sudah bayar sebelumnya? Kirim buktinya.',
        'Please do not transfer any more: what is paid too late is sent back. Paid before? Send the proof.',
      ),
    );
  }
  return html`<p class="deadline">
    <strong>${t('Tinggal', 'Left')} ${countdown(visit, by)}</strong>
    <span>${t('Bayar sebelum', 'Pay before')} ${exactMoment(visit, by)}</span>
  </p>`;
}

function transferAmount(visit: PageContext, payment: Payment): Html {
  const { t, language } = visit;
  const { account, unique_code: code, total, amount } = payment;
  return html`<div class="to-pay">
      <p class="quiet">
        ${account === null ? t('Jumlahnya', 'Amount') : t('Transfer persis', 'Transfer exactly')}
      </p>
      <p class="row apart">
        <strong class="amount">${formatRupiah(total, language)}</strong>
        ${copyButton(String(total), t('Salin jumlah', 'Copy the amount'))}
      </p>
      ${
        code > 0 &&
        html`<p class="hint">
          ${t(
            `Itu ${formatRupiah(amount, language)} ditambah kode unik ${formatCount(code, language)}. Dari kode ini kami tahu transfernya darimu, jadi jangan dibulatkan, ya.`,
            `That is ${formatRupiah(amount, language)} plus your unique code ${formatCount(code, language)}. The code tells us that the transfer is yours, so please do not round it.`,
          )}
        </p>`
      }
    </div>
    ${
      account !== null &&
      html`<div class="to-pay">
        <p class="quiet">${t('Ke rekening', 'To this account')}</p>
        <p class="row apart">
          <span
            ><strong>${account.bank}</strong> <strong class="number">${account.number}</strong
            ><br />${t('a.n.', 'in the name of')} ${account.holder}</span
          >
          ${copyButton(account.number, t('Salin nomor rekening', 'Copy the number'))}
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
  const wrong = mine && mine.errors[0] && inLanguage(visit, mine.errors[0].message);
  const error = mine && (wrong ?? mine.refused?.text(visit.language).detail);
  const path = url(`${row.path}/bukti`);
  const again = payment.status === 'proof_submitted';
  const megabytes = proofLimitBytes / 1_048_576;
  const wrongs =
    error === undefined ? [] : [{ field: 'picture', message: { id: error, en: error } }];
  return html`<form class="stack" method="post" enctype="multipart/form-data" action="${path}">
    ${fileInput(visit, {
      name: 'picture',
      label: again
        ? t('Salah kirim? Ganti buktinya', 'Wrong file? Send another')
        : t('Sudah transfer? Kirim buktinya', 'Already transferred? Upload your proof'),
      hint: t(
        `Foto atau tangkap layar (JPEG, PNG, WebP) atau PDF, maksimal ${megabytes} MB.`,
        `A photo or screenshot (JPEG, PNG, WebP) or a PDF, up to ${megabytes} MB.`,
      ),
      errors: wrongs,
      required: true,
      accept: 'image/jpeg,image/png,image/webp,application/pdf',
    })}
    <button class="button ${again && 'quiet'}">${t('Kirim bukti', 'Send the proof')}</button>
  </form>`;
}

/** The proof that was sent last: a picture as a thumbnail, a PDF as a link that says what it is. */
function sentProof(visit: PageContext, path: string, proof: SentProof): Html {
  const { t, language, person } = visit;
  const at = formatShortMoment(proof.sent_at, language, person?.timeZone);
  const file = `${path}/berkas`;
  if (proof.content_type === 'application/pdf') {
    return html`<p class="sent-proof">
      <a class="button quiet" href="${file}" data-plain
        >${t('Unduh bukti terakhir', 'Download the last proof')} (PDF,
        ${fileSize(proof.bytes, language)})</a
      >
      <span class="quiet">${t(`Dikirim ${at}`, `Sent on ${at}`)}</span>
    </p>`;
  }
  const words = t('Bukti yang kamu kirim, buka ukuran penuh', 'Your proof, open in full size');
  return html`<figure class="sent-proof">
    <a href="${file}" data-plain><img src="${path}/kecil" alt="${words}" loading="lazy" /></a>
    <figcaption class="quiet">${t(`Dikirim ${at}`, `Sent on ${at}`)}</figcaption>
  </figure>`;
}
