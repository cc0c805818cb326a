import type { AuditRow } from '../../audit/queries.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { formatMoment, formatShortMoment, formatSlots } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/** What happened to a participation and its campaign, from the audit log, newest first. */
export function historyOf(visit: PageContext, row: OwnRow, log: readonly AuditRow[]): Html {
  const { t, language, person } = visit;
  const told = log.flatMap((entry) => {
    const words = wordsOf(visit, row, entry);
    return words === undefined ? [] : [{ at: entry.occurred_at, words }];
  });
  return html`<section class="panel" aria-labelledby="history">
    <h2 id="history">${t('Yang sudah terjadi', 'What happened')}</h2>
    <ol class="timeline">
      ${told
        .toReversed()
        .map(
          ({ at, words }) =>
            html`<li>
              ${words}<br /><time class="quiet" datetime="${at.toISOString()}"
                >${formatShortMoment(at, language, person?.timeZone)}</time
              >
            </li>`,
        )}
    </ol>
  </section>`;
}

function wordsOf(
  visit: PageContext,
  row: OwnRow,
  { event, metadata }: AuditRow,
): string | undefined {
  const { t, language } = visit;
  switch (event) {
    case 'participant_joined': {
      const quantity = Number(metadata['quantity'] ?? row.quantity);
      return t(
        `Kamu ikut dengan ${formatSlots(quantity, language)}.`,
        `You joined with ${formatSlots(quantity, language)}.`,
      );
    }
    case 'participant_changed':
      return metadata['from'] === undefined
        ? t('Alamat atau catatan diperbarui.', 'The address or note was updated.')
        : t(
            `Pesanan dikurangi menjadi ${formatSlots(row.quantity, language)}.`,
            `The order was reduced to ${formatSlots(row.quantity, language)}.`,
          );
    case 'participant_confirmed':
      return metadata['amount'] === undefined
        ? t('Slotmu dipastikan.', 'Your slots were confirmed.')
        : t('Pembayaranmu diterima.', 'Your payment was received.');
    case 'participant_cancelled':
      return whyLeft(visit, row);
    case 'participant_refunded':
      return t('Ikutanmu dikembalikan penuh.', 'You were refunded in full.');
    case 'participant_fulfilled':
      return t('Barang diterima.', 'The goods were received.');
    case 'campaign_shipped':
      return t('Pesanan dikirim.', 'The order was shipped.');
    case 'campaign_full':
      return t('Semua slot terisi.', 'Every slot was taken.');
    case 'campaign_reopened':
      return t('Ada slot yang lepas; dibuka lagi.', 'A slot came free; it opened again.');
    case 'campaign_completed':
      return t('Sambatan berhasil!', 'The campaign succeeded!');
    case 'campaign_failed':
      return t('Sambatan tidak terpenuhi.', 'The campaign was not filled.');
    case 'campaign_cancelled':
      return t('Sambatan dibatalkan', 'The campaign was called off') + reason(metadata);
    case 'deadline_extended': {
      const to = formatMoment(new Date(String(metadata['to'])), language);
      return (
        t(`Batas waktu diundur sampai ${to}`, `The deadline was moved to ${to}`) + reason(metadata)
      );
    }
    default:
      return undefined;
  }
}

function whyLeft({ t }: PageContext, { cancel_reason: why }: OwnRow): string {
  if (why === 'operator')
    return t('Operator membatalkan ikutan ini.', 'An operator cancelled this.');
  return why === 'hold_lapsed'
    ? t('Waktu bayar lewat; slotmu dilepas.', 'The time to pay passed; your slots were released.')
    : t('Kamu membatalkan; slotmu dilepas.', 'You left; your slots were released.');
}

function reason(metadata: AuditRow['metadata']): string {
  const given = metadata['reason'];
  return typeof given === 'string' && given !== '' ? `: «${given}»` : '.';
}
