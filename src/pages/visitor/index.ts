import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { campaignPages } from '../campaign/campaign.ts';
import { homePages } from './home.ts';
import { verifyPages } from './verify.ts';
import { sharePages } from '../campaign/share.ts';

/** Registers the public pages: the home page, campaigns, sharing and checking receipts. */
export function visitorPages(app: PageDeps): PagePlugin {
  return async (server) => {
    for (const part of [homePages(app), campaignPages(app), sharePages(app), verifyPages()]) {
      await server.register(part);
    }
  };
}
