import { boundsOf, type Standing } from './standing.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import type { OwnWaitingRow } from '../../waiting/queries.ts';
import { waitingEntryOf, type WaitingEntry } from '../../waiting/waiting.ts';
import { countdown, exactMoment, notice } from '../../web/components.ts';
import { formatCount, formatRupiah, formatSlots } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { takesWaiting } from './state.ts';
import { waitForm, type FormState } from './join-form.ts';

/** On a campaign's page, before everything that can be asked for: the reader's place or offer. */
export function ownPlace(visit: PageContext, { waiting }: Standing): Html | undefined {
  return waiting && isOpen(waiting) ? place(visit, waiting, true) : undefined;
}

/** The way into the waiting list, where all slots are taken. */
export function waitingPart(
  visit: PageContext,
  campaign: Campaign,
  standing: Standing,
  form: FormState | undefined,
): Html | undefined {
  const { waiting } = standing;
  if ((waiting && isOpen(waiting)) || !takesWaiting(visit, campaign)) return undefined;
  return html`${waiting?.status === 'lapsed' && lapsed(visit)}${waitingListEntrance(visit, campaign, standing, form)}`;
}

function isOpen({ status }: WaitingEntry): boolean {
  return status === 'waiting' || status === 'offered';
}

/** Where somebody waits, above what they take part in. */
export function waitingPlaces(
  visit: PageContext,
  rows: readonly OwnWaitingRow[],
): Html | undefined {
  if (rows.length === 0) return undefined;
  const { t, url } = visit;
  return html`<section class="panel" aria-labelledby="waiting">
    <h2 id="waiting">${t('Antreanku', 'Where I wait')}</h2>
    <ul class="plain">
      ${rows.map(
        (row) =>
          html`<li>
            <h3><a href="${url(`/sambatan/${row.campaign_id}`)}">${row.title}</a></h3>
            ${place(visit, waitingEntryOf(row), false)}
          </li>`,
      )}
    </ul>
  </section>`;
}

function place(visit: PageContext, entry: WaitingEntry, alone: boolean): Html {
  const { t, language } = visit;
  const offered = entry.status === 'offered';
  const title = offered
    ? t(
        `${formatSlots(entry.quantity, language)} disimpan untukmu!`,
        `${formatSlots(entry.quantity, language)} kept for you!`,
      )
    : t(
        `Kamu antrean ke-${formatCount(entry.position ?? 1, language)}`,
        `You are number ${formatCount(entry.position ?? 1, language)} in line`,
      );
  return html`<div class="state">
    ${alone ? html`<h2>${title}</h2>` : html`<p><strong>${title}</strong></p>`}
    ${offered ? offer(visit, entry) : waits(visit, entry)}
  </div>`;
}

function waits(visit: PageContext, entry: WaitingEntry): Html {
  const { t, url, language } = visit;
  const ahead = formatSlots(entry.slots_ahead, language);
  return html`<p>
      ${t(`Menunggu ${formatSlots(entry.quantity, language)}.`, `Waiting for ${formatSlots(entry.quantity, language)}.`)}
      ${
        entry.slots_ahead > 0 &&
        t(`Di depanmu ${ahead} ditunggu.`, `Before you, ${ahead} are waited for.`)
      }
    </p>
    ${
      entry.kept_amount !== null &&
      html`<p>
        ${t(
          `Sudah kamu bayar: ${formatRupiah(entry.kept_amount, language)} kami simpan, dan slotnya langsung jadi milikmu begitu kosong. Kalau keluar, uangmu kami kembalikan.`,
          `Already paid: we're keeping your ${formatRupiah(entry.kept_amount, language)}, and the slots are yours as soon as they come free. If you leave, you'll be refunded.`,
        )}
      </p>`
    }
    <form method="post" action="${url(`/antrean/${entry.id}/keluar`)}">
      <button class="button quiet">${t('Keluar dari antrean', 'Wait no more')}</button>
    </form>`;
}

function offer(visit: PageContext, entry: WaitingEntry): Html {
  const { t, url } = visit;
  const until = entry.offer_expires_at;
  return html`${
      until !== null &&
      html`<p class="deadline">
        <strong>${t('Tinggal', 'Left')} ${countdown(visit, until)}</strong>
        <span>${t('Sampai', 'Until')} ${exactMoment(visit, until)}</span>
      </p>`
    }
    ${
      entry.order_id !== null &&
      html`<p>
        ${t(
          'Sambatan ini sudah berhasil, jadi slotnya jadi milikmu begitu kamu bayar.',
          'This campaign has succeeded, so the slots are yours as soon as you pay.',
        )}
      </p>`
    }
    <div class="row">
      ${
        entry.order_id === null
          ? html`<form method="post" action="${url(`/antrean/${entry.id}/ambil`)}">
              <button class="button">${t('Ambil slotnya', 'Take them')}</button>
            </form>`
          : html`<a class="button" href="${url(`/antrean/${entry.id}/bayar`)}"
              >${t('Bayar untuk mengambil', 'Pay to take them')}</a
            >`
      }
      <form method="post" action="${url(`/antrean/${entry.id}/lewatkan`)}">
        <button class="button quiet">${t('Lewatkan', 'Leave them')}</button>
      </form>
    </div>`;
}

function lapsed({ t }: PageContext): Html {
  return notice(
    'busy',
    t('Waktu untuk mengambil slotnya lewat.', 'The time to take your slots passed.'),
    t('Kamu bisa antre lagi.', 'You can wait again.'),
  );
}

function waitingListEntrance(
  visit: PageContext,
  campaign: Campaign,
  standing: Standing,
  form: FormState | undefined,
): Html | undefined {
  const { t, url, person } = visit;
  if (person === undefined) {
    const back = encodeURIComponent(`/sambatan/${campaign.id}`);
    return html`<a class="button wide" href="${url(`/masuk?back=${back}`)}"
      >${t('Masuk untuk antre', 'Sign in to wait')}</a
    >`;
  }
  const { least, most } = boundsOf(campaign, standing);
  if (most < least) return undefined;
  return html`<h2>${t('Antre slot', 'Wait for slots')}</h2>
    ${waitForm(visit, campaign, { least, most, standing, form })}`;
}
