import { slotsOverTime } from '../../../audit/queries.ts';
import type { Campaign } from '../../../campaigns/campaign.ts';
import { authorizeOnCampaign } from '../../../campaigns/operations.ts';
import { brandRoleOf } from '../../../catalogue/operations.ts';
import { findProduct, type ProductRow } from '../../../catalogue/queries.ts';
import type { PageDeps } from '../../deps.ts';
import { formParser } from '../../../http/forms.ts';
import { closed, text, TimestampInput } from '../../../http/schemas.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { may } from '../../../identity/policy.ts';
import { extend } from '../../../lifecycle/changes.ts';
import { countdown, exactMoment, notice, progressBar } from '../../../web/components.ts';
import { formatCount, formatFieldMoment, formatRupiah } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import { campaignBadge } from '../../statuses.ts';
import type { PageContext } from '../../../web/visit.ts';
import { draftPreview } from './campaign-preview.ts';
import { decisionPart } from './decision.ts';
import { sharePart } from '../../campaign/share.ts';
import { slotsChart, type SlotsAt } from './chart.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { submitForm } from '../../kit/form-action.ts';
import { idParam } from '../../kit/params.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { extensionPage } from './extension-page.ts';

const chartSteps = 60;

const readExtension = formParser(closed({ deadline: TimestampInput, reason: text(3, 500) }));

/** Registers the page of one campaign for its seller, with everything that the seller can do. */
export function campaignPage(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/sambatan/:id', async (request, reply) => {
      const { visit } = request;
      const seen = await sellersView(app, visit, idParam(request));
      const points = await chartOf(app, visit, seen.campaign);
      const page = overview(visit, seen, points);
      return sendPage(request, reply, {
        ...page,
        main: html`${flashMessage(request)}${page.main}`,
      });
    });

    server.get('/toko/sambatan/:id/perpanjang', async (request, reply) => {
      const { visit } = request;
      const campaign = await toExtend(app, visit, idParam(request));
      const next = new Date(campaign.deadline.getTime() + 7 * 86_400_000);
      const typed = { deadline: formatFieldMoment(next) };
      return sendPage(request, reply, extensionPage(visit, campaign, { typed }));
    });

    server.post('/toko/sambatan/:id/perpanjang', async (request, reply) => {
      const { visit } = request;
      const campaign = await toExtend(app, visit, idParam(request));
      return await submitForm(request, reply, {
        form: readExtension(request.body),
        run: ({ deadline, reason }) => {
          const to = { deadline: new Date(deadline), reason: reason.trim() };
          return extend(app, visit.actor, campaign.id, to);
        },
        next: withFlash(`/toko/sambatan/${campaign.id}`, 'diperpanjang'),
        page: (state) => extensionPage(visit, campaign, state),
        fieldOf: { deadline_not_later: 'deadline' },
      });
    });
  };
}

interface Seen {
  readonly campaign: Campaign;
  readonly product: ProductRow;
  readonly can: {
    readonly publish: boolean;
    readonly extend: boolean;
    readonly cancel: boolean;
    readonly decide: boolean;
    readonly deliverFewer: boolean;
    readonly ship: boolean;
    readonly edit: boolean;
    readonly participants: boolean;
    readonly books: boolean;
  };
}

async function sellersView(app: PageDeps, visit: PageContext, id: string): Promise<Seen> {
  requireSignedIn(visit);
  const { actor } = visit;
  const { campaign } = await authorizeOnCampaign(app.db, actor, 'campaign.read_draft', id);
  const rights = { brandRole: await brandRoleOf(app.db, actor, campaign.brand_id) };
  const publish = may(actor, 'campaign.publish', rights);
  const { status, is_closing: closing } = campaign;
  const waits = status === 'inactive' || status === 'scheduled';
  const runs = (status === 'active' || status === 'full') && !closing;
  return {
    campaign,
    product: await app.db.one(findProduct, campaign.product_id),
    can: {
      publish: publish && waits,
      extend: runs && may(actor, 'campaign.extend', rights),
      decide: may(actor, 'campaign.decide', rights),
      cancel:
        (waits || runs || (status === 'verifying' && !closing)) &&
        may(actor, 'campaign.cancel', rights),
      ship:
        status === 'completed' &&
        campaign.shipped_at === null &&
        may(actor, 'campaign.ship', rights),
      deliverFewer: status === 'completed' && may(actor, 'shortfall.declare', rights),
      edit:
        (waits || runs) &&
        may(actor, 'campaign.edit', rights) &&
        (publish || status === 'inactive'),
      participants: may(actor, 'campaign.participants.read', rights),
      books: may(actor, 'books.read', rights),
    },
  };
}

async function toExtend(app: PageDeps, visit: PageContext, id: string): Promise<Campaign> {
  requireSignedIn(visit);
  return (await authorizeOnCampaign(app.db, visit.actor, 'campaign.extend', id)).campaign;
}

/**
 * Returns the number of taken slots over time, from the opening until now or until the end. Empty
 * before the opening.
 */
async function chartOf(app: PageDeps, visit: PageContext, campaign: Campaign): Promise<SlotsAt[]> {
  const from = campaign.opened_at;
  if (from === null) return [];
  const ended = campaign.completed_at ?? campaign.failed_at ?? campaign.cancelled_at;
  const to = ended ?? (campaign.deadline < visit.now ? campaign.deadline : visit.now);
  if (to <= from) return [];
  return await app.db.rows(slotsOverTime, campaign.id, from, to, chartSteps);
}

function overview(visit: PageContext, seen: Seen, points: readonly SlotsAt[]) {
  const { campaign, can } = seen;
  const { t, url } = visit;
  const slots = campaign.slots_at_close ?? campaign.slots_taken;
  const isBeforeOpening = campaign.status === 'inactive' || campaign.status === 'scheduled';
  const main = html`<p class="crumbs">
      <a href="${url(`/toko/${campaign.brand_id}`)}">${campaign.brand_name}</a>
    </p>
    <div class="row apart shop-head">
      <h1>${campaign.title}</h1>
      ${campaignBadge(visit, campaign.status)}
    </div>
    ${
      campaign.is_closing &&
      notice('busy', t('seller.campaign.closing'), t('seller.campaign.theResultIsHere'))
    }
    ${can.decide && decisionPart(visit, campaign, '/toko/sambatan')}
    <section class="panel" aria-labelledby="now">
      <h2 id="now" class="visually-hidden">${t('seller.campaign.now')}</h2>
      ${progressBar(visit, {
        taken: slots,
        total: campaign.total_slots,
        minimum: campaign.minimum_slots,
      })}
      ${!isBeforeOpening && saleFigures(visit, campaign, slots)}
      ${scheduleFacts(visit, campaign, isBeforeOpening)}
      ${sellerActions(visit, seen, isBeforeOpening)}
    </section>
    ${isShared(campaign) && sharePart(visit, campaign)}
    ${
      points.length > 0 &&
      html`<section class="panel" aria-labelledby="chart">
        <h2 id="chart">${t('seller.campaign.slotsOverTime')}</h2>
        ${slotsChart(visit, points, campaign.total_slots)}
      </section>`
    }
    ${isBeforeOpening && publishPart(visit, seen)}`;
  return { title: campaign.title, section: 'shop' as const, main };
}

/** Returns the number of buyers and the value of the taken slots. */
function saleFigures(visit: PageContext, campaign: Campaign, slots: number): Html {
  const { t, language } = visit;
  return html`<ul class="figures sums">
    <li>
      <strong>${formatCount(campaign.participant_count, language)}</strong>
      ${t('seller.campaign.buyers', { count: campaign.participant_count })}
    </li>
    <li>
      <strong>${formatRupiah(campaign.price_per_slot * BigInt(slots), language)}</strong>
      ${t('seller.campaign.orderValue')}
    </li>
    <li>
      <strong>${formatRupiah(campaign.price_per_slot, language)}</strong>
      ${t('seller.campaign.perSlot')}
    </li>
  </ul>`;
}

/** Returns when the campaign opens and closes, and how many slots it needs. */
function scheduleFacts(visit: PageContext, campaign: Campaign, isBeforeOpening: boolean): Html {
  const { t } = visit;
  return html`<dl class="facts">
    ${
      campaign.opens_at !== null && isBeforeOpening
        ? html`<dt>${t('common.opens')}</dt>
            <dd>${exactMoment(visit, campaign.opens_at)}</dd>`
        : undefined
    }
    <dt>${t('common.deadline')}</dt>
    <dd>
      ${exactMoment(visit, campaign.deadline)}${
        (campaign.status === 'active' || campaign.status === 'full') &&
        html` (${countdown(visit, campaign.deadline)})`
      }
    </dd>
    ${
      campaign.shipped_at !== null &&
      campaign.received_after !== null &&
      html`<dt>${t('seller.campaign.shipped')}</dt>
        <dd>${exactMoment(visit, campaign.shipped_at)}</dd>
        <dt>${t('seller.campaign.countsAsReceived')}</dt>
        <dd>${exactMoment(visit, campaign.received_after)}</dd>`
    }
    <dt>${t('seller.campaign.atLeast')}</dt>
    <dd>${t('common.slots', { count: campaign.minimum_slots })}</dd>
  </dl>`;
}

/** Returns links to everything that the seller may do with the campaign. */
function sellerActions(
  visit: PageContext,
  { campaign, can }: Seen,
  isBeforeOpening: boolean,
): Html {
  const { t, url } = visit;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const link = (to: string, words: string, kind = 'quiet') =>
    html`<a class="button ${kind}" href="${path}${to}">${words}</a>`;
  return html`<div class="row actions">
    ${can.edit && link('/ubah', t('common.edit'))}
    ${can.extend && link('/perpanjang', t('common.extend'))}
    ${can.participants && !isBeforeOpening && link('/peserta', t('seller.campaign.participants'))}
    ${can.books && !isBeforeOpening && link('/uang', t('seller.campaign.money'))}
    ${
      !isBeforeOpening &&
      html`<a class="button quiet" href="${url(`/sambatan/${campaign.id}`)}"
        >${t('seller.campaign.buyersPage')}</a
      >`
    }
    ${can.ship && link('/kirim', t('common.markAsShipped'), '')}
    ${can.deliverFewer && link('/kurang', t('seller.campaign.reportAShortfall'), 'danger')}
    ${can.cancel && link('/batal', t('seller.campaign.cancelCampaign'), 'danger')}
  </div>`;
}

/** Returns true if the campaign can be shared. */
function isShared({ status }: Campaign): boolean {
  return status === 'scheduled' || status === 'active' || status === 'full';
}

/** Returns the page that buyers will see, and the form that publishes the campaign. */
function publishPart(
  visit: PageContext,
  { campaign, product, can: { publish: publishes } }: Seen,
): Html {
  const { t, url } = visit;
  const preview = draftPreview(visit, campaign, product);
  return html`${preview}${
    publishes
      ? html`<form
          class="panel row"
          method="post"
          action="${url(`/toko/sambatan/${campaign.id}/terbit`)}"
        >
          <button class="button">${t('common.openNow')}</button>
          <span class="quiet">${t('seller.campaign.onceItIsOpenItsPrice')}</span>
        </form>`
      : html`<p class="quiet">${t('seller.campaign.anOwnerOrAdmin')}</p>`
  }`;
}
