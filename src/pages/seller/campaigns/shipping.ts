import type { PageDeps } from '../../deps.ts';
import { authorizeOnCampaign } from '../../../campaigns/operations.ts';
import { DomainError } from '../../../errors/errors.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { ship } from '../../../lifecycle/changes.ts';
import { html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import type { Campaign } from '../../../campaigns/campaign.ts';
import { withFlash } from '../../kit/flash.ts';
import { statusOf, runAction } from '../../kit/form-action.ts';
import { idParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';

/**
 * Registers the page for marking a batch as shipped. It explains the consequences and has the form.
 */
export function shippingPage(app: PageDeps): PagePlugin {
  return async (server) => {
    const { receivedAfterDays } = app.config.payments;
    const campaignToShip = async (visit: PageContext, id: string): Promise<Campaign> => {
      requireSignedIn(visit);
      const { campaign } = await authorizeOnCampaign(app.db, visit.actor, 'campaign.ship', id);
      if (campaign.status === 'completed') return campaign;
      const { status: from } = campaign;
      throw new DomainError('transition_not_allowed', { from, event: 'campaign_shipped' });
    };

    server.get('/toko/sambatan/:id/kirim', async (request, reply) => {
      const { visit } = request;
      const campaign = await campaignToShip(visit, idParam(request));
      return sendPage(request, reply, shippingView(visit, campaign, receivedAfterDays));
    });

    server.post('/toko/sambatan/:id/kirim', async (request, reply) => {
      const { visit } = request;
      const campaign = await campaignToShip(visit, idParam(request));
      return await runAction(request, reply, {
        run: () => ship(app, visit.actor, campaign.id),
        next: withFlash(`/toko/sambatan/${campaign.id}`, 'dikirim'),
        showAgain: (refused) => {
          const again = shippingView(visit, campaign, receivedAfterDays, refused);
          return sendPage(request, reply, again, statusOf(refused));
        },
      });
    });
  };
}

function shippingView(visit: PageContext, campaign: Campaign, days: number, refused?: DomainError) {
  const { t, url } = visit;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const title = t('common.markAsShipped');
  const main = html`<p class="crumbs"><a href="${path}">${campaign.title}</a></p>
    <h1>${title}</h1>
    ${refusalNotice(visit, refused)}
    <form class="stack panel narrow" method="post" action="${path}/kirim">
      <p>${t('seller.shipping.weTellEveryBuyerWhoHas', { days })}</p>
      <div class="row">
        <button class="button">${t('seller.shipping.yesEverythingIsShipped')}</button>
        <a class="button quiet" href="${path}">${t('seller.shipping.notYet')}</a>
      </div>
    </form>`;
  return { title, section: 'shop' as const, main };
}
