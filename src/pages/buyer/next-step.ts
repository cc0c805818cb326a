import { spokenStatus } from '../../campaigns/status.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { spokenParticipationStatus } from '../../participations/status.ts';
import { exactMoment } from '../../web/components.ts';
import { html, type Part } from '../../web/html.ts';
import type { Visit } from '../../web/visit.ts';
import { sum } from '../visitor/rules.ts';

/** What comes next for a participation, and when money is due. */
export function nextStep(visit: Visit, row: OwnRow): Part {
  const { t } = visit;
  switch (spokenParticipationStatus(row.status)) {
    case 'reserved':
      return whileReserved(visit, row);
    case 'confirmed':
      return whileConfirmed(visit, row);
    case 'fulfilled':
      return t(
        'Barang sudah kamu terima. Terima kasih sudah ikut!',
        'You have received it. Thank you for joining!',
      );
    case 'refunded':
      return row.payment_timing === 'upfront'
        ? t(
            'Sambatan ini tidak jadi. Uang yang sudah kamu bayar dikembalikan penuh.',
            'This campaign did not happen. What you paid is given back in full.',
          )
        : t(
            'Sambatan ini tidak jadi. Tidak ada yang perlu kamu bayar; yang sudah dibayar dikembalikan.',
            'This campaign did not happen. There is nothing to pay, and what was paid is given back.',
          );
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
      }[row.cancel_reason ?? 'buyer'];
  }
}

function whileReserved(visit: Visit, row: OwnRow): Part {
  const { t } = visit;
  const amount = sum(visit, row.price_per_slot, row.quantity);
  if (row.payment_timing === 'upfront' && row.hold_expires_at !== null) {
    return html`${t(`Bayar ${amount} sebelum`, `Pay ${amount} before`)}
    ${exactMoment(visit, row.hold_expires_at)}.
    ${t('Lewat dari itu slotmu dilepas.', 'After that your slots are released.')}`;
  }
  return html`${t(
    `Slotmu aman. Belum perlu bayar: ${amount} baru ditagih kalau Sambatan ini berhasil, paling lambat`,
    `Your slots are yours. Nothing to pay yet: ${amount} falls due only if this campaign succeeds, by`,
  )}
  ${exactMoment(visit, row.deadline)}.`;
}

function whileConfirmed(visit: Visit, row: OwnRow): string {
  const { t } = visit;
  if (row.payment_timing === 'upfront') {
    return spokenStatus(row.campaign_status) === 'completed'
      ? t(
          'Pembayaranmu diterima dan Sambatan ini berhasil. Barang sedang disiapkan.',
          'Your payment arrived and the campaign succeeded. It is being made.',
        )
      : t(
          'Pembayaranmu sudah diterima. Tinggal menunggu Sambatan ini terpenuhi.',
          'Your payment arrived. Now the campaign has to fill.',
        );
  }
  const amount = sum(visit, row.price_per_slot, row.quantity);
  return t(
    `Sambatan ini berhasil! ${amount} sekarang jatuh tempo; barang dibuat untukmu.`,
    `The campaign succeeded! ${amount} is due now, and it is being made for you.`,
  );
}
