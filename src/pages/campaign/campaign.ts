import { noStanding, standingOf, type Standing } from './standing.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Campaign } from '../../campaigns/campaign.ts';
import { viewCampaign } from '../../campaigns/operations.ts';
import { isFinal } from '../../campaigns/status.ts';
import { findProduct, type ProductRow } from '../../catalogue/queries.ts';
import type { PageDeps } from '../deps.ts';
import { closed, Id } from '../../http/schemas.ts';
import { SharedPageCache } from '../../http/shared-pages.ts';
import { sendPage, type PagePlugin } from '../../http/page-response.ts';
import {
  recentContributions,
  shownContributions,
  type ContributionRow,
} from '../../participations/queries.ts';
import { countdown, exactMoment, progressBar } from '../../web/components.ts';
import { formatCount, formatDistance, formatRupiah, formatSlots } from '../../i18n/format.ts';
import { attribute, html, type Html } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import type { PageProps } from '../../web/layout.ts';
import { campaignBadge } from '../statuses.ts';
import type { PageContext } from '../../web/visit.ts';
import { joinPart, type FormState } from './join-form.ts';
import { reminderPart } from './reminder.ts';
import { ownPlace, waitingPart } from './waiting-part.ts';
import { takenOf } from './card.ts';
import { productPicture } from './picture.ts';
import { rulesOf } from './rules.ts';
import { previewTags, sharePart } from './share.ts';
import { stateOf } from './state.ts';

/** Registers the page of a campaign with its description, progress, rules and join form. */
export function campaignPages(app: PageDeps): PagePlugin {
  const shared = new SharedPageCache((visit, id) => drawCampaign(app, visit, id));
  return async (server) => {
    server.get(
      '/sambatan/:id',
      { schema: { params: closed({ id: Id }) } },
      async (request, reply) =>
        request.visit.actor.kind === 'visitor'
          ? shared.send(request, reply, request.params.id)
          : showCampaign(app, request, reply, request.params.id),
    );
  };
}

/** Sends the page of a campaign. After a refused form, the page shows its input and errors. */
export async function showCampaign(
  app: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  campaignId: string,
  form?: FormState,
): Promise<FastifyReply> {
  const page = await drawCampaign(app, request.visit, campaignId, form);
  return sendPage(request, reply, page, form?.status ?? 200);
}

async function drawCampaign(
  app: PageDeps,
  visit: PageContext,
  campaignId: string,
  form?: FormState,
): Promise<PageProps> {
  const campaign = await viewCampaign(app.db, visit.actor, campaignId);
  const [contributions, standing, product] = await Promise.all([
    app.db.rows(recentContributions, campaign.id, shownContributions),
    standingOf(app.db, visit, campaign),
    app.db.one(findProduct, campaign.product_id),
  ]);
  return {
    title: campaign.title,
    section: 'home',
    head: previewTags(visit, campaign),
    main: campaignBody(visit, campaign, { contributions, standing, product, form }),
  };
}

/** The details of the product that the page shows. */
export type ShownProduct = Pick<ProductRow, 'name' | 'description' | 'base_price'>;

interface Around {
  readonly contributions: readonly ContributionRow[];
  readonly standing: Standing;
  readonly product: ShownProduct;
  readonly form: FormState | undefined;
}

/**
 * Returns the page that buyers will see, for a campaign that is not published yet. Its forms are
 * disabled.
 */
export function campaignToCome(
  visit: PageContext,
  campaign: Campaign,
  product: ShownProduct,
): Html {
  const around = { contributions: [], standing: noStanding, product, form: undefined };
  return campaignBody(visit, campaign, around, true);
}

function campaignBody(
  visit: PageContext,
  campaign: Campaign,
  around: Around,
  isPreview = false,
): Html {
  const published = campaign.status !== 'inactive' && !isPreview;
  // The page of an ended campaign gets no live updates. It shows the number of slots when the
  // campaign ended; the current counters leave out refunded slots.
  const events =
    published && !isFinal(campaign.status) && `/api/sambatan/campaigns/${campaign.id}/events`;
  return html`<article
    class="campaign"
    ${attribute('data-events', events)}
    data-status="${campaign.status}"
  >
    <div class="campaign-picture">
      ${productPicture(campaign, {
        alt: campaign.product_name,
        sizes: '(width < 58rem) 100vw, 42rem',
        eager: true,
      })}
    </div>
    <div class="campaign-side">
      <header class="campaign-head" data-part="head">
        ${head(visit, campaign, around.product)}
      </header>
      <section class="campaign-join panel" aria-label="${visit.t('campaign.join')}">
        <div data-part="progress">${progress(visit, campaign)}${stateOf(visit, campaign)}</div>
        <div data-part="order" ${attribute('inert', isPreview)}>
          ${ownPlace(visit, around.standing)}${joinPart(
            visit,
            campaign,
            around.standing,
            around.form,
          )}${waitingPart(visit, campaign, around.standing, around.form)}
        </div>
        <div data-part="reminder">
          ${!isPreview && reminderPart(visit, campaign, around.standing.isReminded)}
        </div>
      </section>
    </div>
    <div class="campaign-more">
      ${story(visit, campaign)}${ofProduct(visit, around.product)}${rulesOf(visit, campaign)}${
        published && sharePart(visit, campaign)
      }${recent(visit, around.contributions)}
    </div>
  </article>`;
}

function head(visit: PageContext, campaign: Campaign, { base_price: usual }: ShownProduct): Html {
  const { t, language } = visit;
  const isCheaper = usual > campaign.price_per_slot;
  return html`<p class="maker">${campaign.brand_name} ${campaignBadge(visit, campaign.status)}</p>
    <h1>${campaign.title}</h1>
    <p class="price big">
      ${formatRupiah(campaign.price_per_slot, language)} <span class="per">/ slot</span>
    </p>
    ${
      isCheaper &&
      html`<p class="usual quiet">
        ${t('campaign.usualPrice')} <s>${formatRupiah(usual, language)}</s> ·
        ${t('campaign.youSave', { usual: formatRupiah(usual - campaign.price_per_slot, language) })}
      </p>`
    }
    <p class="quiet">${t('common.product')}: ${campaign.product_name}</p>`;
}

function progress(visit: PageContext, campaign: Campaign): Html {
  const { t, language } = visit;
  const open = campaign.status === 'active' || campaign.status === 'full';
  return html`${progressBar(visit, {
    taken: takenOf(campaign),
    total: campaign.total_slots,
    minimum: campaign.minimum_slots,
  })}
  ${
    !isFinal(campaign.status) &&
    html`<ul class="figures two">
      <li>
        <strong data-live="left">${formatCount(campaign.slots_remaining, language)}</strong>
        ${t('campaign.left')}
      </li>
      <li>
        <strong data-live="people">${formatCount(campaign.participant_count, language)}</strong>
        ${t('campaign.joined')}
      </li>
    </ul>`
  }
  ${
    (open || campaign.status === 'scheduled') &&
    html`<p class="deadline">
      ${
        open &&
        html`<strong
          >${htmlMessage(visit, 'campaign.timeLeft', { left: countdown(visit, campaign.deadline) })}</strong
        >`
      }
      <span
        >${htmlMessage(visit, 'campaign.closesAt', { at: exactMoment(visit, campaign.deadline) })}</span
      >
    </p>`
  }`;
}

function story({ t }: PageContext, campaign: Campaign): Html | undefined {
  if (campaign.description.trim() === '') return undefined;
  return html`<section class="panel" aria-labelledby="story">
    <h2 id="story">${t('campaign.aboutThisCampaign')}</h2>
    <p class="prose">${campaign.description.trim()}</p>
  </section>`;
}

/**
 * Returns the maker's description of the product. It is the same in all campaigns of this product.
 */
function ofProduct({ t }: PageContext, { name, description }: ShownProduct): Html | undefined {
  if (description.trim() === '') return undefined;
  return html`<section class="panel" aria-labelledby="product">
    <h2 id="product">${t('campaign.about', { name })}</h2>
    <p class="prose">${description.trim()}</p>
  </section>`;
}

/**
 * Returns the list of recent joins. It is the last part of the page, so that its changing length
 * moves no other part.
 */
function recent(visit: PageContext, rows: readonly ContributionRow[]): Html {
  const { t, language, now } = visit;
  const one = ({ initial, quantity, joined_at: at }: ContributionRow) =>
    html`<li>
      <span class="avatar" aria-hidden="true">${initial ?? '·'}</span>
      <span><strong>${initial ?? ''}•••</strong> · ${formatSlots(quantity, language)}</span>
      <time class="quiet" datetime="${at.toISOString()}" data-ago
        >${formatDistance(at < now ? at : now, now, language)}</time
      >
    </li>`;
  return html`<section
    class="panel"
    aria-labelledby="recent"
    data-contributions
    ${attribute('hidden', rows.length === 0)}
  >
    <h2 id="recent">${t('campaign.recentBuyers')}</h2>
    <ul class="recent">
      ${rows.map(one)}
    </ul>
  </section>`;
}
