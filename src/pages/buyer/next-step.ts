import type { Payment } from '../../ledger/payments/payment.ts';
import { toApiParticipationStatus } from '../../database/status-words.ts';
import { toApiStatus } from '../../database/status-words.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { exactMoment } from '../../web/components.ts';
import { html, type Part } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { sum } from '../campaign/rules.ts';

/** What comes next for a participation, and when money is due; with its payment, if it has one. */
export function nextStep(visit: PageContext, row: OwnRow, payment: Payment | undefined): Part {
  const { t } = visit;
  switch (toApiParticipationStatus(row.status)) {
    case 'reserved':
      return whileReserved(visit, row, payment);
    case 'confirmed':
      return whileConfirmed(visit, row, payment);
    case 'fulfilled':
      return t(
        'Barang sudah kamu terima. Terima kasih sudah ikut!',
        'You have received it. Thank you for joining!',
      );
    case 'refunded':
      return onceRefunded(visit, row);
    case 'cancelled':
      return {
        buyer: t(
          'Kamu membatalkan ikutan ini. Tidak ada yang perlu dibayar.',
          'You left. There is nothing to pay.',
        ),
        hold_lapsed: t(
          'Waktu bayarnya lewat, jadi slotmu dilepas. Kamu bisa ikut lagi selama slot masih ada.',
          'The time to pay passed, so your slots were released. You can join again while there are slots.',
        ),
        operator: t('Ikutan ini dibatalkan oleh operator.', 'This was cancelled by an operator.'),
        unpaid: t(
          'Pembayarannya tidak kami terima sampai batas waktunya, jadi pesananmu batal. Kalau transfermu ternyata masuk, uangmu kembali seluruhnya.',
          'No payment arrived by its time, so your order is cancelled. If a transfer of yours still turns up, all of it comes back to you.',
        ),
      }[row.cancel_reason ?? 'buyer'];
  }
}

function onceRefunded({ t }: PageContext, row: OwnRow): string {
  if (row.fulfilled_at !== null) {
    return t(
      'Barang sudah kamu terima, lalu keluhanmu diterima. Uangmu dikembalikan penuh.',
      'You received the goods, and your complaint was upheld. You are refunded in full.',
    );
  }
  if (toApiStatus(row.campaign_status) === 'completed') {
    return t(
      'Sambatan ini jadi, tapi ikutanmu ditutup. Yang sudah kamu bayar dikembalikan.',
      'The campaign succeeded, but your part in it is closed. What you paid is given back.',
    );
  }
  return row.payment_timing === 'upfront'
    ? t(
        'Sambatan ini tidak jadi. Uang yang sudah kamu bayar dikembalikan penuh.',
        'This campaign did not happen. What you paid is given back in full.',
      )
    : t(
        'Sambatan ini tidak jadi. Tidak ada yang perlu kamu bayar; yang sudah dibayar dikembalikan.',
        'This campaign did not happen. There is nothing to pay, and what was paid is given back.',
      );
}

function whileReserved(visit: PageContext, row: OwnRow, payment: Payment | undefined): Part {
  const { t } = visit;
  if (row.payment_timing === 'upfront') {
    if (toApiStatus(row.campaign_status) === 'verifying' || row.deadline <= visit.now) {
      return afterDeadline(visit, payment);
    }
    if (payment?.status === 'proof_submitted') {
      return t(
        'Buktimu sedang kami cek. Sementara itu slotmu tidak dilepas.',
        'We are checking your payment. Meanwhile your slots are not released.',
      );
    }
    if (row.hold_expires_at === null) {
      return t('Bayar dulu, supaya slotmu pasti.', 'Pay, to make your slots certain.');
    }
    return html`${t('Bayar sebelum', 'Pay before')} ${exactMoment(visit, row.hold_expires_at)}.
    ${t('Lewat dari itu slotmu dilepas.', 'After that your slots are released.')}`;
  }
  const amount = sum(visit, row.price_per_slot, row.quantity);
  return html`${t(
    `Slotmu aman. Belum perlu bayar: ${amount} baru ditagih kalau Sambatan ini berhasil, paling lambat`,
    `Your slots are yours. Nothing to pay yet: ${amount} falls due only if this campaign succeeds, by`,
  )}
  ${exactMoment(visit, row.deadline)}.`;
}

/** The time to pay is over; what was paid in time still counts. */
function afterDeadline({ t }: PageContext, payment: Payment | undefined): string {
  if (payment?.status === 'proof_submitted') {
    return t(
      'Waktunya habis dan buktimu sedang kami cek. Kalau dibayar sebelum batas waktu, slotmu tetap dihitung.',
      'Time is up, and we are checking your proof. If you paid before the deadline, your slots count.',
    );
  }
  return t(
    'Waktu bayarnya habis. Sudah transfer sebelum batas waktu? Kirim buktinya supaya cepat dicek; yang dibayar tepat waktu tetap dihitung.',
    'The time to pay is over. Did you transfer before the deadline? Send the proof so that it is checked sooner: what was paid in time counts.',
  );
}

function whileConfirmed(visit: PageContext, row: OwnRow, payment: Payment | undefined): Part {
  const { t } = visit;
  const completed = toApiStatus(row.campaign_status) === 'completed';
  if (row.payment_timing === 'upfront' && !completed) {
    return t(
      'Pembayaranmu sudah diterima. Tinggal menunggu Sambatan ini terpenuhi.',
      'Your payment arrived. Now the campaign has to fill.',
    );
  }
  switch (payment?.status) {
    case 'due':
    case 'rejected':
    case 'pending':
      return payment.pay_by !== null && payment.pay_by <= visit.now
        ? t(
            'Waktu bayarnya habis. Sudah transfer? Kirim buktinya; kalau tidak ada pembayaran tepat waktu, pesananmu batal.',
            'The time to pay is over. Did you transfer? Send the proof; without a payment in time your order is cancelled.',
          )
        : html`${t(
            'Sambatan ini berhasil! Sekarang waktunya bayar; barang dibuat untukmu.',
            'The campaign succeeded! Now it is time to pay, and it is made for you.',
          )}
          ${
            payment.pay_by !== null &&
            html`${t('Paling lambat', 'By')} ${exactMoment(visit, payment.pay_by)}.`
          }`;
    case 'proof_submitted':
      return t(
        'Sambatan ini berhasil, dan buktimu sedang kami cek.',
        'The campaign succeeded, and we are checking your payment.',
      );
    default:
      return row.payment_timing === 'upfront' || payment?.status === 'settled'
        ? t(
            'Pembayaranmu diterima dan Sambatan ini berhasil. Barang sedang disiapkan.',
            'Your payment arrived and the campaign succeeded. It is being made.',
          )
        : t(
            'Slotmu dipastikan. Kami kabari begitu waktunya bayar.',
            'Your slots are certain. You will be told when it is time to pay.',
          );
  }
}
