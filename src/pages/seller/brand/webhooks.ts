import { authorizeOnBrand } from '../../../catalogue/operations.ts';
import type { PageDeps } from '../../deps.ts';
import { toResult } from '../../../http/forms.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import {
  createEndpoint,
  endpointsOf,
  maxEndpoints,
} from '../../../notifications/webhook-endpoints.ts';
import type { EndpointRow } from '../../../notifications/webhooks/queries.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { badge, copyButton, notice } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { flashMessage } from '../../kit/flash.ts';
import { refusedForm, statusOf, type FormState } from '../../kit/form-action.ts';
import { idParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { shopHead, type ShopOf } from './shop-head.ts';
import { inputOf, readWebhook, webhookFields } from './webhook-form.ts';

/**
 * Registers the page that lists the webhooks of a brand, and the form for a new webhook. Its secret
 * is shown once.
 */
export function webhooksPage(app: PageDeps): PagePlugin {
  const rules = { allowLoopback: app.config.webhooks.allowLoopback };
  return async (server) => {
    const page = async (visit: PageContext, brandId: string, shown: FormState, news?: Html) => {
      requireSignedIn(visit);
      const shop = await authorizeOnBrand(app.db, visit.actor, 'webhook.manage', brandId);
      const endpointQuery = { brandId, before: null, limit: maxEndpoints };
      const endpoints = await endpointsOf(app.db, visit.actor, endpointQuery);
      return listPage(visit, { ...shop, endpoints, shown, news });
    };

    server.get('/toko/:id/webhook', async (request, reply) => {
      const { visit } = request;
      const news = flashMessage(request);
      return sendPage(request, reply, await page(visit, idParam(request), { typed: {} }, news));
    });

    server.post('/toko/:id/webhook', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const { actor } = visit;
      const id = idParam(request);
      await authorizeOnBrand(app.db, actor, 'webhook.manage', id);
      const reading = readWebhook(request.body);
      if ('errors' in reading) {
        return sendPage(request, reply, await page(visit, id, reading), 422);
      }
      const made = await toResult(() =>
        runInTransaction(app.db, (tx) =>
          createEndpoint(tx, actor, id, inputOf(reading.value), rules),
        ),
      );
      if ('refused' in made) {
        const shown = await page(visit, id, refusedForm(reading.typed, made.refused));
        return sendPage(request, reply, shown, statusOf(made.refused));
      }
      // The page is sent as the response to the form instead of a redirect, because only this
      // response contains the secret.
      const secret = secretNotice(visit, made.done);
      return sendPage(request, reply, await page(visit, id, { typed: {} }, secret), 201);
    });
  };
}

/** Returns a notice with a new secret, shown above the page of its webhook. */
export function secretNotice(
  { t }: PageContext,
  { endpoint, secret }: { readonly endpoint: EndpointRow; readonly secret: string },
): Html {
  return html`<section class="panel secret" aria-labelledby="secret">
    <h2 id="secret">${t('seller.webhooks.keepItsSecretNow')}</h2>
    <p>
      ${t('seller.webhooks.thisSecretIsShownThisOnce')}
      <strong>${endpoint.url}</strong> ${t('seller.webhooks.isFromUs')}
    </p>
    <p class="row">
      <code>${secret}</code>
      ${copyButton(secret, t('seller.webhooks.copyTheSecret'), true)}
    </p>
  </section>`;
}

interface Parts extends ShopOf {
  readonly endpoints: readonly EndpointRow[];
  readonly shown: FormState;
  readonly news: Html | undefined;
}

function listPage(visit: PageContext, parts: Parts) {
  const { t, url } = visit;
  const { brand, endpoints, shown, news } = parts;
  const main = html`${news}${refusalNotice(visit, shown.refused)}${shopHead(visit, parts, 'webhooks')}
    <div class="columns">
      <section class="panel" aria-labelledby="webhooks">
        <h2 id="webhooks">Webhook</h2>
        <p>
          ${t('seller.webhooks.yourServerHearsAtOnceWhen')}
          <a href="https://www.standardwebhooks.com/" rel="external">Standard Webhooks</a>
        </p>
        ${
          endpoints.length === 0
            ? html`<p class="quiet">${t('seller.webhooks.noWebhookYet')}</p>`
            : html`<ul class="people">
                ${endpoints.map((endpoint) => item(visit, endpoint))}
              </ul>`
        }
      </section>
      <section class="panel" aria-labelledby="add">
        <h2 id="add">${t('seller.webhooks.addAWebhook')}</h2>
        ${
          endpoints.length >= maxEndpoints
            ? notice(
                'busy',
                t('seller.webhooks.limitReached'),
                t('seller.webhooks.atMost', { maxEndpoints }),
              )
            : html`<form
                class="stack"
                method="post"
                action="${url(`/toko/${brand.brand_id}/webhook`)}"
              >
                ${webhookFields(visit, shown)}
                <button class="button">${t('seller.webhooks.addTheWebhook')}</button>
              </form>`
        }
      </section>
    </div>`;
  return { title: `Webhook · ${brand.name}`, section: 'shop' as const, main };
}

function item(visit: PageContext, endpoint: EndpointRow): Html {
  return html`<li class="row apart">
    <p class="person">
      <a href="${visit.url(`/toko/webhook/${endpoint.endpoint_id}`)}"
        ><strong>${endpoint.url}</strong></a
      ><br /><span class="quiet">${about(visit, endpoint)}</span>
    </p>
    ${endpointBadge(visit, endpoint)}
  </li>`;
}

/** Returns the purpose and the events of a webhook in one line. */
function about({ t }: PageContext, { description, events }: EndpointRow): string {
  const heard =
    events.length === 0
      ? t('seller.webhooks.everyEvent')
      : t('seller.webhooks.kindsOfEvents', { events: events.length });
  return description === '' ? heard : `${description} · ${heard}`;
}

/** Returns a badge that shows whether a webhook is enabled. */
export function endpointBadge({ t }: PageContext, { status }: EndpointRow): Html {
  return status === 'enabled'
    ? badge(t('seller.webhooks.on'), 'good')
    : badge(t('seller.webhooks.off'), 'bad');
}
