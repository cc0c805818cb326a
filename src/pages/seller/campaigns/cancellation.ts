import type { PageDeps } from '../../deps.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { formParser } from '../../../http/forms.ts';
import { closed } from '../../../http/schemas.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { callOff } from '../../../lifecycle/changes.ts';
import { previewCancellation } from '../../../lifecycle/operations.ts';
import { preview } from '../../../operation/run.ts';
import type { ExpectedRefunds } from '../../../participations/participant-list.ts';
import { formatCount, formatRupiah } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import {
  affectedTable,
  deliberateFields,
  deliberation,
  numbersChanged,
  rowsShown,
  titleMistakes,
} from './deliberate.ts';
import { withFlash } from '../../kit/flash.ts';
import { type FormState, runAction } from '../../kit/form-action.ts';
import { queryParam, idParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { nameOf } from '../brand/shop-head.ts';

const readCancellation = formParser(closed(deliberation));

/**
 * Registers the page for cancelling a campaign. It shows the effect on each buyer, and the form.
 */
export function cancellationPage(app: PageDeps): PagePlugin {
  return async (server) => {
    const previewOf = async (visit: PageContext, id: string, cursor?: string) => {
      requireSignedIn(visit);
      const [last = null] = cursorAfter(cursor, ['id']);
      const page = { after: last, limit: rowsShown + 1 };
      return await preview(app.db, (tx) => previewCancellation(tx, visit.actor, id, page));
    };

    server.get('/toko/sambatan/:id/batal', async (request, reply) => {
      const { visit } = request;
      const expected = await previewOf(visit, idParam(request), queryParam(request, 'cursor'));
      return sendPage(request, reply, cancellationView(visit, expected, { typed: {} }));
    });

    server.post('/toko/sambatan/:id/batal', async (request, reply) => {
      const { visit } = request;
      const expected = await previewOf(visit, idParam(request));
      const { campaign } = expected;
      const reading = readCancellation(request.body);
      if (!('value' in reading))
        return sendPage(request, reply, cancellationView(visit, expected, reading), 422);
      const { typed, value } = reading;
      const errors = titleMistakes(campaign.title, value.title);
      if (errors.length > 0) {
        return sendPage(request, reply, cancellationView(visit, expected, { typed, errors }), 422);
      }
      if (value.seen !== seenIn(expected)) {
        return sendPage(request, reply, cancellationView(visit, expected, { typed }, true), 409);
      }
      return await runAction(request, reply, {
        run: () => callOff(app, visit.actor, campaign.id, value.reason.trim()),
        next: withFlash(`/toko/sambatan/${campaign.id}`, 'dibatalkan'),
        showAgain: (refused) =>
          sendPage(
            request,
            reply,
            cancellationView(visit, expected, { typed, refused }),
            refused.status,
          ),
      });
    });
  };
}

/**
 * Returns the numbers that the seller sees before cancelling. The form sends them back, so that a
 * change in the meantime is noticed.
 */
function seenIn({ campaign, refunds, amount }: ExpectedRefunds): string {
  return `${campaign.participant_count}.${campaign.slots_taken}.${refunds}.${amount}`;
}

function cancellationView(
  visit: PageContext,
  expected: ExpectedRefunds,
  { typed, errors, refused }: FormState,
  changed = false,
) {
  const { t, url, language } = visit;
  const { campaign } = expected;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const title = t('seller.cancellation.cancelCampaign');
  const main = html`<p class="crumbs"><a href="${path}">${campaign.title}</a></p>
    <h1>${title}</h1>
    ${refusalNotice(visit, refused)} ${changed && numbersChanged(visit)}
    <section class="panel" aria-labelledby="outcome">
      <h2 id="outcome">${t('common.whatWillHappen')}</h2>
      <ul class="figures sums">
        <li>
          <strong>${formatCount(campaign.participant_count, language)}</strong>
          ${t('seller.cancellation.ordersAreCancelled', {
            count: campaign.participant_count,
          })}
        </li>
        <li>
          <strong>${formatCount(expected.refunds, language)}</strong>
          ${t('seller.cancellation.paymentsGoBack', { count: expected.refunds })}
        </li>
        <li>
          <strong>${formatRupiah(expected.amount, language)}</strong>
          ${t('common.inRefunds')}
        </li>
      </ul>
      ${refundTable(visit, expected, `${path}/batal`)}
    </section>
    <form class="stack panel narrow" method="post" action="${path}/batal">
      ${deliberateFields(visit, { title: campaign.title, seen: seenIn(expected), typed, errors })}
      <div class="row">
        <button class="button danger">${t('common.cancelThisCampaign')}</button>
        <a class="button quiet" href="${path}">${t('seller.cancellation.keepIt')}</a>
      </div>
    </form>`;
  return { title, section: 'shop' as const, main };
}

function refundTable(visit: PageContext, { rows, refunds }: ExpectedRefunds, path: string): Html {
  const { t, language } = visit;
  if (refunds === 0) {
    return html`<p class="quiet">${t('seller.cancellation.nobodyHasPaidYet')}</p>`;
  }
  return affectedTable(visit, {
    label: t('seller.cancellation.listOfRefunds'),
    caption: t('seller.cancellation.whoGetsBackHowMuch'),
    columns: [
      { head: t('common.buyer'), cell: (row) => nameOf(visit, row) },
      { head: 'Slot', isNumber: true, cell: (row) => formatCount(row.quantity, language) },
      {
        head: t('common.refundColumn'),
        isNumber: true,
        cell: (row) => formatRupiah(row.amount, language),
      },
    ],
    rows,
    path,
    placeOf: (row) => row.participation_id,
  });
}
