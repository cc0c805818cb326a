import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { brandPages } from './brands.ts';
import { campaignPage } from './campaign.ts';
import { campaignPages } from './campaigns.ts';
import { cancellationPage } from './cancellation.ts';
import { memberPages } from './members.ts';
import { participantPages } from './participants.ts';
import { payoutAccountPage } from './payout-account.ts';
import { productPages } from './products.ts';
import { decisionPages } from './decision.ts';
import { shortfallPage } from './shortfall.ts';
import { shippingPage } from './shipping.ts';
import { statementPage } from './statement.ts';
import { webhookPage } from './webhook.ts';
import { webhooksPage } from './webhooks.ts';

/** What sellers see: their brands and members, products, campaigns and participants. */
export function sellerPages(app: PageDeps): PagePlugin {
  const parts = [
    brandPages,
    memberPages,
    productPages,
    campaignPages,
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
