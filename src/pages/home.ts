import { campaignOf } from '../campaigns/campaign.ts';
import { listVisible } from '../campaigns/lists.ts';
import type { App } from '../context.ts';
import { sendPage, type Pages } from '../http/site.ts';
import { consult } from '../operation.ts';
import { countdown, emptyState, progressBar } from '../web/components.ts';
import { rupiah } from '../web/format.ts';
import { html } from '../web/html.ts';
import { heading } from '../web/layout.ts';

const most = 24;

/** The campaigns that run now. */
export function homePages(app: App): Pages {
  return async (server) => {
    server.get('/', async (request, reply) => {
      const { visit } = request;
      const { t, url } = visit;
      const rows = await consult(() =>
        listVisible(app.db, visit.actor, {
          status: 'active',
          brandId: undefined,
          words: undefined,
          sort: 'deadline',
          after: undefined,
          limit: most,
        }),
      );
      const cards = rows.map(campaignOf).map(
        (campaign) =>
          html`<li>
            <article class="card">
              <div class="card-body">
                <h2><a href="${url(`/sambatan/${campaign.id}`)}">${campaign.title}</a></h2>
                <p class="quiet">${campaign.brand_name}</p>
                <p class="price">${rupiah(campaign.price_per_slot, visit.language)}</p>
                ${progressBar(visit, { taken: campaign.slots_taken, total: campaign.total_slots })}
                <p>${countdown(visit, campaign.deadline)}</p>
              </div>
            </article>
          </li>`,
      );
      const main = html`${heading(
        t('Sambatan yang sedang jalan', 'Running campaigns'),
        t('Beli bareng langsung dari pembuatnya.', 'Buy together, straight from the maker.'),
      )}${
        cards.length > 0
          ? html`<ul class="cards">
              ${cards}
            </ul>`
          : emptyState(
              t('Belum ada Sambatan yang jalan', 'No campaign is running'),
              t('Datang lagi nanti, ya.', 'Please come back later.'),
            )
      }`;
      return sendPage(request, reply, { title: 'Sambatan', section: 'home', main });
    });
  };
}
