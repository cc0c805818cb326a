import type { Campaign } from '../../campaigns/campaign.ts';
import { countdown, exactMoment } from '../../web/components.ts';
import { formatCount, formatRupiah, formatSlots } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { takenOf } from './card.ts';

/** What of a campaign's state everybody should know first, where it takes no joins now. */
export function stateOf(visit: PageContext, campaign: Campaign): Html | undefined {
  const words = wordsOf(visit, campaign);
  return (
    words &&
    html`<div class="state">
      <h2>${words.title}</h2>
      <p>${words.detail}</p>
    </div>`
  );
}

/** Whether a join is possible by the server's clock; the database decides. */
export function takesJoins({ now }: Pick<PageContext, 'now'>, campaign: Campaign): boolean {
  return campaign.slots_remaining > 0 && campaign.status === 'active' && isOpen(now, campaign);
}

/** Whether all slots are taken, or kept for those who wait, while it has not ended. */
export function takesWaiting({ now }: Pick<PageContext, 'now'>, campaign: Campaign): boolean {
  const runs = campaign.status === 'active' || campaign.status === 'full';
  return runs && campaign.slots_remaining === 0 && isOpen(now, campaign);
}

function isOpen(now: Date, campaign: Campaign): boolean {
  return !campaign.is_closing && campaign.deadline > now;
}

function wordsOf(visit: PageContext, campaign: Campaign) {
  const { t, language } = visit;
  const taken = formatSlots(takenOf(campaign), language);
  if (takesJoins(visit, campaign)) return undefined;
  switch (campaign.status) {
    case 'inactive':
      return {
        title: t('Masih draf', 'Still a draft'),
        detail: t('Hanya timmu yang melihat halaman ini.', 'Only your team sees this page.'),
      };
    case 'scheduled':
      return {
        title: t('Segera dibuka', 'Opening soon'),
        detail: html`${t('Dibuka', 'Opens')}
        ${exactMoment(visit, campaign.opens_at ?? campaign.deadline)}
        (${countdown(visit, campaign.opens_at ?? campaign.deadline)})`,
      };
    case 'active':
      if (takesWaiting(visit, campaign)) {
        return {
          title: t('Semua slot sedang dipegang', 'Every slot is held'),
          detail: t(
            'Yang baru lepas sedang ditawarkan ke antrean.',
            'What came free is being offered to those who wait.',
          ),
        };
      }
      return {
        title: t('Waktunya habis', 'Time is up'),
        detail: t(
          'Hasilnya sedang dihitung, sebentar lagi muncul.',
          'The result is being counted and will show in a moment.',
        ),
      };
    case 'full':
      return campaign.is_closing
        ? {
            title: t('Penuh, sedang diselesaikan', 'Full, being completed'),
            detail: t(
              'Semua slot terisi. Sebentar lagi dipastikan.',
              'Every slot is taken. It will be settled in a moment.',
            ),
          }
        : {
            title: t('Semua slot terisi', 'Every slot is taken'),
            detail: t(
              'Kalau ada yang batal sebelum ditutup, slotnya ditawarkan ke antrean dulu.',
              'If somebody leaves before it closes, the slots are offered to those who wait first.',
            ),
          };
    case 'verifying':
      return {
        title: t(
          'Waktunya habis, pembayaran sedang dicek',
          'Time is up, payments are being checked',
        ),
        detail: t(
          'Yang dibayar sebelum batas waktu tetap dihitung. Hasilnya muncul setelah semua pembayaran dicek.',
          'What was paid before the deadline still counts. The result shows once every payment is checked.',
        ),
      };
    case 'completed':
      return {
        title: t('Berhasil!', 'It succeeded!'),
        detail: t(
          `${taken} terisi. Batch ini dibuat untuk semua yang ikut.`,
          `${taken} were taken. The batch is made for everybody who joined.`,
        ),
      };
    case 'failed':
      return {
        title: t('Kali ini tidak terpenuhi', 'Not filled this time'),
        detail: t(
          `Baru ${taken} dari minimal ${formatCount(campaign.minimum_slots, language)} saat batas waktu. Semua yang ikut mendapat uangnya kembali.`,
          `${taken} of at least ${formatCount(campaign.minimum_slots, language)} by the deadline. Everybody who joined is refunded.`,
        ),
      };
    case 'cancelled':
      return {
        title: t('Dibatalkan', 'Cancelled'),
        detail: t(
          'Sambatan ini dibatalkan. Semua yang ikut mendapat uangnya kembali.',
          'This campaign was called off. Everybody who joined is refunded.',
        ),
      };
  }
}

/** The sentence that a preview shows: price, progress and until when. */
export function sentenceOf(visit: PageContext, campaign: Campaign): string {
  const { t, language } = visit;
  const price = formatRupiah(campaign.price_per_slot, language);
  const taken = formatCount(takenOf(campaign), language);
  const total = formatSlots(campaign.total_slots, language);
  return t(
    `${price} per slot · ${taken} dari ${total} terisi · ${campaign.brand_name}`,
    `${price} a slot · ${taken} of ${total} taken · ${campaign.brand_name}`,
  );
}
