import type { Campaign } from '../../campaigns/campaign.ts';
import { formatRupiah, formatSlots } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/** What happens when, in plain words: when it fills, when it does not, when money is due. */
export function rulesOf(visit: PageContext, campaign: Campaign): Html {
  const { t } = visit;
  const rule = (question: string, answer: string) =>
    html`<dt>${question}</dt>
      <dd>${answer}</dd>`;
  return html`<section class="panel" aria-labelledby="rules">
    <h2 id="rules">${t('Cara mainnya', 'How it works')}</h2>
    <dl class="rules">
      ${rule(t('Kalau penuh?', 'When it fills?'), whenFilled(visit, campaign))}
      ${rule(t('Kalau tidak penuh?', 'When it does not?'), whenNot(visit, campaign))}
      ${rule(t('Kapan aku bayar?', 'When do I pay?'), whenDue(visit, campaign))}
      ${rule(t('Bisa batal?', 'Can I leave?'), leaving(visit, campaign))}
    </dl>
  </section>`;
}

function whenFilled({ t, language }: PageContext, campaign: Campaign): string {
  const { minimum_slots: minimum, total_slots: total } = campaign;
  if (total === 1) {
    return t(
      'Begitu satu-satunya slot terisi, batch ini dibuat untuk yang ikut.',
      'Once its only slot is taken, this batch is made for whoever joined.',
    );
  }
  if (minimum === total) {
    return t(
      `Begitu ${formatSlots(total, language)} terisi semua, batch ini dibuat untuk semua yang ikut.`,
      `Once all ${formatSlots(total, language)} are taken, this batch is made for everybody who joined.`,
    );
  }
  return t(
    `Batch ini dibuat kalau ${formatSlots(total, language)} terisi, atau minimal ${formatSlots(minimum, language)} saat batas waktu.`,
    `The batch is made when all ${formatSlots(total, language)} are taken, or at least ${formatSlots(minimum, language)} by the deadline.`,
  );
}

function whenNot({ t }: PageContext, campaign: Campaign): string {
  return campaign.payment_timing === 'upfront'
    ? t(
        'Tidak jadi dibuat, dan semua uang yang sudah dibayar dikembalikan penuh.',
        'It is not made, and everything that was paid is given back in full.',
      )
    : t(
        'Tidak jadi dibuat, dan tidak ada yang perlu dibayar.',
        'It is not made, and there is nothing to pay.',
      );
}

/** When a buyer of this campaign pays, as the service does it. */
export function whenDue(
  { t }: PageContext,
  campaign: Pick<Campaign, 'payment_timing' | 'hold_seconds'>,
) {
  if (campaign.payment_timing === 'on_completion') {
    return t(
      'Bukan sekarang. Kamu memesan dulu; bayarnya setelah Sambatan ini berhasil.',
      'Not now. You reserve first, and pay once this campaign has succeeded.',
    );
  }
  const hours = Math.max(1, Math.round(campaign.hold_seconds / 3_600));
  return campaign.hold_seconds < 3_600
    ? t(
        'Segera setelah ikut, sebelum slotmu dilepas.',
        'Right after joining, before your slots lapse.',
      )
    : t(
        `Dalam ${hours} jam setelah ikut. Kalau belum dibayar, slotmu dilepas lagi.`,
        `Within ${hours} ${hours === 1 ? 'hour' : 'hours'} of joining. If not paid by then, your slots are released.`,
      );
}

function leaving({ t, language }: PageContext, campaign: Campaign): string {
  const { payment_timing, min_slots_per_user: least, max_slots_per_user: most } = campaign;
  const leave =
    payment_timing === 'upfront'
      ? t('Bisa, selama belum dibayar dan belum ditutup.', 'Yes, until it is paid or closes.')
      : t(
          'Bisa, gratis, selama Sambatan belum ditutup.',
          'Yes, for free, until the campaign closes.',
        );
  if (least === null && most === null) return leave;
  const bounds =
    most === null
      ? t(`minimal ${formatSlots(least!, language)}`, `at least ${formatSlots(least!, language)}`)
      : least === null
        ? t(
            `paling banyak ${formatSlots(most, language)}`,
            `at most ${formatSlots(most, language)}`,
          )
        : t(
            `${least} sampai ${formatSlots(most, language)}`,
            `${least} to ${formatSlots(most, language)}`,
          );
  const remainder =
    least === null || least === 1
      ? ''
      : t(
          ' Kalau sisanya kurang dari itu, satu pembeli boleh mengambil semuanya.',
          ' If fewer than that are left, one buyer may take them all.',
        );
  return `${leave} ${t(`Tiap pembeli ${bounds}.`, `Each buyer takes ${bounds}.`)}${remainder}`;
}

/** `Rp125.000 × 2 = Rp250.000`. */
export function sum({ language }: PageContext, price: bigint, quantity: number): string {
  return formatRupiah(price * BigInt(quantity), language);
}
