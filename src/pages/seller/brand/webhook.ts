import { type Wording, wording } from '../../../i18n/messages.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { authorizeOnBrand } from '../../../catalogue/operations.ts';
import type { PageDeps } from '../../deps.ts';
import { DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { redirect, sendPage, type PagePlugin } from '../../../http/page-response.ts';
import type { DeliveryRow, DeliveryStatus } from '../../../notifications/delivery-queries.ts';
import {
  changeEndpoint,
  deliveriesOf,
  removeEndpoint,
  resend,
  rotateEndpoint,
  viewEndpoint,
} from '../../../notifications/webhook-endpoints.ts';
import type { EndpointRow } from '../../../notifications/webhooks/queries.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { badge, emptyState, exactMoment, notice, type Tone } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { type FormState, submitForm } from '../../kit/form-action.ts';
import { queryParam, idParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { shopHead, type ShopOf } from './shop-head.ts';
import { inputOf, readWebhook, typedOf, webhookFields } from './webhook-form.ts';
import { endpointBadge, secretNotice } from './webhooks.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

const deliveriesShown = 20;

/**
 * Registers the page of one webhook of a brand, which shows its deliveries and all of its forms.
 */
export function webhookPage(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/webhook/:id', async (request, reply) =>
      sendPage(request, reply, await pageOfWebhook(app, request, undefined, flashMessage(request))),
    );

    server.post('/toko/webhook/:id/ubah', async (request, reply) => {
      const { visit } = request;
      const { endpoint } = await findWebhook(app, visit, idParam(request));
      const id = endpoint.endpoint_id;
      return await submitForm(request, reply, {
        form: readWebhook(request.body),
        run: (fields) =>
          runInTransaction(app.db, (tx) =>
            changeEndpoint(tx, visit.actor, id, inputOf(fields), urlRules(app)),
          ),
        next: withFlash(pathOf(endpoint), 'webhook-diubah'),
        page: (state) => pageOfWebhook(app, request, state),
      });
    });

    server.post('/toko/webhook/:id/rahasia', async (request, reply) => {
      const { visit } = request;
      const { endpoint } = await findWebhook(app, visit, idParam(request));
      const made = await runInTransaction(app.db, (tx) =>
        rotateEndpoint(tx, visit.actor, endpoint.endpoint_id),
      );
      // The page is sent as the response to the form instead of a redirect, because only this
      // response contains the secret.
      return sendPage(
        request,
        reply,
        await pageOfWebhook(app, request, undefined, secretNotice(visit, made)),
      );
    });

    server.post('/toko/webhook/:id/nyala', enableOrDisable(app, true));
    server.post('/toko/webhook/:id/mati', enableOrDisable(app, false));

    server.post(
      '/toko/webhook/:id/hapus',
      runAndRedirect(
        app,
        ({ visit: { actor } }, { endpoint_id: id }) =>
          runInTransaction(app.db, (tx) => removeEndpoint(tx, actor, id)),
        ({ brand_id: brandId }) => withFlash(`/toko/${brandId}/webhook`, 'webhook-dihapus'),
      ),
    );

    server.post(
      '/toko/webhook/:id/kiriman/:delivery',
      runAndRedirect(
        app,
        (request) =>
          runInTransaction(app.db, (tx) =>
            resend(tx, request.visit.actor, idParam(request, 'delivery')),
          ),
        (endpoint) => withFlash(pathOf(endpoint), 'kirim-ulang'),
      ),
    );
  };
}

/**
 * Returns a webhook and its brand. Throws `webhook_not_found` if the webhook belongs to no brand.
 */
async function findWebhook(app: PageDeps, visit: PageContext, id: string) {
  requireSignedIn(visit);
  const endpoint = await viewEndpoint(app.db, visit.actor, id);
  if (endpoint.brand_id === null) throw new DomainError('webhook_not_found', {});
  const { brand_id: brandId } = endpoint;
  return {
    endpoint,
    ...(await authorizeOnBrand(app.db, visit.actor, 'webhook.manage', brandId)),
  };
}

/**
 * Returns a route handler. It runs an operation on the webhook whose id is in the path, and then
 * redirects.
 */
function runAndRedirect(
  app: PageDeps,
  verb: (request: FastifyRequest, endpoint: EndpointRow) => Promise<unknown>,
  next: (endpoint: EndpointRow) => string,
) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const { endpoint } = await findWebhook(app, request.visit, idParam(request));
    await verb(request, endpoint);
    return redirect(request, reply, next(endpoint));
  };
}

/** Returns the rules for the URL of a webhook. */
function urlRules(app: PageDeps) {
  return { allowLoopback: app.config.webhooks.allowLoopback };
}

/** Returns the path of a webhook's page. */
function pathOf(endpoint: EndpointRow) {
  return `/toko/webhook/${endpoint.endpoint_id}`;
}

/** Returns a route handler that enables or disables the webhook whose id is in the path. */
function enableOrDisable(app: PageDeps, enabled: boolean) {
  return runAndRedirect(
    app,
    ({ visit: { actor } }, { endpoint_id: id }) =>
      runInTransaction(app.db, (tx) => changeEndpoint(tx, actor, id, { enabled }, urlRules(app))),
    (endpoint) => withFlash(pathOf(endpoint), enabled ? 'webhook-hidup' : 'webhook-mati'),
  );
}

/** Returns the page of the webhook whose id is in the path. */
async function pageOfWebhook(
  app: PageDeps,
  request: FastifyRequest,
  sent: FormState | undefined,
  news?: Html,
) {
  const { visit } = request;
  const id = idParam(request);
  const [before = null] = cursorAfter(queryParam(request, 'cursor'), ['id']);
  const shop = await findWebhook(app, visit, id);
  const page = { before, limit: deliveriesShown + 1 };
  const deliveries = await deliveriesOf(app.db, visit.actor, id, page);
  return endpointPage(visit, { ...shop, deliveries, isFirst: before === null, sent, news });
}

interface Parts extends ShopOf {
  readonly endpoint: EndpointRow;
  readonly deliveries: readonly DeliveryRow[];
  readonly isFirst: boolean;
  /** The state of the form after it was sent. Undefined if no form was sent. */
  readonly sent: FormState | undefined;
  readonly news: Html | undefined;
}

function endpointPage(visit: PageContext, parts: Parts) {
  const { endpoint, brand, sent, news } = parts;
  const main = html`${news}${refusalNotice(visit, sent?.refused)}${shopHead(visit, parts, 'webhooks')}
    <div class="columns">
      ${logPart(visit, parts)}
      <section class="panel" aria-labelledby="webhook">
        <div class="row apart">
          <h2 id="webhook">${visit.t('seller.webhook.settings')}</h2>
          ${endpointBadge(visit, endpoint)}
        </div>
        ${endpointState(visit, endpoint)}${settingsForm(visit, endpoint, sent)}
      </section>
    </div>`;
  return { title: `${endpoint.url} · ${brand.name}`, section: 'shop' as const, main };
}

/** Returns why the webhook is disabled, and how long its previous secret is still accepted. */
function endpointState(visit: PageContext, endpoint: EndpointRow): Html {
  const { t, now } = visit;
  const until = endpoint.previous_secret_until;
  return html`${
    endpoint.status !== 'enabled' &&
    notice(
      'bad',
      t('seller.webhook.nothingIsSentHere'),
      endpoint.status_reason !== null && html`<code>${endpoint.status_reason}</code>`,
    )
  }${
    until !== null &&
    until > now &&
    html`<p class="quiet">
      ${t('seller.webhook.theOldSecretIsGood')} ${exactMoment(visit, until)}.
    </p>`
  }`;
}

function settingsForm(
  visit: PageContext,
  endpoint: EndpointRow,
  sent: FormState | undefined,
): Html {
  const { t, url } = visit;
  const path = url(`/toko/webhook/${endpoint.endpoint_id}`);
  const button = (part: string, words: string, kind = 'quiet') =>
    html`<form method="post" action="${path}/${part}">
      <button class="button ${kind}">${words}</button>
    </form>`;
  return html`<form class="stack" method="post" action="${path}/ubah">
      ${webhookFields(visit, sent ?? { typed: typedOf(endpoint) })}
      <button class="button">${t('common.save')}</button>
    </form>
    <details>
      <summary>${t('seller.webhook.changeTheSecret')}</summary>
      <p>${t('seller.webhook.theNewSecretIsShownOnce')}</p>
      ${button('rahasia', t('seller.webhook.makeANewSecret'))}
    </details>
    <details>
      <summary>${t('seller.webhook.switchOffOrRemove')}</summary>
      <p>${t('seller.webhook.whatIsOnItsWay')}</p>
      <div class="row">
        ${
          endpoint.status === 'enabled'
            ? button('mati', t('seller.webhook.switchOff'))
            : button('nyala', t('seller.webhook.switchOn'))
        }
        ${button('hapus', t('seller.webhook.removeTheWebhook'), 'danger')}
      </div>
    </details>`;
}

const statusWords = {
  pending: { words: wording('seller.webhook.statusWords.pending'), tone: 'busy' },
  delivered: { words: wording('seller.webhook.statusWords.delivered'), tone: 'good' },
  failed: { words: wording('seller.webhook.statusWords.failed'), tone: 'bad' },
  dropped: { words: wording('seller.webhook.statusWords.dropped'), tone: 'plain' },
} as const satisfies Record<DeliveryStatus, { readonly words: Wording; readonly tone: Tone }>;

function logPart(visit: PageContext, { endpoint, deliveries, isFirst }: Parts): Html {
  const { t, url } = visit;
  const path = url(`/toko/webhook/${endpoint.endpoint_id}`);
  const list = cursorPage(visit, deliveries, {
    size: deliveriesShown,
    url: path,
    isFirst,
    cursorOf: (row) => [row.delivery_id],
  });
  return html`<section class="panel" aria-labelledby="log">
    <h2 id="log">${t('seller.webhook.whatWasSent')}</h2>
    <p class="address">${endpoint.url}</p>
    ${
      deliveries.length === 0
        ? emptyState(
            t('seller.webhook.nothingYet'),
            t('seller.webhook.theNextEventOfYourCampaigns'),
          )
        : html`<ul class="people">
            ${list.rows.map((row) => deliveryItem(visit, path, row))}
          </ul>`
    }
    ${list.links}
  </section>`;
}

function deliveryItem(visit: PageContext, path: string, row: DeliveryRow): Html {
  const { t, url } = visit;
  const { words, tone } = statusWords[row.status];
  return html`<li class="row apart">
    <p class="person">
      <a href="${url(`/toko/sambatan/${row.campaign_id}`)}"><code>${row.event}</code></a>
      ${badge(inLanguage(visit, words), tone)}<br />
      <span class="quiet"
        >${exactMoment(visit, row.created_at)}${
          row.attempts > 0 && html` · ${t('seller.webhook.attempts', { attempts: row.attempts })}`
        }${row.last_result !== null && html` · <code>${row.last_result}</code>`}${
          row.next_attempt_at !== null &&
          row.attempts > 0 &&
          html` · ${t('seller.webhook.againAt')} ${exactMoment(visit, row.next_attempt_at)}`
        }</span
      >
    </p>
    ${
      (row.status !== 'pending' || row.attempts > 0) &&
      html`<form method="post" action="${path}/kiriman/${row.delivery_id}">
        <button class="button quiet">${t('seller.webhook.sendAgain')}</button>
      </form>`
    }
  </li>`;
}
