import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { brandPages } from './brand/brands.ts';
import { campaignPage } from './campaigns/campaign.ts';
import { campaignPages, editCampaignPages, newCampaignPages } from './campaigns/campaigns.ts';
import { cancellationPage } from './campaigns/cancellation.ts';
import { memberPages } from './brand/members.ts';
import { participantPages } from './participants/participants.ts';
import { payoutAccountPage } from './brand/payout-account.ts';
import { productPages } from './brand/products.ts';
import { decisionPages } from './campaigns/decision.ts';
import { shortfallPage } from './campaigns/shortfall.ts';
import { shippingPage } from './campaigns/shipping.ts';
import { statementPage } from './campaigns/statement.ts';
import { webhookPage } from './brand/webhook.ts';
import { webhooksPage } from './brand/webhooks.ts';

/** Registers the pages for sellers: brands and members, products, campaigns and participants. */
export function sellerPages(app: PageDeps): PagePlugin {
  const parts = [
    brandPages,
    memberPages,
    productPages,
    campaignPages,
    newCampaignPages,
    editCampaignPages,
    campaignPage,
    cancellationPage,
    decisionPages,
    participantPages,
    statementPage,
    shortfallPage,
    shippingPage,
    payoutAccountPage,
    webhooksPage,
    webhookPage,
  ];
  return async (server) => {
    for (const part of parts) await server.register(part(app));
  };
}
