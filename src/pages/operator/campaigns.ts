import { campaignStatuses, type CampaignStatus } from '../../database/status-words.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { campaignOf, type Campaign } from '../../campaigns/campaign.ts';
import { listVisible } from '../../campaigns/lists.ts';
import { findCampaign, authorizeOnCampaign, viewCampaign } from '../../campaigns/operations.ts';
import type { PageDeps } from '../deps.ts';
import type { DomainError } from '../../errors/errors.ts';
import { formParser, toResult } from '../../http/forms.ts';
import { cursorAfter } from '../../http/cursor.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import { redirect, type PagePlugin, type PageServer } from '../../http/page-response.ts';
import { isId } from '../../identity/ids.ts';
import { authorize } from '../../identity/policy.ts';
import { callOff, extend } from '../../lifecycle/changes.ts';
import { extension, reason } from '../../lifecycle/schemas.ts';
import { emptyState, input, progressBar, select } from '../../web/components.ts';
import { formatCount, formatRupiah, formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { campaignBadge, campaignWords } from '../statuses.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { sendOperatorPage } from './kit/frame.ts';
import { overrides, wrongTitle, type Sent } from './overrides.ts';
import { scrollingTable } from '../../web/table.ts';
import { cursorPage } from '../kit/cursor-page.ts';

const pageSize = 30;

interface Search {
  readonly q?: string;
  readonly status?: string;
  readonly cursor?: string;
}

/**
 * Registers the pages on which operators search the campaigns of all brands and see one campaign in
 * detail.
 */
export function operatorCampaigns(app: PageDeps): PagePlugin {
  return async (server) => {
    searchRoute(server, app);
    oneCampaignRoutes(server, app);
  };
}

/**
 * Registers the page on which operators search campaigns of every brand and status, by words or by
 * id.
 */
function searchRoute(server: PageServer, app: PageDeps): void {
  server.get<{ Querystring: Search }>('/operator/sambatan', async (request, reply) => {
    const { visit, query } = request;
    authorize(visit.actor, 'dashboard.read');
    const found = await searchCampaigns(app, visit, query);
    const { q = '', status = '', cursor = '' } = query;
    const list = cursorPage(visit, found, {
      size: pageSize,
      url: visit.url(`/operator/sambatan?${new URLSearchParams({ q, status }).toString()}`),
      isFirst: cursor === '',
      cursorOf: (campaign) => [campaign.id],
    });
    const { t } = visit;
    return sendOperatorPage(request, reply, {
      title: t('operator.campaigns.findCampaigns'),
      at: '/operator/sambatan',
      body: html`${searchForm(visit, query)}${
        list.rows.length > 0
          ? campaignTable(visit, list.rows)
          : emptyState(
              t('common.nothingMatches'),
              t('operator.campaigns.tryOtherWordsOrAnotherStatus'),
            )
      }${list.links}`,
    });
  });
}

/** Registers the page of one campaign, and the forms with which operators extend and cancel it. */
function oneCampaignRoutes(server: PageServer, app: PageDeps): void {
  server.get('/operator/sambatan/:id', { schema: { params } }, async (request, reply) =>
    showCampaign(app, request, reply),
  );

  server.post(
    '/operator/sambatan/:id/perpanjang',
    { schema: { params } },
    async (request, reply) => {
      authorize(request.visit.actor, 'dashboard.read');
      const { id } = request.params;
      const read = readExtension(request.body);
      if ('errors' in read)
        return await showCampaign(app, request, reply, { form: 'extend', ...read });
      const { deadline, reason: why } = read.value;
      const to = { deadline: new Date(deadline), reason: why };
      const done = await toResult(() => extend(app, request.visit.actor, id, to));
      return 'refused' in done
        ? await showCampaign(app, request, reply, {
            form: 'extend',
            typed: read.typed,
            ...refusalOf(done),
          })
        : redirect(request, reply, `/operator/sambatan/${id}`);
    },
  );

  server.post('/operator/sambatan/:id/batalkan', { schema: { params } }, async (request, reply) => {
    const { visit } = request;
    authorize(visit.actor, 'dashboard.read');
    const { id } = request.params;
    const read = readCancellation(request.body);
    if ('errors' in read)
      return await showCampaign(app, request, reply, { form: 'cancel', ...read });
    const campaign = await viewCampaign(app.db, visit.actor, id);
    const errors = wrongTitle(campaign, read.value.title);
    if (errors.length > 0) {
      return await showCampaign(app, request, reply, {
        form: 'cancel',
        typed: read.typed,
        errors,
      });
    }
    const done = await toResult(() => callOff(app, visit.actor, id, read.value.reason));
    return 'refused' in done
      ? await showCampaign(app, request, reply, {
          form: 'cancel',
          typed: read.typed,
          ...refusalOf(done),
        })
      : redirect(request, reply, `/operator/sambatan/${id}`);
  });
}

/** Sends the page of the campaign whose id is in the path. */
async function showCampaign(
  app: PageDeps,
  request: CampaignRequest,
  reply: FastifyReply,
  sent?: Sent,
) {
  const { visit } = request;
  const { campaign } = await authorizeOnCampaign(
    app.db,
    visit.actor,
    'campaign.logs.read',
    request.params.id,
  );
  authorize(visit.actor, 'dashboard.read');
  const page = {
    title: campaign.title,
    lead: html`${campaign.brand_name} · ${campaignBadge(visit, campaign.status)}`,
    at: '/operator/sambatan',
    body: html`${campaignFacts(visit, campaign)}${overrides(visit, campaign, sent)}`,
  } as const;
  return sendOperatorPage(request, reply, page, sent === undefined ? 200 : 422);
}

type CampaignRequest = FastifyRequest<{ Params: { id: string } }>;

const params = closed({ id: Id });
const readExtension = formParser(closed(extension));
const readCancellation = formParser(closed({ title: text(1, 120), reason }));

function refusalOf({ refused }: { readonly refused: DomainError }) {
  return refused.fields.length > 0 ? { errors: refused.fields } : { errors: [], refused };
}

async function searchCampaigns(
  app: PageDeps,
  visit: PageContext,
  { q = '', status, cursor: place }: Search,
): Promise<readonly Campaign[]> {
  const typed = q.trim().slice(0, 100);
  if (isId(typed)) {
    const one = await findCampaign(app.db, typed.toLowerCase());
    return one === undefined ? [] : [one];
  }
  const [last] = cursorAfter(place || undefined, ['id']);
  const rows = await listVisible(app.db, visit.actor, {
    status: statusOf(status),
    brandId: undefined,
    words: typed === '' ? undefined : typed,
    sort: 'newest',
    after: last === undefined ? undefined : { value: null, id: last },
    limit: pageSize + 1,
  });
  return rows.map(campaignOf);
}

function statusOf(given: string | undefined): CampaignStatus | undefined {
  return campaignStatuses.find((one) => one === given);
}

function searchForm(visit: PageContext, { q, status }: Search): Html {
  const { t, url } = visit;
  const options = [
    { value: '', label: t('operator.campaigns.allPublished') },
    ...campaignStatuses.map((value) => ({
      value,
      label: inLanguage(visit, campaignWords[value].words),
    })),
  ];
  return html`<form class="filters" action="${url('/operator/sambatan')}" role="search">
    ${input(visit, {
      name: 'q',
      label: t('operator.campaigns.wordsOfTheTitle'),
      value: q,
      control: { type: 'search', maxlength: 100, autocomplete: 'off' },
    })}
    ${select(visit, { name: 'status', label: 'Status', value: statusOf(status) ?? '' }, options)}
    <button class="button">${t('common.find')}</button>
  </form>`;
}

function campaignTable(visit: PageContext, campaigns: readonly Campaign[]): Html {
  const { t, url, language, person } = visit;
  return scrollingTable<Campaign>(
    { label: t('operator.campaigns.campaignsFound') },
    {
      isStacked: true,
      rows: campaigns,
      columns: [
        {
          head: t('operator.campaigns.campaign'),
          isRowHead: true,
          cell: ({ id, title, brand_name: brand }) =>
            html`<a href="${url(`/operator/sambatan/${id}`)}">${title}</a>
              <span class="quiet">· ${brand}</span>`,
        },
        { head: 'Status', cell: ({ status }) => campaignBadge(visit, status) },
        {
          head: t('operator.campaigns.taken'),
          cell: ({ slots_taken: taken, total_slots: total }) =>
            html`<span class="nowrap"
              >${formatCount(taken, language)} / ${formatCount(total, language)}</span
            >`,
        },
        {
          head: t('operator.campaigns.price'),
          isNumber: true,
          cell: (campaign) => formatRupiah(campaign.price_per_slot, language),
        },
        {
          head: t('common.deadline'),
          cell: ({ deadline }) => formatShortMoment(deadline, language, person?.timeZone),
        },
      ],
    },
  );
}

function campaignFacts(visit: PageContext, campaign: Campaign): Html {
  const { t, url, language, person } = visit;
  const at = (moment: Date | null) =>
    moment === null ? '–' : formatShortMoment(moment, language, person?.timeZone);
  return html`<section class="panel" aria-labelledby="facts">
    <h2 id="facts">${t('operator.campaigns.details')}</h2>
    ${progressBar(visit, { taken: campaign.slots_taken, total: campaign.total_slots })}
    <dl class="facts">
      <dt>ID</dt>
      <dd><code>${campaign.id}</code></dd>
      <dt>${t('common.participants')}</dt>
      <dd>${formatCount(campaign.participant_count, language)}</dd>
      <dt>${t('operator.campaigns.minimumSlots')}</dt>
      <dd>${formatCount(campaign.minimum_slots, language)}</dd>
      <dt>${t('operator.campaigns.pricePerSlot')}</dt>
      <dd>${formatRupiah(campaign.price_per_slot, language)}</dd>
      <dt>${t('common.payment')}</dt>
      <dd>
        ${
          campaign.payment_timing === 'upfront'
            ? t('operator.campaigns.upfront')
            : t('operator.campaigns.onCompletion')
        }
      </dd>
      <dt>${t('operator.campaigns.opened')}</dt>
      <dd>${at(campaign.opened_at)}</dd>
      <dt>${t('common.deadline')}</dt>
      <dd>${at(campaign.deadline)}</dd>
      <dt>${t('operator.campaigns.ended')}</dt>
      <dd>${at(campaign.completed_at ?? campaign.failed_at ?? campaign.cancelled_at)}</dd>
    </dl>
    <div class="row">
      <a class="button quiet" href="${url(`/operator/log?sambatan=${campaign.id}`)}"
        >${t('common.auditLog')}</a
      >
      <a class="button quiet" href="${url(`/sambatan/${campaign.id}`)}"
        >${t('operator.campaigns.theBuyersPage')}</a
      >
    </div>
  </section>`;
}
