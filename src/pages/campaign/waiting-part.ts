import { boundsOf, type Standing } from './standing.ts';
import type { Campaign } from '../../campaigns/campaign.ts';
import type { OwnWaitingRow } from '../../waiting/queries.ts';
import { waitingEntryOf, type WaitingEntry } from '../../waiting/waiting.ts';
import { countdown, exactMoment, notice } from '../../web/components.ts';
import { formatRupiah } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import type { PageContext } from '../../web/visit.ts';
import { takesWaiting } from './state.ts';
import { waitForm, type FormState } from './join-form.ts';

/** Returns the user's waiting-list entry or offer, for the top of a campaign's page. */
export function ownPlace(visit: PageContext, { waiting }: Standing): Html | undefined {
  return waiting && isOpen(waiting) ? place(visit, waiting, true) : undefined;
}

/** Returns the form for joining the waiting list. It is shown if all slots are taken. */
export function waitingPart(
  visit: PageContext,
  campaign: Campaign,
  standing: Standing,
  form: FormState | undefined,
): Html | undefined {
  const { waiting } = standing;
  if ((waiting && isOpen(waiting)) || !takesWaiting(visit, campaign)) return undefined;
  return html`${waiting?.status === 'lapsed' && lapsedNotice(visit)}${waitingListEntrance(visit, campaign, standing, form)}`;
}

function isOpen({ status }: WaitingEntry): boolean {
  return status === 'waiting' || status === 'offered';
}

/** Returns the user's waiting-list entries, which are shown above the list of orders. */
export function waitingPlaces(
  visit: PageContext,
  rows: readonly OwnWaitingRow[],
): Html | undefined {
  if (rows.length === 0) return undefined;
  const { t, url } = visit;
  return html`<section class="panel" aria-labelledby="waiting">
    <h2 id="waiting">${t('campaign.waitingPart.myWaitingLists')}</h2>
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
  const { t } = visit;
  const offered = entry.status === 'offered';
  const title = offered
    ? t('campaign.waitingPart.keptForYou', { quantity: entry.quantity })
    : t('campaign.waitingPart.youAreNumberInLine', { position: entry.position ?? 1 });
  return html`<div class="state">
    ${alone ? html`<h2>${title}</h2>` : html`<p><strong>${title}</strong></p>`}
    ${offered ? offer(visit, entry) : waitingNotice(visit, entry)}
  </div>`;
}

function waitingNotice(visit: PageContext, entry: WaitingEntry): Html {
  const { t, url, language } = visit;
  return html`<p>
      ${t('campaign.waitingPart.waitingFor', { quantity: entry.quantity })}
      ${entry.slots_ahead > 0 && t('campaign.waitingPart.aheadOfYou', { ahead: entry.slots_ahead })}
    </p>
    ${
      entry.kept_amount !== null &&
      html`<p>
        ${t('campaign.waitingPart.alreadyPaidWereKeeping', { keptAmount: formatRupiah(entry.kept_amount, language) })}
      </p>`
    }
    <form method="post" action="${url(`/antrean/${entry.id}/keluar`)}">
      <button class="button quiet">${t('campaign.waitingPart.leaveTheWaitingList')}</button>
    </form>`;
}

function offer(visit: PageContext, entry: WaitingEntry): Html {
  const { t, url } = visit;
  const until = entry.offer_expires_at;
  return html`${
      until !== null &&
      html`<p class="deadline">
        <strong
          >${htmlMessage(visit, 'campaign.timeLeft', { left: countdown(visit, until) })}</strong
        >
        <span
          >${htmlMessage(visit, 'campaign.waitingPart.until', { at: exactMoment(visit, until) })}</span
        >
      </p>`
    }
    ${entry.order_id !== null && html`<p>${t('campaign.waitingPart.thisCampaignHasSucceeded')}</p>`}
    <div class="row">
      ${
        entry.order_id === null
          ? html`<form method="post" action="${url(`/antrean/${entry.id}/ambil`)}">
              <button class="button">${t('campaign.waitingPart.takeTheSlots')}</button>
            </form>`
          : html`<a class="button" href="${url(`/antrean/${entry.id}/bayar`)}"
              >${t('campaign.waitingPart.payToTakeThem')}</a
            >`
      }
      <form method="post" action="${url(`/antrean/${entry.id}/lewatkan`)}">
        <button class="button quiet">${t('campaign.waitingPart.decline')}</button>
      </form>
    </div>`;
}

function lapsedNotice({ t }: PageContext): Html {
  return notice(
    'busy',
    t('campaign.waitingPart.theTimeToTakeYourSlots'),
    t('campaign.waitingPart.youCanWaitAgain'),
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
      >${t('campaign.waitingPart.signInToWait')}</a
    >`;
  }
  const { least, most } = boundsOf(campaign, standing);
  if (most < least) return undefined;
  return html`<h2>${t('campaign.waitingPart.waitForSlots')}</h2>
    ${waitForm(visit, campaign, { least, most, standing, form })}`;
}
