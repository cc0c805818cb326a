import Type from 'typebox';
import type { PageDeps } from '../../deps.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { formParser, toResult } from '../../../http/forms.ts';
import { closed } from '../../../http/schemas.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import {
  declareShortfall,
  possibleShortfall,
  previewShortfall,
  type PossibleShortfall,
  type ShortfallPreview,
} from '../../../ledger/shortfall/operations.ts';
import { slotsDelivered } from '../../../ledger/shortfall/schemas.ts';
import { preview, runInTransaction } from '../../../operation/run.ts';
import { input, notice } from '../../../web/components.ts';
import { formatCount, formatRupiah, formatSlots as slotsInWords } from '../../../i18n/format.ts';
import { html, type Html, type Part } from '../../../web/html.ts';
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
import { refusedForm, statusOf, type FormState, runAction } from '../../kit/form-action.ts';
import { queryParam, idParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { nameOf } from '../brand/shop-head.ts';

const readNumber = formParser(closed({ slots: Type.Optional(slotsDelivered) }));
const readShortfall = formParser(closed({ slots: slotsDelivered, ...deliberation }));

/**
 * Registers the page for declaring a shortfall. It shows how many slots each buyer gets, and the
 * form.
 */
export function shortfallPage(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/sambatan/:id/kurang', async (request, reply) => {
      const { visit } = request;
      const typed = { slots: queryParam(request, 'slots') };
      const cursor = queryParam(request, 'cursor');
      const { possible, outcome, shown } = await previewOf(
        app,
        visit,
        idParam(request),
        typed,
        cursor,
      );
      const { errors, refused } = shown;
      const status = errors === undefined && refused === undefined ? 200 : statusOf(refused);
      return sendPage(request, reply, shortfallView(visit, { possible, outcome }, shown), status);
    });

    server.post('/toko/sambatan/:id/kurang', async (request, reply) => {
      const { visit } = request;
      const reading = readShortfall(request.body);
      const { typed } = reading;
      const previewed = await previewOf(app, visit, idParam(request), typed);
      const { outcome, shown } = previewed;
      if (outcome === undefined) {
        return sendPage(
          request,
          reply,
          shortfallView(visit, previewed, shown),
          statusOf(shown.refused),
        );
      }
      const { campaign } = outcome;
      if (!('value' in reading))
        return sendPage(request, reply, shortfallView(visit, previewed, reading), 422);
      const { value } = reading;
      const errors = titleMistakes(campaign.title, value.title);
      if (errors.length > 0) {
        return sendPage(request, reply, shortfallView(visit, previewed, { typed, errors }), 422);
      }
      if (value.seen !== seenIn(outcome)) {
        return sendPage(request, reply, shortfallView(visit, previewed, { typed }, true), 409);
      }
      const declaration = { slots: value.slots, reason: value.reason.trim() };
      return await runAction(request, reply, {
        run: () =>
          runInTransaction(app.db, (tx) =>
            declareShortfall(tx, visit.actor, campaign.id, declaration),
          ),
        next: withFlash(`/toko/sambatan/${campaign.id}`, 'dikurangi'),
        showAgain: (refused) =>
          sendPage(
            request,
            reply,
            shortfallView(visit, previewed, { typed, refused }),
            refused.status,
          ),
      });
    });
  };
}

/**
 * Returns the effect of declaring this number of slots, or a field error if the number is not
 * possible.
 */
async function previewOf(
  app: PageDeps,
  visit: PageContext,
  id: string,
  typed: FormState['typed'],
  cursor?: string,
): Promise<Previewed & { readonly shown: FormState }> {
  requireSignedIn(visit);
  const [before = null] = cursorAfter(cursor, ['number']);
  const page = { before, limit: rowsShown + 1 };
  const possible = await possibleShortfall(app.db, visit.actor, id);
  const reading = readNumber({ slots: typed['slots'] });
  if ('errors' in reading) return { possible, shown: { typed, errors: reading.errors } };
  const { slots } = reading.value;
  if (slots === undefined) return { possible, shown: { typed } };
  const seen = await toResult(() =>
    preview(app.db, (tx) => previewShortfall(tx, visit.actor, id, slots, page)),
  );
  if ('done' in seen) return { possible: seen.done, outcome: seen.done, shown: { typed } };
  const shown = refusedForm(typed, seen.refused, { shortfall_not_possible: 'slots' });
  return { possible, shown };
}

/**
 * The range of possible numbers, and the effect of the number in the form. The effect is undefined
 * if that number is not possible.
 */
interface Previewed {
  readonly possible: PossibleShortfall;
  readonly outcome?: ShortfallPreview | undefined;
}

/**
 * Returns the numbers that the seller sees before declaring the shortfall. The form sends them
 * back, so that a change in the meantime is noticed.
 */
function seenIn({ range, slots, sums }: ShortfallPreview): string {
  return `${range.delivered}.${slots}.${sums.affected}.${sums.refunds}.${sums.amount}`;
}

function shortfallView(
  visit: PageContext,
  { possible: { campaign, range }, outcome }: Previewed,
  { typed, errors, refused }: FormState,
  changed = false,
) {
  const { t, url } = visit;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const title = t('seller.shortfall.reportAShortfall');
  const now = slotsInWords(range.delivered, visit.language);
  const main = html`<p class="crumbs"><a href="${path}">${campaign.title}</a></p>
    <h1>${title}</h1>
    ${refusalNotice(visit, refused)} ${changed && numbersChanged(visit)}
    ${
      range.maximum < range.delivered
        ? html`<form class="stack panel narrow" method="get" action="${path}/kurang">
            <p>
              ${t('seller.shortfall.cannotDeliverEverything')}
              <strong>${now}</strong>.
            </p>
            ${input(visit, {
              name: 'slots',
              label: t('seller.shortfall.slotsThatCanBeDelivered'),
              hint: t('seller.shortfall.whoJoinedFirstComesFirst'),
              value: typed['slots'],
              errors,
              required: true,
              control: {
                type: 'number',
                inputmode: 'numeric',
                min: Number(range.minimum),
                max: Number(range.maximum),
              },
            })}
            <div class="row">
              <button class="button${outcome && ' quiet'}">
                ${t('seller.shortfall.previewTheEffect')}
              </button>
            </div>
          </form>`
        : notice(
            'busy',
            t('seller.shortfall.everythingWasReceived'),
            t('seller.shortfall.thereIsNoSlotLeft'),
          )
    }
    ${outcome && consequence(visit, outcome, { typed, errors })}`;
  return { title, section: 'shop' as const, main };
}

function consequence(
  visit: PageContext,
  outcome: ShortfallPreview,
  { typed, errors }: Pick<FormState, 'typed' | 'errors'>,
): Html {
  const { t, url, language } = visit;
  const { campaign, slots, sums, rows } = outcome;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const number = (value: number | bigint) => formatCount(value, language);
  const buyers = (many: bigint, words: string): Part =>
    html`<li><strong>${number(many)}</strong> ${words}</li>`;
  return html`<section class="panel" aria-labelledby="outcome">
      <h2 id="outcome">${t('common.whatWillHappen')}</h2>
      <ul class="figures sums">
        ${buyers(sums.unaffected, t('seller.shortfall.buyersUnaffected', { count: sums.unaffected }))}
        ${buyers(sums.affected, t('seller.shortfall.buyersAffected', { count: sums.affected }))}
        <li>
          <strong>${formatRupiah(sums.amount, language)}</strong>
          ${t('common.inRefunds')}
        </li>
        <li>
          <strong>${formatRupiah(sums.payout, language)}</strong>
          ${t('seller.shortfall.isYourShareAfterTheFee')}
        </li>
      </ul>
      ${affectedTable(visit, {
        label: t('seller.shortfall.whoGetsTheSlots'),
        caption: t('seller.shortfall.whoGetsHowManyWhoJoined'),
        columns: [
          { head: t('common.buyer'), cell: (row) => nameOf(visit, row) },
          {
            head: t('seller.shortfall.gets'),
            isNumber: true,
            cell: ({ keeps, loses }) => t('seller.shortfall.of', { keeps, keeps2: keeps + loses }),
          },
          {
            head: t('common.refundColumn'),
            isNumber: true,
            cell: ({ loses, refund }) =>
              loses > 0 && refund === 0n
                ? t('seller.shortfall.notPaid')
                : formatRupiah(refund, language),
          },
        ],
        rows,
        path: `${path}/kurang?slots=${slots}`,
        placeOf: (row) => Number(row.place),
      })}
    </section>
    <form class="stack panel narrow" method="post" action="${path}/kurang">
      ${deliberateFields(visit, { title: campaign.title, seen: seenIn(outcome), typed, errors })}
      <input type="hidden" name="slots" value="${slots}" />
      <div class="row">
        <button class="button danger">${t('seller.shortfall.deliverOnly', { slots })}</button>
        <a class="button quiet" href="${path}">${t('seller.shortfall.leaveIt')}</a>
      </div>
    </form>`;
}
