import { toApiParticipationStatus } from '../../database/status-words.ts';
import { toApiStatus } from '../../database/status-words.ts';
import type { DomainError } from '../../errors/errors.ts';
import type { LastDisputeRow } from '../../ledger/disputes/queries.ts';
import type { OwnRefundRow } from '../../ledger/refunds/queries.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { badge, notice, textarea } from '../../web/components.ts';
import { fileInput } from '../../web/file-input.ts';
import { formatMoment, formatRupiah, formatShortMoment } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { disputePictures } from './dispute-pictures-part.ts';
import type { Fault, Money } from './money.ts';

/**
 * Money that goes back to the buyer, and the way to say where it goes or to keep it for slots: of
 * the order whose page is at `path`, with why that was refused, if it was.
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
    >${hasRefundAccount ? t('Cek rekeningmu', 'Check your account') : t('Isi rekening pengembalian', 'Say where it goes')}</a
  >`;
  return html`<section class="panel" aria-labelledby="refund">
    <h2 id="refund">${t('Pengembalian dana', 'Refund')}</h2>
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
              ? t(
                  'Kami transfer ke rekening yang sudah kamu isi.',
                  'We transfer it to the account that you have given.',
                )
              : t(
                  'Ke rekening mana uangnya kami kirim? Isi sekali saja.',
                  'Which account shall we send it to? Say it once.',
                )
          }
        </p>
        <p>${link}</p>`
    }
  </section>`;
}

/** Money that was paid in time for slots that others have by now: what its buyer can choose. */
function choicePart(visit: PageContext, path: string, refund: OwnRefundRow): Html | undefined {
  const { t, url, language } = visit;
  const amount = formatRupiah(refund.amount, language);
  if (refund.kept_for !== null) {
    return html`${notice(
        'good',
        t('Kamu antre paling depan.', "You're at the front of the line."),
        t(
          `${amount} kami simpan. Begitu slotnya kosong, slot itu langsung jadi milikmu.`,
          `We're keeping your ${amount}. As soon as slots come free, they're yours.`,
        ),
      )}
      <form method="post" action="${url(`/antrean/${refund.kept_for}/keluar`)}">
        <button class="button quiet">
          ${t('Keluar dari antrean, kembalikan danaku', 'Leave the line and refund me')}
        </button>
      </form>`;
  }
  if (!refund.may_wait) return undefined;
  return html`${notice(
      'busy',
      t(
        'Transfermu tepat waktu, tapi slotnya sudah diberikan ke pembeli lain.',
        'You paid on time, but your slots had already gone to other buyers.',
      ),
      t(
        'Pilih mana yang kamu mau. Kalau tidak memilih, uangmu kami kembalikan.',
        "It's your choice. If you do nothing, we'll refund you.",
      ),
    )}
    <div class="row">
      <form method="post" action="${url(`${path}/simpan`)}">
        <input type="hidden" name="refund" value="${refund.transaction_id}" />
        <button class="button">${t('Antre paling depan', 'Wait at the front of the line')}</button>
      </form>
      <a class="button quiet" href="${url('/akun/rekening')}"
        >${t('Kembalikan uangku', 'Refund me')}</a
      >
    </div>
    <p class="quiet">
      ${t(
        `Kalau antre, ${amount} kami simpan sampai slotnya kosong. Kamu bisa keluar kapan saja dan uangmu kembali.`,
        `If you wait, we keep your ${amount} until slots come free. You can leave any time and be refunded.`,
      )}
    </p>`;
}

function refundLine(visit: PageContext, refund: OwnRefundRow): Html {
  const { t, language, person } = visit;
  const { status, settled_at: at, attempts, reference } = refund;
  const words =
    status === 'settled'
      ? badge(t('Sudah dikirim', 'Sent'), 'good')
      : refund.kept_for !== null
        ? badge(t('Disimpan untuk slotmu', 'Kept for your slots'), 'busy')
        : badge(t('Sedang disiapkan', 'Being prepared'), 'busy');
  const failed = status === 'due' && attempts > 0;
  return html`<li>
    <span class="row"><strong>${formatRupiah(refund.amount, language)}</strong> ${words}</span>
    ${
      at !== null &&
      html`<span class="quiet"
        >${formatShortMoment(at, language, person?.timeZone)}${reference && ` · ${reference}`}</span
      >`
    }${
      failed &&
      html`<span class="quiet"
        >${t('Transfer sebelumnya gagal; kami coba lagi.', 'The last transfer failed; we try again.')}</span
      >`
    }
  </li>`;
}

/** Once it is made: saying that it came, or that something is wrong with it. */
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
  // A form that was refused says why, also where it is not offered any more.
  const isShown = mayReceive || mayDispute || dispute !== undefined || fault?.form === 'received';
  if (!completed || !isShown) return undefined;
  return html`<section class="panel" aria-labelledby="goods" id="barang">
    <h2 id="goods">${t('Barangnya', 'The goods')}</h2>
    ${dispute && disputeWords(visit, dispute)}${dispute && disputePictures(visit, dispute)}${receiptRefusal(visit, fault)}${
      mayReceive && receiptForm(visit, row)
    }${mayDispute && disputeForm(visit, row, fault, dispute !== undefined)}
  </section>`;
}

function disputeWords(visit: PageContext, dispute: LastDisputeRow): Html {
  const { t } = visit;
  const { resolution, explanation } = dispute;
  const said = html`“${dispute.reason}”${explanation && html`<br />${t('Jawaban', 'Answer')}: “${explanation}”`}`;
  if (resolution === null) {
    return notice('busy', t('Laporanmu sedang kami periksa.', 'We are looking into it.'), said);
  }
  return resolution === 'upheld'
    ? notice(
        'good',
        t('Laporanmu diterima; uangmu kembali.', 'You were right: you are refunded.'),
        said,
      )
    : notice(
        'busy',
        t('Laporanmu sudah diperiksa.', 'It was looked into.'),
        html`${said}<br />${
            dispute.may_again
              ? t(
                  'Ada keterangan baru? Kamu bisa melaporkannya sekali lagi dalam 7 hari sejak keputusan ini.',
                  'Is there something new? You can report it once more within 7 days of this decision.',
                )
              : t('Keputusan ini final.', 'This decision is final.')
          }`,
      );
}

/** Why the goods are not counted as received. */
function receiptRefusal({ language }: PageContext, fault: Fault | undefined): Html | undefined {
  const refused = fault?.form === 'received' ? fault.refused?.text(language) : undefined;
  return refused && notice('bad', refused.title, refused.detail);
}

function receiptForm(visit: PageContext, row: OwnRow): Html {
  const { t, url, language, person } = visit;
  return html`<form method="post" action="${url(`/ikutan/${row.participation_id}/terima`)}">
    <p>
      ${t('Sudah sampai di tanganmu? Kabari supaya penjual dibayar.', 'Has it reached you? Say so, and the seller is paid.')}
    </p>
    ${
      row.received_after !== null &&
      html`<p class="quiet">
        ${t(
          `Sudah dikirim. Tanpa kabar sampai ${formatMoment(row.received_after, language, person?.timeZone)}, pesanan dianggap sudah diterima.`,
          `It was shipped. If we don't hear from you by ${formatMoment(row.received_after, language, person?.timeZone)}, the order counts as received.`,
        )}
      </p>`
    }
    <button class="button">${t('Barang sudah kuterima', 'I have received it')}</button>
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
      ${again ? t('Laporkan sekali lagi', 'Report it once more') : t('Ada yang salah dengan barangnya?', 'Is something wrong with it?')}
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
        label: again
          ? t('Apa keterangan barunya?', 'What is new?')
          : t('Ceritakan masalahnya', 'Tell what is wrong'),
        hint: t(
          'Pembayaran ke penjual ditahan sampai operator memeriksanya.',
          'The seller is not paid until an operator has looked into it.',
        ),
        value: mine?.typed?.['reason'],
        errors: mine?.errors,
        required: true,
        control: { minlength: 3, maxlength: 500, rows: 3 },
      })}
      ${fileInput(visit, {
        name: 'pictures',
        label: t('Foto', 'Photos'),
        hint: t(
          'Paling banyak 3 foto (JPEG, PNG, WebP), masing-masing maksimal 5 MB. Hanya kamu, penjual, dan operator yang melihatnya.',
          'Up to 3 photos (JPEG, PNG, WebP), 5 MB each. Only you, the seller and our staff can see them.',
        ),
        errors: mine?.errors,
        accept: 'image/jpeg,image/png,image/webp',
        multiple: true,
      })}
      <button class="button danger">${t('Laporkan masalah', 'Report it')}</button>
    </form>
  </details>`;
}
